"""Retention: messages that are older than operators want go, a hundred in a transaction.

A message whose label says what it meant stays as a text that teaches: it moves to the conversation of nobody on its
channel, without the sender, the delivery id, the feedback and the case. Day totals stay.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from helpdesk.records.database import Database
from helpdesk.records.day_totals import count_days
from helpdesk.records.labels import SAID
from helpdesk.records.message_deletion import (
    delete_labels,
    delete_messages,
    forget_empty,
    lock_messages,
    recount_often_asked,
    unhang,
)
from helpdesk.records.tables import Conversation, Label, Message, Version

NOBODY = ""  # no door takes a message of a sender without a name
_BATCH = 100  # SQLite takes no other writes meanwhile, and a message waits for a few seconds at most
_FLIPS = ("flips", "right_to_wrong_flips")


def prune_messages(database: Database, *, before: datetime) -> Counter[str]:
    """Delete what is older than a moment, batch by batch: what one batch deleted stays so; table -> rows.

    `kept` counts the messages that stay because of their labels, without their sender.
    """
    count_days(database)  # before their messages go
    counts = Counter[str]()
    while True:
        with database.write() as session:
            found = _prune_some(session, before)
        if not found:
            break
        counts += found
    if counts:
        recount_often_asked(database)
    with database.write() as session:
        _forget_flip_texts(session, before)
    return counts


def _prune_some(session: Session, before: datetime) -> Counter[str]:
    old = (
        select(Message.id, Message.conversation_id, Message.channel)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.created_at < before, Conversation.sender != NOBODY)
        .order_by(Message.created_at, Message.id)
        .limit(_BATCH)
    )
    rows = session.execute(old).tuples().all()
    lock_messages(session, [number for number, _, _ in rows])
    labels = session.execute(
        select(Label.id, Label.message_id, Label.kind).where(Label.message_id.in_([number for number, _, _ in rows]))
    ).all()
    taught = {message for _, message, kind in labels if kind in SAID}
    counts = Counter[str]()
    counts["labels"] = delete_labels(session, [number for number, message, _ in labels if message not in taught])
    counts += _keep(session, [row for row in rows if row[0] in taught])
    return counts + delete_messages(session, [number for number, _, _ in rows if number not in taught], recount=False)


def _keep(session: Session, rows: Sequence[tuple[int, int, str]]) -> Counter[str]:
    """Take the sender from messages (id, conversation, channel)."""
    counts = unhang(session, [number for number, _, _ in rows])
    for channel in {channel for _, _, channel in rows}:
        nobody = _nobody(session, channel)
        theirs = Message.id.in_([number for number, _, of in rows if of == channel])
        moved = update(Message).where(theirs).values(conversation_id=nobody, external_id=None)
        session.execute(moved.execution_options(synchronize_session=False))
    counts["kept"] = len(rows)
    counts["conversations"] += forget_empty(session, {conversation for _, conversation, _ in rows})
    return +counts


def _nobody(session: Session, channel: str) -> int:
    query = select(Conversation).where(Conversation.channel == channel, Conversation.sender == NOBODY)
    found = session.scalars(query).one_or_none()
    if found is None:
        found = Conversation(channel=channel, sender=NOBODY)
        session.add(found)
        session.flush()
    return found.id


def _forget_flip_texts(session: Session, before: datetime) -> None:
    """The reports of old versions hold the texts of flips."""
    for version in session.scalars(select(Version).where(Version.created_at < before)):
        report = without_flips(version.report)
        if report != version.report:
            version.report = report


def without_flips(report: Mapping[str, Any]) -> dict[str, Any]:
    """A night's report as JSON without the texts of messages."""
    verdicts = {kind: dict(verdict) for kind, verdict in report.get("verdicts", {}).items()}
    for verdict in verdicts.values():
        if verdict.get("replay"):
            verdict["replay"] = verdict["replay"] | {name: [] for name in _FLIPS}
    return {**report, "verdicts": verdicts} if verdicts else dict(report)
