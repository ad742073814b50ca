"""`helpdesk data check`: the data doctor."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import progress_bars, with_database
from helpdesk.text import counted

if TYPE_CHECKING:
    from helpdesk.learning.data_check.check import Checkup
    from helpdesk.learning.data_check.findings import Finding
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

_SHOWN_FINDINGS = 20
_SHOWN_TEXTS = 6
_FAILING = {"error": ("error",), "warning": ("error", "warning"), "never": ()}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all findings as one JSON object.")
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAILING)),
    default="error",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@with_database
def check(settings: "Settings", database: "Database", as_json: bool, fail_on: str) -> None:
    """Look for faults in the FAQ: contradictions, thin entries, wrong labels, duplicates. Changes none of it.

    The FAQ pages show what the last check found; each night makes one, when something changed.
    """
    from helpdesk.learning.data_check.check import check_data
    from helpdesk.records.data_checks import store_data_check

    found = check_data(settings, database, progress=progress_bars())
    with database.write() as session:
        store_data_check(session, found.as_dict(), rows_hash=found.rows_hash)
    click.echo(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else "\n".join(_lines(found)))
    if any(found.count(severity) for severity in _FAILING[fail_on]):
        click.get_current_context().exit(1)


def _lines(found: "Checkup") -> Iterator[str]:
    for (severity, name, advice), group in groupby(found.findings, key=lambda f: (f.severity, f.check, f.advice)):
        findings = list(group)
        yield f"{severity.upper()}: {name} ({len(findings)})"
        for finding in findings[:_SHOWN_FINDINGS]:
            yield from _finding_lines(finding)
        if len(findings) > _SHOWN_FINDINGS:
            yield f"  ... and {len(findings) - _SHOWN_FINDINGS} more; --json prints all"
        yield f"  -> {advice}"
    counts = ", ".join(counted(found.count(severity), severity) for severity in ("error", "warning", "hint"))
    examined = f"{counted(found.entries, 'entry', 'entries')}, {counted(found.phrasings, 'phrasing')}"
    yield f"{examined}: {counts} ({found.seconds:.0f} s)"


def _finding_lines(finding: "Finding") -> Iterator[str]:
    yield f"  {finding.problem}"
    if len(finding.texts) > 1:
        shown = "; ".join(dict.fromkeys(finding.texts[:_SHOWN_TEXTS]))
        more = len(finding.texts) - _SHOWN_TEXTS
        yield f"    {shown}" + (f"; and {more} more" if more > 0 else "")
    elif len(finding.slugs) > 2:
        yield f"    {', '.join(finding.slugs[:_SHOWN_TEXTS])}, ..."
