"""One helpdesk row of `compare.py`, in a process of its own so that its peak memory is its own.

A JSON job on standard input (train and test rows, seed, minutes, finetune); the figures of `accuracy.run` on standard
output.
"""

import contextlib
import json
import sys

from accuracy import CLINC_OOS, as_rows, run


def main() -> None:
    """Learn, decide, print."""
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        figures = run(
            as_rows(job["train"]),
            as_rows(job["test"]),
            oos_label=CLINC_OOS,
            seed=job["seed"],
            minutes=job["minutes"],
            finetune=job["finetune"],
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
