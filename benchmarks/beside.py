"""What people notice of a night: latency at half load while a niced one-thread night runs, and while it stands still.

    python benchmarks/beside.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv

Half load is half of what 16 clients get through, arriving at random; latency counts from when a message was due. The
night fine-tunes on the same rows and is stopped and continued (SIGSTOP, SIGCONT) window by window, so that both kinds
of windows meet the same machine. It is ended with the last window: `accuracy.py` with HELPDESK_TRAIN_THREADS=1 says how
long a whole one takes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from home import temporary_home
from load import distinct_texts, post_all, post_paced
from services import free_port, helpdesk_service

from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import Settings

CLIENTS = 16
AT_ONCE = 1400
SETTLE = 2.0  # seconds after each signal that are not counted
STAGE = "fine-tuning"


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that neither night nor service outlives this
    rows = read_labelled(arguments.train)
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=arguments.seed)
    with temporary_home(rows, port=free_port(), seed=arguments.seed) as (settings, _), helpdesk_service(settings):
        result = measure(settings, texts, windows=arguments.windows, seconds=arguments.seconds)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<20} {value}" for name, value in result.items()))


def measure(settings: Settings, texts: Iterator[str], *, windows: int, seconds: float) -> dict[str, Any]:
    """Latencies of both kinds of windows, which take turns, pooled."""
    post_all(settings.port, [next(texts) for _ in range(200)], clients=CLIENTS)
    rate = post_all(settings.port, [next(texts) for _ in range(AT_ONCE)], clients=CLIENTS).rps / 2
    latencies: dict[bool, list[float]] = {True: [], False: []}
    with running_night(settings) as process:
        for number in range(2 * windows):
            if process.poll() is not None:
                raise RuntimeError("the night ended before the last window; give it more rows or fewer windows")
            running = number % 4 in (1, 2)
            process.send_signal(signal.SIGCONT if running else signal.SIGSTOP)
            time.sleep(SETTLE)
            load = post_paced(settings.port, texts, rate=rate, seconds=seconds, seed=number)
            latencies[running] += load.latencies
            kind = "night runs" if running else "night stopped"
            print(f"{kind}: p99 {np.quantile(load.latencies, 0.99):.1f} ms", file=sys.stderr)
    alone, beside = ({q: float(np.quantile(latencies[kind], q)) for q in (0.5, 0.99)} for kind in (False, True))
    return {
        "p99_ratio": round(beside[0.99] / alone[0.99], 3),
        "p50_ratio": round(beside[0.5] / alone[0.5], 3),
        **{f"p{100 * q:.0f}_alone_ms": round(value, 2) for q, value in alone.items()},
        **{f"p{100 * q:.0f}_beside_ms": round(value, 2) for q, value in beside.items()},
        "messages_a_second": round(rate, 1),
        "messages": sum(map(len, latencies.values())),
    }


@contextmanager
def running_night(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """`helpdesk retrain` with one thread, once it has begun to fine-tune; killed at the end."""
    words = [sys.executable, "-c", "from helpdesk.cli.main import main; main()", "retrain", "--minutes", "60"]
    environment = {"HELPDESK_HOME": str(settings.home), "HELPDESK_TRAIN_THREADS": "1", "OMP_NUM_THREADS": "1"}
    told = settings.home / "night.txt"
    with told.open("wb") as file:
        process = subprocess.Popen(words, env=os.environ | environment, stderr=file)
    try:
        while STAGE not in told.read_text():
            if process.poll() is not None:
                raise RuntimeError(f"the night ended before it fine-tuned: {told.read_text()[-500:]}")
            time.sleep(0.5)
        yield process
    finally:
        process.kill()
        process.wait()


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--windows", type=int, default=6, help="of each kind")
    parser.add_argument("--seconds", type=float, default=20.0, help="a window")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
