"""`retrain --explain` and `helpdesk nights`: the versions of a night side by side, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import say, with_database
from helpdesk.decisions import DecisionKind

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.records.night_report import (
        Confusion,
        DecisionSummary,
        DifferenceReport,
        Explanation,
        FlipReport,
        IntentChange,
        NightReport,
        ReplayReport,
        ShareReport,
        VerdictReport,
        VersionColumn,
    )
    from helpdesk.settings import Settings

_LABEL, _CELL = 24, 28
_FLIPS = 10
_PROOFS = 5
_LISTED = 14
_NONE = "(out of scope)"


@click.group(invoke_without_command=True)
@click.pass_context
def nights(context: click.Context) -> None:
    """List the last nights: number, start, verdict, version in service, reason."""
    if context.invoked_subcommand is None:
        _list()


@nights.command("explain")
@click.argument("night", metavar="[ID|last]", default="last")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@with_database
def explain_night(settings: "Settings", database: "Database", night: str, as_json: bool) -> None:
    """Show incumbent, refreshed and retrained of one night side by side, from its report."""
    import json

    report = _read(settings, database, night)
    lines = explain_lines(report, proofs=read_proofs(database, report))
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else "\n".join(lines))


def read_proofs(database: "Database", report: "NightReport") -> dict[str, str]:
    """The texts of the rows that speak against a night's candidates, by row id."""
    from helpdesk.records.labels import texts_of

    objections = [found for verdict in report.verdicts.values() for found in verdict.objections]
    with database.read() as session:
        return texts_of(session, sorted({row for found in objections for row in found.rows}))


def explain_lines(report: "NightReport", *, proofs: Mapping[str, str]) -> Iterator[str]:
    """A night's report as a table with what changed under it; shares in percent, 95% intervals in brackets.

    proofs: the texts of the rows that prove a refusal, by row id; five are shown for each rule.
    """
    found = report.explanation
    if found is None:
        yield "nothing to compare: there was no version in service, or the night ended before anything was judged"
    else:
        yield from _table(found.versions)
        for kind, verdict in report.verdicts.items():
            yield ""
            yield from _candidate(kind, verdict, found, proofs)
    if times := report.build_times():
        yield from ("", *times)


def _table(columns: Sequence["VersionColumn"]) -> Iterator[str]:
    yield _row("", [column.kind for column in columns])
    yield _row("right", [_measured(column.accuracy) for column in columns])
    yield _row("  in scope", [_measured(column.in_scope) for column in columns])
    yield _row("  out of scope", [_measured(column.out_of_scope) for column in columns])
    yield _row("difference", [_difference(column.difference) for column in columns])
    yield _row("  against", [_against(column) for column in columns])
    yield _row("answered directly", [_percent(column.coverage) for column in columns])
    yield _row("  of those wrong", [_percent(column.wrong_rate) for column in columns])
    yield _row("calibration error", [_percent(column.calibration_error) for column in columns])


def _candidate(kind: str, verdict: "VerdictReport", found: "Explanation", proofs: Mapping[str, str]) -> Iterator[str]:
    yield f"{kind.upper()}: {'promote' if verdict.promote else 'refuse'}"
    yield from (f"  {reason}" for reason in verdict.reasons)
    for objection in verdict.objections:
        yield from _section(f"proof of `{objection.rule}`", list(_proof(objection.rows, proofs)))
    if (changes := found.intents.get(kind)) is not None:
        yield from _section("gains", [_intent(row) for row in changes.gains])
        yield from _section("losses", [_intent(row) for row in changes.losses])
    yield from _section("confused: meant -> chosen", [_confusion(row) for row in found.confusions.get(kind, ())])
    if verdict.replay is not None:
        yield from _section("replayed traffic", list(_replayed(verdict.replay)))
        flips = [_flip(flip) for flip in verdict.replay.flips if flip.truth is None]
        yield from _section("unlabelled messages that change, most asked first", flips[:_FLIPS])


def _proof(rows: Sequence[str], proofs: Mapping[str, str]) -> Iterator[str]:
    from helpdesk.text import visible

    shown = [row for row in rows if row in proofs][:_PROOFS]
    yield from (f'"{visible(proofs[row])}" ({row})' for row in shown)
    if shown and len(rows) > len(shown):
        yield f"and {len(rows) - len(shown)} more"


def _section(name: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  {name}"
        yield from (f"    {line}" for line in lines)


def _row(name: str, cells: Sequence[str]) -> str:
    return (f"{name:<{_LABEL}}" + "".join(f"{cell:<{_CELL}}" for cell in cells)).rstrip()


def _measured(found: "ShareReport") -> str:
    if found.share is None or found.low is None or found.high is None:
        return "-"
    return f"{100 * found.share:.1f}% ({100 * found.low:.0f} to {100 * found.high:.0f}) of {found.rows:,}"


def _difference(found: "DifferenceReport | None") -> str:
    if found is None:
        return "-"
    return f"{100 * found.change:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _against(column: "VersionColumn") -> str:
    found = column.difference
    return "-" if found is None else f"{column.against}: +{found.gained} -{found.lost}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def _intent(row: "IntentChange") -> str:
    change = row.after - row.before
    return f"{change:+d}  {row.intent or _NONE}: {row.before} -> {row.after} right of {row.rows}"


def _confusion(row: "Confusion") -> str:
    return f"{row.before} -> {row.after}  {row.intent or _NONE} -> {row.chosen}"


def _replayed(replay: "ReplayReport") -> Iterator[str]:
    yield f"{replay.messages:,} messages, {replay.distinct:,} texts"
    yield f"answered directly: {_percent(replay.coverage_before)} -> {_percent(replay.coverage_after)}"
    yield (
        f"decided otherwise: {_percent(replay.changed_share)}; answered before, and now another answer or none: "
        f"{_percent(replay.unsettled_share)}"
    )
    yield f"of known meaning: {replay.gained} turn right, {replay.right_to_wrong} turn wrong"


def _flip(flip: "FlipReport") -> str:
    from helpdesk.text import visible

    return f'{flip.count} x "{visible(flip.text)}": {_said(flip.before)} => {_said(flip.after)}'


def _said(decision: "DecisionSummary") -> str:
    return f"answer {decision.intent}" if decision.kind == DecisionKind.ANSWER else decision.kind


def _read(settings: "Settings", database: "Database", night: str) -> "NightReport":
    """The report of a night by its number, or of the last one. Raises NotFoundError, BadInputError."""
    from helpdesk.errors import BadInputError, NotFoundError
    from helpdesk.records.files.reports import REPORTS
    from helpdesk.records.nights import find_night, last_night, read_report

    if night != "last" and not night.isdecimal():
        raise BadInputError(f"night {night!r}; expected a number that `helpdesk nights` lists, or last")
    with database.read() as session:
        row = last_night(session) if night == "last" else find_night(session, int(night))
        if row is None:
            raise NotFoundError("no night yet; run `helpdesk retrain`" if night == "last" else f"no night {night}")
        report = read_report(session, row)
        if report is None:
            where = settings.home / REPORTS
            raise NotFoundError(f"the report of night {row.id} is not kept any more; {where} has those of nights here")
    return report


@with_database
def _list(settings: "Settings", database: "Database") -> None:
    from helpdesk.records.nights import list_nights

    with database.read() as session:
        for night in reversed(list_nights(session, limit=_LISTED)):
            when = f"{night.started_at:%Y-%m-%d %H:%M} UTC"
            say(f"{night.id:>4}  {when}  {night.verdict:<8}  {night.version_id or '-':>4}  {night.reason}")
