"""docs/reliability.md, written from what runs found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torture.cases import CASES
from torture.suite import SUITE

SOAK = "soak"
SOAKED = (
    "`make soak`: messages, choices, feedback, desk pages, labels, edits, swaps, nights, erasures; a backup that is "
    "restored in the middle answers the same; memory, descriptors, threads, write-ahead log are flat; times are minutes"
)
Record = dict[str, Any]
HEAD = """# Reliability

What a running helpdesk survives, and the proof. `make torture` wrote this page: it starts the real server with two
workers on loopback, sends messages that must be answered differently by two versions, and meanwhile kills, freezes,
fills up, damages and lies. `make test` plays the quicker ones of the same cases once or twice.

**A case passes on its oracle**, not on the absence of errors. Clients write down every reply. Afterwards each message
that was acknowledged must be in the database once, under the id that was told, with one decision; a message that was
sent again after a failure must not be there twice. Every answer must be the one that the version it names gives;
whoever was told that people were told must have a case; no reply may have a status but 200, 429 and 503.

Rows show the newest run of each case: how often, of the times that a full run has, the seed that draws its moments, and
what was found; seconds are the worst ones. The load is that of the machine when it ended (processes that want to run;
it has {cores} cores): seconds on a busy machine are no promise. Play one case again with `python -m torture --only
"worker killed" --seed 7`, or all of them with `make torture`. `#` is the number of the case in the test matrix.

"""
ROW = "| {rows} | {case} | {database} | {done} | {seed} | {result} | {figures} | {at} | {load} |"


def write_report(records: Sequence[Record], path: Path) -> None:
    """The newest of each case and database, in the order of the cases."""
    newest: dict[tuple[str, str], Record] = {(record["case"], record["database"]): record for record in records}
    cores = records[-1]["cores"] if records else 0
    lines = [HEAD.format(cores=cores).rstrip(), "", "## Results", "", *_table(newest), "", "## What is checked", ""]
    lines += [f"- **{case.name}**: {case.checked}" for case in CASES]
    lines += [
        f"- **{name}** ({', '.join(f'`{test}`' for test in tests)}): {said}" for name, (_, said, tests) in SUITE.items()
    ]
    path.write_text("\n".join([*lines, ""]))


def _table(newest: dict[tuple[str, str], Record]) -> Iterator[str]:
    yield "| # | case | database | times | seed | result | figures | when | load |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for case in CASES:
        for database in case.databases:
            yield _row(case.rows, case.name, database, newest.get((case.name, database)), of=f" of {case.times}")
    for database in ("sqlite", "postgresql"):
        yield _row((25,), SOAK, database, newest.get((SOAK, database)))
    for name, (rows, _, _) in SUITE.items():
        yield _row(rows, name, "both", newest.get((name, "both")))


def _row(rows: Sequence[int], name: str, database: str, record: Record | None, *, of: str = "") -> str:
    numbers = ", ".join(map(str, rows))
    if record is None:
        return ROW.format(
            rows=numbers,
            case=name,
            database=database,
            done=f"0{of}",
            seed="",
            result="not run",
            figures="",
            at="",
            load="",
        )
    figures = "; ".join(f"{figure} {value:g}" for figure, value in record["figures"].items())
    return ROW.format(
        rows=numbers,
        case=name,
        database=database,
        done=f"{record['done']} tests" if database == "both" else f"{record['done']}{of}",
        seed="" if record["seed"] is None else record["seed"],
        result=_result(record),
        figures=figures,
        at=record["at"][:10],
        load=f"{record['load']:.0f}",
    )


def _result(record: Record) -> str:
    if record["left_out"]:
        return f"not run: {record['left_out']}"
    if record["problems"]:
        return f"**failed**: {_cell(record['problems'])}"
    late = Counter(line.split(":")[0] for line in record["late"])
    said = "; ".join(f"{name} ({count} of {record['done']})" for name, count in late.items())
    return f"passed, **too slow**: {said}" if late else "passed"


def _cell(lines: Sequence[str]) -> str:
    """Lines as one cell of a table, without the paths of the machine."""
    words = "; ".join(dict.fromkeys(lines)).replace("|", ",").replace("`", "'").split()
    return " ".join("..." if word.count("/") > 1 else word for word in words)[:300]
