"""Subject access: everything that is stored about a sender, as JSON."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from helpdesk.errors import NotFoundError
from helpdesk.records.clock import now
from helpdesk.records.tables import (
    CaseReply,
    CaseRow,
    Conversation,
    DecisionRow,
    DeliveryRow,
    FeedbackRow,
    Label,
    Message,
    Table,
)
from helpdesk.records.tellings import whole_telling

_AT_ONCE = 500


def export_person(session: Session, sender: str, *, channel: str | None = None) -> dict[str, Any]:
    """Conversations with messages, decisions, what was told, feedback, labels, cases, replies and deliveries.

    Moments are ISO 8601 in UTC. Raises NotFoundError when nothing is stored about this sender.
    """
    query = select(Conversation).where(Conversation.sender == sender).order_by(Conversation.id)
    if channel is not None:
        query = query.where(Conversation.channel == channel)
    talks = session.scalars(query).all()
    if not talks:
        raise NotFoundError("nothing is stored about this sender")
    return {
        "sender": sender,
        "exported_at": now().isoformat(timespec="seconds"),
        "conversations": [_conversation(session, talk) for talk in talks],
    }


def _conversation(session: Session, talk: Conversation) -> dict[str, Any]:
    query = select(Message).where(Message.conversation_id == talk.id).order_by(Message.id)
    messages = session.scalars(query).all()
    ids = [message.id for message in messages]
    cases = session.scalars(select(CaseRow).where(CaseRow.conversation_id == talk.id).order_by(CaseRow.id)).all()
    decisions = {row.message_id: row for row in _of(session, DecisionRow, ids)}
    feedback = {row.message_id: row for row in _of(session, FeedbackRow, ids)}
    labels: dict[int, list[dict[str, Any]]] = {}
    for label in _of(session, Label, ids):
        meant = label.intent.slug if label.intent else None
        labels.setdefault(label.message_id, []).append(
            _columns(label, "kind", "created_at", "undone_at", "note", entry=meant)
        )
    sent: dict[int, list[dict[str, Any]]] = {}
    for row in _of(session, DeliveryRow, ids):
        sent.setdefault(row.message_id, []).append(_delivery(row))
    return {
        **_columns(talk, "channel", "created_at"),
        "messages": [
            {
                **_columns(message, "id", "external_id", "text", "created_at"),
                "decision": _decision(decisions.get(message.id)),
                "feedback": _feedback(feedback.get(message.id)),
                "labels": labels.get(message.id, []),
                "deliveries": sent.get(message.id, []),
            }
            for message in messages
        ],
        "cases": [_case(session, case) for case in cases],
    }


def _of(session: Session, table: Any, ids: Collection[int]) -> list[Any]:
    found: list[Any] = []
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        query = select(table).where(table.message_id.in_(ordered[start : start + _AT_ONCE]))
        found += session.scalars(query.options(joinedload(Label.intent)) if table is Label else query).all()
    return found


def _case(session: Session, case: CaseRow) -> dict[str, Any]:
    replies = session.scalars(select(CaseReply).where(CaseReply.case_id == case.id).order_by(CaseReply.id)).all()
    sent = session.scalars(select(DeliveryRow).where(DeliveryRow.case_id == case.id)).all()
    return {
        **_columns(case, "message_id", "reason", "urgent", "state", "opened_at", "taken_at", "closed_at"),
        "replies": [_columns(reply, "text", "created_at") for reply in replies],
        "deliveries": [_delivery(row) for row in sent],
    }


def _decision(row: DecisionRow | None) -> dict[str, Any] | None:
    names = ("kind", "intent", "confidence", "out_of_scope", "reason", "ranking", "options", "stage")
    return None if row is None else _columns(row, *names, "version_id", "created_at", told=whole_telling(row))


def _feedback(row: FeedbackRow | None) -> dict[str, Any] | None:
    return None if row is None else _columns(row, "said", "chosen", "at")


def _delivery(row: DeliveryRow) -> dict[str, Any]:
    return _columns(row, "receiver", "state", "payload", "external_ref", "created_at", "ended_at")


def _columns(row: Table, *names: str, **more: Any) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in names}
    return {name: v.isoformat() if hasattr(v, "isoformat") else v for name, v in found.items()} | more
