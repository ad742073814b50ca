"""Deleting FAQ entries: what names one, and what becomes of its labels."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from helpdesk.decisions import DecisionKind
from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import audit_log, faq_history
from helpdesk.records.clock import now
from helpdesk.records.faq_edit import require_seen
from helpdesk.records.tables import (
    DecisionRow,
    FaqChange,
    FormerName,
    GoldenPhraseRow,
    Intent,
    Label,
    Message,
    Phrasing,
    Staff,
)
from helpdesk.records.undo import counts_no_more
from helpdesk.text import counted

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Uses:
    """How many labels that count, golden phrases, phrasings and messages of the last 30 days name an entry."""

    labels: int
    golden: int
    phrasings: int
    messages: int


def uses(session: Session, intent: Intent) -> Uses:
    """What names an entry."""
    counting = select(func.count()).where(Label.intent_id == intent.id, Label.undone_at.is_(None))
    former = select(FormerName.slug).where(FormerName.intent_id == intent.id)
    answered = (
        select(func.count())
        .select_from(DecisionRow)
        .join(Message, Message.id == DecisionRow.message_id)
        .where(
            Message.created_at > now() - LATELY,
            DecisionRow.kind == DecisionKind.ANSWER,
            or_(DecisionRow.intent == intent.slug, DecisionRow.intent.in_(former)),
        )
    )
    return Uses(
        session.scalar(counting) or 0,
        session.scalar(select(func.count()).where(GoldenPhraseRow.intent_id == intent.id)) or 0,
        session.scalar(select(func.count()).where(Phrasing.intent_id == intent.id)) or 0,
        session.scalar(answered) or 0,
    )


def delete_entry(session: Session, intent: Intent, *, labels_to: Intent | None, seen: int, author: str) -> None:
    """Delete an entry with its phrasings and golden phrases. Its labels go to another entry, or wait to be moved.

    Its history stays, so that it can be restored, and its name is free. Raises EditedMeanwhileError.
    """
    require_seen(session, intent, seen)
    if labels_to is intent:
        raise BadInputError("the labels cannot go to the entry that is deleted; choose another one")
    session.flush()
    for table in (Phrasing, GoldenPhraseRow):
        gone = delete(table).where(table.intent_id == intent.id)
        session.execute(gone.execution_options(synchronize_session=False))
    if labels_to is not None:
        moved = update(Label).where(Label.intent_id == intent.id).values(intent_id=labels_to.id)
        session.execute(moved.execution_options(synchronize_session=False))
    session.expire(intent, ["phrasings"])
    intent.status = "deleted"
    to = labels_to.slug if labels_to is not None else ""
    faq_history.note(session, intent, "deleted", author=author, labels_to=to)


def deleted_entries(session: Session, *, limit: int) -> list[Intent]:
    """Deleted entries, the last one first."""
    query = select(Intent).where(Intent.status == "deleted").order_by(Intent.updated_at.desc(), Intent.id.desc())
    return list(session.scalars(query.limit(limit)))


def stranded_labels(session: Session, *, limit: int) -> list[Label]:
    """Labels that count and whose entry was deleted, by entry, with entry and author."""
    query = select(Label).join(Intent).where(Intent.status == "deleted", Label.undone_at.is_(None))
    query = query.options(joinedload(Label.intent), joinedload(Label.staff)).order_by(Label.intent_id, Label.id)
    return list(session.scalars(query.limit(limit)))


def count_stranded(session: Session) -> int:
    """How many labels that count name an entry that was deleted."""
    query = select(func.count(Label.id)).join(Intent).where(Intent.status == "deleted", Label.undone_at.is_(None))
    return session.scalar(query) or 0


def move_labels(session: Session, ids: Collection[int], into: Intent, *, author: str) -> int:
    """Give labels of deleted entries to another entry; how many were moved. Those that have an entry stay there."""
    deleted = select(Intent.id).where(Intent.status == "deleted")
    rows = update(Label).where(Label.id.in_(ids), Label.intent_id.in_(deleted)).values(intent_id=into.id)
    moved = len(session.scalars(rows.returning(Label.id).execution_options(synchronize_session=False)).all())
    if moved:
        session.add(FaqChange(what=f"{counted(moved, 'label')} moved to {into.slug}"[:200], author=author[:80]))
        audit_log.note(session, "labels.moved", author=author, subject=into.slug, labels=moved)
    return moved


def labels_of(session: Session, intent: Intent, *, limit: int) -> list[Label]:
    """Labels that count and name an entry, the newest first, with their authors."""
    query = select(Label).where(Label.intent_id == intent.id, Label.undone_at.is_(None))
    return list(session.scalars(query.options(joinedload(Label.staff)).order_by(Label.id.desc()).limit(limit)))


def take_label(session: Session, intent: Intent, label_id: int, *, author: str) -> Label | None:
    """Take back a label of whoever gave it, so that its message waits to be labelled; None when it does not count."""
    label = session.get(Label, label_id, options=[joinedload(Label.staff)])
    if label is None or label.intent_id != intent.id:
        raise NotFoundError(f"{intent.slug} has no label {label_id}")
    if label.undone_at is not None:
        return None
    counts_no_more(session, label)
    given = session.scalar(select(Staff.name).where(Staff.id == label.staff_id))
    session.add(FaqChange(what=f"a label of {intent.slug} taken back"[:200], author=author[:80]))
    audit_log.note(session, "label.removed", author=author, subject=intent.slug, given_by=given, text=label.text)
    return label
