"""`helpdesk why`: where an answer came from."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, say, with_database

if TYPE_CHECKING:
    from helpdesk.learning.lineage.why import PastAnswer, Why, Winner
    from helpdesk.matching.decide import Decision
    from helpdesk.records.database import Database
    from helpdesk.records.lineage import Provenance
    from helpdesk.settings import Settings

_VERBS = {
    "label": "labelled",
    "import": "imported",
    "edit": "added",
    "question": "written as the entry's question",
}
_SEARCH = (
    "  search, exact matches, head, centroids and out-of-scope messages are computed without it; encoder, weights\n"
    "  and thresholds are still those fitted with it; `helpdesk retrain --without row=ID` rebuilds them too"
)


@click.command()
@click.argument("message_id", type=NUMBER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_database
def why(settings: "Settings", database: "Database", message_id: int, as_json: bool) -> None:
    """Explain an answer: who taught it, when, from which message, since which version, and what if not."""
    from helpdesk.learning.lineage.why import explain

    found = explain(settings, database, message_id=message_id)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    for line in _lines(found):
        say(line)


def _lines(why: "Why") -> list[str]:
    from helpdesk.text import visible

    said = why.decision
    lines = [
        f'message {said.message_id}, {why.at:%Y-%m-%d %H:%M} UTC: "{visible(why.text)}"',
        f"{_answer(said.kind, said.intent, said.reason, said.confidence)}, by version {said.version_id}",
    ]
    lines += [f"note: {note}" for note in why.notes]
    lines += _winner(why.winner) if why.winner else []
    lines += [f"  near it: {n.row} -> {n.intent}, similarity {n.similarity:.3f}" for n in why.nearby]
    if why.history:
        lines += _history(why)
    if why.without is not None:
        lines += [f"without that text, version {why.without_version} says: {_decided(why.without)}", _SEARCH]
    return lines


def _winner(winner: "Winner") -> list[str]:
    head = {
        "exact": "this very text is known",
        "nearest": f"nearest phrasing of {winner.intent}, similarity {winner.similarity:.3f}",
        "out_of_scope": f"nearest of all is an out-of-scope message, similarity {winner.similarity:.3f}",
    }[winner.how]
    gone = "shipped with the product, or its label is gone" if winner.how == "out_of_scope" else "its row is gone"
    return [head, *(f"  {_origin(row)}" for row in winner.said_by)] if winner.said_by else [f"{head} ({gone})"]


def _origin(row: "Provenance") -> str:
    from helpdesk.text import visible

    when = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
    message = f" from message {row.message_id}" if row.message_id is not None else ""
    undone = f", undone {row.undone_at:%Y-%m-%d %H:%M} UTC" if row.undone_at else ""
    said = f'{row.id} "{visible(row.text)}" -> {row.intent or "out of scope"}'
    return f"{said}, {_VERBS[row.source]} by {row.author} on {when}{message}{undone}"


def _history(why: "Why") -> list[str]:
    first = f"version {why.first_version}" if why.first_version else "none of the versions kept"
    gone = f" ({why.bundles_gone} earlier ones are not kept any more)" if why.bundles_gone else ""
    return [f"first version that gives this answer: {first}{gone}", *(f"  {_past(past)}" for past in why.history)]


def _past(past: "PastAnswer") -> str:
    said = _decided(past.answer) if past.answer else f"does not open: {past.problem}"
    return f"version {past.version_id} ({past.kind}, {past.created_at:%Y-%m-%d %H:%M} UTC): {said}"


def _decided(decision: "Decision") -> str:
    return _answer(decision.kind, decision.intent, decision.reason, decision.confidence)


def _answer(kind: str, intent: str | None, reason: str, confidence: float) -> str:
    return f"{kind} {intent or ''}".strip() + f" ({reason}, confidence {confidence:.3f})"
