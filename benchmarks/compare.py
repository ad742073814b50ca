"""helpdesk side by side with other systems on the same encoder, in one table.

    python benchmarks/compare.py --folder ../shared/data
    python benchmarks/compare.py --folder ../shared/data --quick --data banking77-5,clinc150-10
    python benchmarks/compare.py --folder ../shared/data --only setfit_1_2 --data banking77-5 --seeds 1

Every training row is learnt, nothing is rejected. Each figure is appended to a file as soon as it is measured and is
not measured again, unless the code or the rows behind it have changed: a run can be stopped and resumed, or made piece
by piece. Systems without a seed are run once.

accuracy      % of in-scope messages whose intent comes first; mean and standard deviation over the seeds
OOS AUROC     how well the confidence tells in-scope from out-of-scope messages, none of them learnt (CLINC150 only)
learning      seconds from rows to a system that answers; in brackets of processor time
peak memory   of the whole process, learning and deciding; helpdesk's is with its nightly job
ms a message  median of about 200 messages sent one by one, with one encoder thread for helpdesk; in brackets of
              processor time
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from accuracy import Rows
from labelled_sets import TITLES, is_few_shot, load
from measured import Record, append, circumstances, read
from systems import SYSTEMS, Bench, fingerprint, measure

HEADINGS = ("data", "system", "accuracy", "OOS AUROC", "learning, s", "peak memory, MB", "ms a message")


def main(words: Sequence[str] | None = None) -> None:
    """Measure what is missing, print what there is."""
    arguments = _arguments(words)
    records = []
    for data in arguments.data:
        train, test = load(data, arguments.folder)
        for system in arguments.only:
            if is_few_shot(data) or not SYSTEMS[system].few_shot_only:
                records += list(_records(system, data, train, test, arguments=arguments))
    print(json.dumps(records) if arguments.json else as_table(records))


def _records(system: str, data: str, train: Rows, test: Rows, *, arguments: argparse.Namespace) -> Iterator[Record]:
    """The records of one system on one set, one a seed, from the results file or else measured now."""
    code = fingerprint(system, train, test)
    earlier = [r for r in read(arguments.results) if (r["system"], r["data"]) == (system, data)]
    known = {r["seed"]: r for r in earlier if r["code"] == code}
    if outdated := sum(r["code"] != code for r in earlier):
        print(f"{system} on {data}: {outdated} figures of other code or rows left out", file=sys.stderr)
    bench = Bench(arguments.envs, arguments.threads, arguments.minutes)
    for seed in range(arguments.seeds if SYSTEMS[system].seeded else 1):
        if seed not in known and not arguments.show:
            print(f"{system} on {data}, seed {seed}", file=sys.stderr)
            figures = measure(system, train, test, seed=seed, bench=bench)
            known[seed] = {"system": system, "data": data, "seed": seed, "code": code, **circumstances(), **figures}
            append(arguments.results, known[seed])
        if seed in known:
            yield known[seed]


def as_table(records: Sequence[Record]) -> str:
    """A markdown table, one line a data set and system."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["data"], record["system"]), []).append(record)
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(_cells(data, system, g) for (data, system), g in groups.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(data: str, system: str, records: Sequence[Record]) -> Sequence[str]:
    aurocs = [r["oos_auroc"] for r in records if "oos_auroc" in r]
    return (
        TITLES[data],
        SYSTEMS[system].title,
        _spread([100 * r["accuracy"] for r in records], digits=1, seeded=SYSTEMS[system].seeded),
        _spread(aurocs, digits=3, seeded=SYSTEMS[system].seeded) if aurocs else "",
        f"{_mean(records, 'seconds'):.0f} ({_mean(records, 'cpu_seconds'):.0f})",
        f"{_mean(records, 'peak_memory_mb'):.0f}",
        f"{_mean(records, 'message_ms'):.1f} ({_mean(records, 'message_cpu_ms'):.1f})",
    )


def _mean(records: Sequence[Record], name: str) -> float:
    return float(statistics.mean(record[name] for record in records))


def _spread(values: Sequence[float], *, digits: int, seeded: bool) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    if not seeded:
        return f"{mean} (no seed)"
    if len(values) == 1:
        return f"{mean} (1 seed)"
    return f"{mean} ± {statistics.stdev(values):.{digits}f} ({len(values)} seeds)"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    temporary = Path(tempfile.gettempdir())
    parser.add_argument("--folder", type=Path, required=True, help="holds banking77/ and clinc150/")
    parser.add_argument("--only", help=f"systems, by comma, of {', '.join(SYSTEMS)}")
    parser.add_argument("--data", default=",".join(TITLES), help=f"sets, by comma, of {', '.join(TITLES)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="leave out what takes long: fine-tuning and SetFit")
    parser.add_argument("--show", action="store_true", help="measure nothing, print what the results file holds")
    parser.add_argument("--envs", type=Path, default=temporary / "helpdesk-rivals", help="the rivals' environments")
    parser.add_argument("--results", type=Path, default=Path("var") / "compare.jsonl", help="measured so far")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="native threads of a rival")
    parser.add_argument("--minutes", type=float, default=60.0, help="budget of helpdesk's fine-tuning")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(words)
    fast = [name for name, system in SYSTEMS.items() if not (arguments.quick and system.slow)]
    arguments.only = _known(parser, arguments.only or ",".join(fast), SYSTEMS)
    arguments.data = _known(parser, arguments.data, TITLES)
    return arguments


def _known(parser: argparse.ArgumentParser, names: str, known: Collection[str]) -> list[str]:
    for name in names.split(","):
        if name not in known:
            parser.error(f"{name!r} is unknown; expected one of {', '.join(known)}")
    return names.split(",")


if __name__ == "__main__":
    main()
