"""What a person was told, and how that is stored beside the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.records.tables import DecisionRow


@dataclass(frozen=True)
class Told:
    """What the person got: the text, the slugs of what was answered, and (slug, question) of what was offered, all as
    they were then. The last option, "none of these", has no slug. markup: whether the text is Markdown, as answers
    are."""

    text: str
    intents: Sequence[str] = ()
    options: Sequence[tuple[str | None, str]] = ()
    follow_ups: Sequence[tuple[str, str]] = ()
    markup: bool = False


def stored_telling(told: Told, intent: str | None) -> dict[str, Any]:
    """What was told, as `decisions.told` keeps it beside the decided intent: without what is empty or the same."""
    kept = {name: value for name, value in vars(told).items() if value and name != "intents"}
    return {"text": told.text} | kept | ({} if tuple(told.intents) == _alone(intent) else {"intents": told.intents})


def told_of(stored: Mapping[str, Any] | None, intent: str | None) -> Told | None:
    """What `stored_telling` made of it; None before that was kept."""
    if stored is None:
        return None
    intents = tuple(stored.get("intents", _alone(intent)))
    options, follow_ups = (
        [(slug, question) for slug, question in stored.get(name, ())] for name in ("options", "follow_ups")
    )
    return Told(stored["text"], intents, options, follow_ups, stored.get("markup", False))


def whole_telling(row: DecisionRow) -> dict[str, Any] | None:
    """The same of a row, with every field."""
    told = told_of(row.told, row.intent)
    return None if told is None else dict(vars(told))


def _alone(intent: str | None) -> tuple[str, ...]:
    return () if intent is None else (intent,)
