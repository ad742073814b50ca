"""Golden phrases: what must always be answered so, and what must never be answered. The gate keeps staff's word."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.faq import find_intent, is_phrasing
from helpdesk.records.tables import GoldenPhraseRow, Intent
from helpdesk.text import normalise, text_key


@dataclass(frozen=True)
class GoldenPhrase:
    """One promise: `text` is always answered with `intent` (a slug), or never answered when that is None."""

    id: int
    text: str
    intent: str | None


def add(session: Session, text: str, *, intent: str | None, author: str, redact: Callable[[str], str] = str) -> int:
    """Promise an answer (an intent's slug), or none (None), for a text; the id of the promise.

    redact: what a message goes through, and so does the text, unless it is a phrasing of the FAQ. Texts are compared as
    normalised, so case and end marks do not matter. Raises BadInputError for a text without letters or digits,
    NotFoundError for an unknown intent, ConflictError when the text is golden already.
    """
    if not is_phrasing(session, text):
        text = redact(text)
    normalised = normalise(text)
    if not any(character.isalnum() for character in normalised):
        raise BadInputError(f"golden phrase {text!r} has no letters or digits; expected what people type")
    target = None if intent is None else find_intent(session, intent)
    key = text_key(normalised)
    taken = session.scalar(select(GoldenPhraseRow.id).where(GoldenPhraseRow.text_key == key))
    if taken is not None:
        raise ConflictError(f"{text.strip()!r} is golden phrase {taken} already; remove that first")
    row = GoldenPhraseRow(text=text.strip(), text_key=key, intent_id=target and target.id, author=author[:80])
    session.add(row)
    session.flush()
    audit_log.note(session, "golden.added", author=author, subject=row.text, intent=intent)
    return row.id


def remove(session: Session, golden_id: int, *, author: str) -> None:
    """Take a promise back. Raises NotFoundError when there is none of that id."""
    removed = session.scalar(
        delete(GoldenPhraseRow).where(GoldenPhraseRow.id == golden_id).returning(GoldenPhraseRow.text)
    )
    if removed is None:
        raise NotFoundError(f"no golden phrase {golden_id}")
    audit_log.note(session, "golden.removed", author=author, subject=removed)


def read(session: Session) -> list[GoldenPhrase]:
    """Every promise, oldest first."""
    query = (
        select(GoldenPhraseRow.id, GoldenPhraseRow.text, Intent.slug)
        .outerjoin(Intent, Intent.id == GoldenPhraseRow.intent_id)
        .order_by(GoldenPhraseRow.id)
    )
    return [GoldenPhrase(number, text, slug) for number, text, slug in session.execute(query)]
