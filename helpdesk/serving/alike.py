"""Other entries that have a text already, or nearly: what whoever types it should know."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records.labels import texts_of
from helpdesk.records.tables import Intent, Phrasing
from helpdesk.serving.live import Live
from helpdesk.text import normalise, text_key

NEAR = 0.9  # cosine: as near as a message must be to a phrasing of today to be answered with it
MOST_RANKED = 20  # texts that are encoded in one request; the others are compared by their letters


@dataclass(frozen=True)
class AlikeText:
    """Another entry that has a typed text as `text`, or nearly; similarity 1 means the very same."""

    typed: str
    text: str
    entry_id: int
    question: str
    status: str
    similarity: float

    @property
    def same(self) -> bool:
        """Whether it is the same text to the letter, however it is typed."""
        return self.similarity >= 1


def alike_texts(
    session: Session, live: Live | None, texts: Sequence[str], *, apart_from: int | None
) -> list[AlikeText]:
    """For each text the other entries that have it, drafts too, and the published ones that nearly have it."""
    wanted = {normalise(text): text for text in texts if normalise(text)}
    found = _same(session, wanted, apart_from=apart_from)
    told = {(alike.typed, alike.entry_id) for alike in found}
    near = _near(session, live, list(wanted.items())[:MOST_RANKED]) if live else []
    return found + [a for a in near if a.entry_id != apart_from and (a.typed, a.entry_id) not in told]


def _same(session: Session, wanted: dict[str, str], *, apart_from: int | None) -> list[AlikeText]:
    keys = {text_key(normalised): text for normalised, text in wanted.items()}
    rows = (
        select(Phrasing.text_key, Phrasing.text, Intent)
        .join(Intent)
        .where(Phrasing.text_key.in_(list(keys)[:500]), Intent.id != (apart_from or 0))
        .order_by(Phrasing.id)
    )
    return [
        AlikeText(keys[key], text, intent.id, intent.question, intent.status, 1.0)
        for key, text, intent in session.execute(rows)
    ]


def _near(session: Session, live: Live, wanted: Sequence[tuple[str, str]]) -> list[AlikeText]:
    ranked = [
        (text, row)
        for normalised, text in wanted
        for row in live.rank(normalised).ranking
        if row.nearest is not None and row.similarity is not None and row.similarity >= NEAR
    ]
    texts = texts_of(session, [str(row.nearest) for _, row in ranked])
    entries = select(Intent).where(Intent.slug.in_({row.intent for _, row in ranked}), Intent.status == "published")
    intents = {intent.slug: intent for intent in session.scalars(entries)}
    return [
        AlikeText(text, texts[str(row.nearest)], intents[row.intent].id, intents[row.intent].question,
                  intents[row.intent].status, min(0.999, row.similarity or 0.0))
        for text, row in ranked
        if row.intent in intents and str(row.nearest) in texts
    ]  # fmt: skip
