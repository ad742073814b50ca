"""Second looks: labels that contradict what the bot is sure of are put to the desk once more.

One slip of a finger among fifty answers is enough to break a contract of one error in twenty. So a label that was said
once does not count against the bot for a week when the bot, which never learnt from it, is sure of something else; it
heads the queue instead, and counts as soon as somebody says the same again. It teaches meanwhile.
"""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from helpdesk.records.base import now
from helpdesk.records.running_tables import Night
from helpdesk.records.tables import Label

PATIENCE = timedelta(days=7)
FIGURE = "second_looks"


def said_once(session: Session) -> set[int]:
    """Ids of the labels of the last week that name an intent and that nobody has repeated."""
    again = aliased(Label)
    repeated = select(again.id).where(
        again.text_key == Label.text_key, again.intent_id == Label.intent_id, again.id != Label.id
    )
    query = select(Label.id).where(
        Label.undone_at.is_(None), Label.kind == "intent", Label.created_at > now() - PATIENCE, ~repeated.exists()
    )
    return set(session.scalars(query))


def times_said(session: Session, text_key: str) -> int:
    """How often a text was labelled, superseded labels included, skips not."""
    query = select(func.count()).select_from(Label).where(Label.text_key == text_key, Label.kind != "skip")
    return session.scalar(query) or 0


def asked_again(session: Session) -> list[int]:
    """Ids of the labels that last night contradicted and that were said once still, oldest first."""
    newest = select(func.max(Night.id)).where(Night.verdict != "failed").scalar_subquery()
    figures = session.scalar(select(Night.figures).where(Night.id == newest)) or {}
    rows = {int(row.removeprefix("label:")) for row in figures.get(FIGURE, ())}
    return sorted(rows & said_once(session)) if rows else []
