"""The questions that are shown after an answer: names of other entries, at most three."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError
from helpdesk.records.names import Slugs, current_names
from helpdesk.records.tables import Intent
from helpdesk.text import normalise

MAX_FOLLOW_UPS: Final = 3


def find_follow_ups(session: Session, typed: Sequence[str], *, apart_from: str = "") -> tuple[str, ...]:
    """The names of the entries that are meant by names or questions, each once.

    Raises BadInputError for what names no entry or the entry itself, and for too many.
    """
    if not typed:
        return ()
    slugs, by_question = Slugs(session), _by_question(session)
    found = []
    for text in typed:
        intent = slugs.find(text)
        slug = intent.slug if intent is not None else by_question.get(normalise(text))
        if slug is None:
            raise BadInputError(f"follow-up {text!r:.80} is no entry; expected the name or the question of another one")
        if slug == apart_from:
            raise BadInputError(f"follow-up {text!r:.80} is this entry itself; expected another one")
        found.append(slug)
    if len(set(found)) > MAX_FOLLOW_UPS:
        raise BadInputError(f"{len(set(found))} follow-ups; expected at most {MAX_FOLLOW_UPS}")
    return tuple(dict.fromkeys(found))


def names_today(session: Session, slugs: Sequence[str]) -> list[str]:
    """What the follow-ups of an entry are called now; those that are gone are left out."""
    names = current_names(session)
    today = list(dict.fromkeys(names.get(slug, slug) for slug in slugs))
    there = set(session.scalars(select(Intent.slug).where(Intent.slug.in_(today), Intent.status != "deleted")))
    return [slug for slug in today if slug in there]


def _by_question(session: Session) -> dict[str, str]:
    rows = session.execute(select(Intent.question, Intent.slug).where(Intent.status != "deleted"))
    return {normalise(question): slug for question, slug in rows}
