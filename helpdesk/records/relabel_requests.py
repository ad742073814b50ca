"""Relabel requests: labels that contradict what the bot is sure of are put to the desk once more.

One slip of a finger among fifty answers is enough to break a contract of one error in twenty. So a label that was said
once does not count against the bot for a week when the bot, which never learnt from it, is sure of something else; it
heads the queue instead, and counts as soon as somebody says the same again. It teaches meanwhile.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from helpdesk.records.asked_texts import PUT_OFF
from helpdesk.records.clock import now
from helpdesk.records.labels import SAID
from helpdesk.records.tables import Label, Night

REPEAT_WITHIN = timedelta(days=7)
LATER = timedelta(minutes=1)  # sooner it is the same look of the same person: a form that was sent twice
FIGURE = "relabel_requests"
_OLD_FIGURE = "second_looks"  # of nights before they were called so


def said_once(session: Session, *, among: Collection[int] | None = None) -> dict[int, bool]:
    """Ids of the labels that name an intent and that nobody has repeated, and whether they are of the last week.

    `among`: only texts of these labels are looked at, as a page must not read them all.
    """
    query = select(
        Label.id,
        Label.text_key,
        Label.intent_id,
        Label.staff_id,
        Label.created_at,
        Label.undone_at,
        Label.superseded_by,
    )
    query = query.where(Label.kind.in_(SAID)).order_by(Label.id)
    if among is not None:
        query = query.where(Label.text_key.in_(select(Label.text_key).where(Label.id.in_(among))))
    history: dict[tuple[str, int | None], list[Any]] = defaultdict(list)
    for label in session.execute(query):
        history[label.text_key, label.intent_id].append(label)
    since = now() - REPEAT_WITHIN
    once = {}
    for (_, intent), (*earlier, newest) in history.items():
        looks = [label for label in earlier if label.superseded_by is not None]  # not those that were taken back
        repeated = any(_is_another_look(look, newest) for look in looks)
        if intent is not None and newest.undone_at is None and not repeated:
            once[newest.id] = newest.created_at > since
    return once


def _is_another_look(look: Any, newest: Any) -> bool:
    return bool(look.staff_id != newest.staff_id or look.created_at <= newest.created_at - LATER)


def times_said(session: Session, text_key: str) -> int:
    """How often a text was labelled, superseded labels included."""
    query = select(func.count()).select_from(Label).where(Label.text_key == text_key, Label.kind.in_(SAID))
    return session.scalar(query) or 0


def asked_again(session: Session) -> Sequence[int]:
    """Ids of the labels that last night contradicted and that were said once still, oldest first, however old.

    A text that was skipped since, and the skip not taken back, waits for the next night.
    """
    newest = select(Night).where(Night.verdict != "failed").order_by(Night.id.desc()).limit(1)
    night = session.scalar(newest)
    if night is None:
        return []
    named = night.figures.get(FIGURE, night.figures.get(_OLD_FIGURE, ()))
    rows = {int(row.removeprefix("label:")) for row in named}
    if not rows:
        return []
    skip = aliased(Label)
    passed = select(skip.id).where(
        skip.text_key == Label.text_key,
        skip.kind == PUT_OFF,
        skip.created_at > night.started_at,
        or_(skip.undone_at.is_(None), skip.superseded_by.is_not(None)),
    )
    skipped = session.scalars(select(Label.id).where(Label.id.in_(rows), passed.exists()))
    return sorted(rows & said_once(session, among=rows).keys() - set(skipped))
