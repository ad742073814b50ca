"""`helpdesk report`: how a version copes with messages typed differently, and with different people's."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from helpdesk.cli.common import NUMBER, say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

_SHOWN = 3


@click.command()
@click.argument("version_id", metavar="[VERSION]", type=NUMBER, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the reports as one JSON object.")
@click.option("--phrasings", is_flag=True, help="Print the phrasings to add as CSV (text,intent) for `faq import`.")
@with_database
def report(settings: "Settings", database: "Database", version_id: int | None, as_json: bool, phrasings: bool) -> None:
    """Show the perturbation and the fairness report of VERSION (default: the one in service)."""
    facts = _read_report(settings, database, version_id)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif phrasings:
        click.echo(_phrasings_csv(facts), nl=False)
    else:
        say("\n".join(line.rstrip() for line in _lines(facts)))


def _read_report(settings: "Settings", database: "Database", version_id: int | None) -> dict[str, Any]:
    """Version, kind and robustness.json of one version. Raises NotFoundError, BundleError."""
    from helpdesk.errors import BundleError, NotFoundError
    from helpdesk.matching.bundle import ROBUSTNESS
    from helpdesk.matching.bundle_store import open_store
    from helpdesk.records.versions import current, find_version

    with database.read() as session:
        if version_id is None:
            serving = current(session)
            if serving is None:
                raise NotFoundError("no version was promoted yet; run `helpdesk init`")
            version_id = serving.version_id
        version = find_version(session, version_id)
        path = open_store(settings).fetch(version.directory, whole=True) / ROBUSTNESS
        if not path.is_file():
            raise BundleError(
                f"version {version.id} has no {ROBUSTNESS}: its bundle is gone or older than these reports"
            )
        return {"version": version.id, "kind": version.kind, **json.loads(path.read_text())}


def _phrasings_csv(facts: Mapping[str, Any]) -> str:
    import csv
    import io

    from helpdesk.records.files.cells import escape_cell

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("text", "intent"))
    added = [add for part in facts["fairness"] for add in part["add"]]
    writer.writerows([escape_cell(add["text"]), escape_cell(add["intent"])] for add in added)
    return out.getvalue()


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"version {facts['version']} ({facts['kind']}), measured on {facts['messages']} messages ({facts['source']})"
    yield "each message is decided by a model that never saw it; differences are in points, with their 95% interval"
    yield ""
    yield from _perturbation_lines(facts)
    yield ""
    yield from _fairness_lines(facts)


def _perturbation_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "TYPED DIFFERENTLY"
    yield f"{'':<14} {'pairs':>5} {'same text':>9}  {'accuracy':<33}  {'answered directly':<33}  wrong answers"
    for kind in facts["perturbations"]:
        wrong = " -> ".join(map(str, kind["wrong_answers"]))
        yield (
            f"{kind['kind']:<14} {kind['pairs']:>5} {kind['same_text']:>9}  {_change(kind['accuracy'])}  "
            f"{_change(kind['answer_rate'])}  {wrong}"
        )
    found = facts["negation"]
    yield (
        f"negation: of {found['answered']} messages with a direct answer, their negation got the same answer "
        f"{found['same_answer']} times, another {found['other_answer']} times, none {found['hedged']} times"
    )


def _fairness_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "WRITTEN BY DIFFERENT PEOPLE"
    yield f"{'':<34} {'':<4} {'pairs':>5}  {'accuracy':<33}  answered directly"
    for part in facts["fairness"]:
        yield (
            f"{part['slice']:<34} {part['verdict']:<4} {part['pairs']:>5}  {_change(part['accuracy'])}  "
            f"{_change(part['answer_rate'])}"
        )
    for part in facts["fairness"]:
        if part["verdict"] == "weak":
            yield f"weak: {part['slice']}, {' against '.join(part['sides'])}. {_advice(part['add'])}"


def _advice(add: list[dict[str, str]]) -> str:
    if not add:
        return "Every phrasing that could be added is there already; collect real messages of this kind"
    examples = "; ".join(f"{row['intent']}: {row['text']}" for row in add[:_SHOWN])
    return f"Add {len(add)} phrasings (--phrasings prints all), e.g. {examples}"


def _change(found: Mapping[str, float]) -> str:
    shares = f"{found['before']:.0%} -> {found['after']:.0%}"
    change, low, high = (100 * found[name] for name in ("change", "low", "high"))
    return f"{shares:<14} {change:+.0f} ({low:+.0f} to {high:+.0f})".ljust(33)
