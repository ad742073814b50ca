"""The texts that people asked, one row each, kept up to date while messages come and labels are given."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION, DecisionKind
from helpdesk.records.clock import now
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import AskedText, KeptOut, Label, Message, Table
from helpdesk.records.upserts import upsert

DEMAND_WINDOW = timedelta(hours=1)
MOST_REPEATED = 3  # the same text of one sender counts so often in an hour
PUT_OFF, FLAGGED = "skip", "flag"
_SURELY = 1.05  # of a text that was decided with certainty, something of the benefit stays
_AT_ONCE = 500
NOT_ANSWERED = {"answered_at": None, "answer": None, "answer_confidence": None}
_ASKED = Table.metadata.tables[AskedText.__tablename__]
_LABELS = Table.metadata.tables[Label.__tablename__]


def _counting(text_key: Any) -> ColumnElement[bool]:
    return and_(_LABELS.c.text_key == text_key, _LABELS.c.undone_at.is_(None))


@cache
def _note(dialect: str) -> Prepared:
    key: BindParameter[str] = bindparam("text_key")
    columns = ("text_key", "normalised", "kind", "reason", "best", "confidence", "place")
    given: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns}
    closed = exists().where(_counting(key), _LABELS.c.kind != PUT_OFF)
    put_off = exists().where(_counting(key), _LABELS.c.kind == PUT_OFF)
    message: BindParameter[int] = bindparam("message_id")
    fresh = {"count": 1, "first_id": message, "newest_id": message, "open": ~closed, "later": put_off}
    fresh |= {"put_back": false(), "disliked": false()}
    statement: Any = upsert(dialect, _ASKED).values(**given, **fresh)
    newest = statement.excluded
    count = _ASKED.c.count + 1
    changed = {name: newest[name] for name in ("newest_id", "kind", "reason", "best", "confidence")}
    changed |= {"count": count, "place": count * (newest.confidence - _SURELY), **_answered_still(newest)}
    return Prepared(statement.on_conflict_do_update(index_elements=["text_key"], set_=changed))


def _answered_still(newest: Any) -> dict[str, Any]:
    """A text that a night found answered waits again when it comes and is decided otherwise."""
    otherwise = and_(
        _ASKED.c.answered_at.is_not(None),
        (newest.kind != DecisionKind.ANSWER) | (newest.best != _ASKED.c.answer) | newest.best.is_(None),
    )
    answer = {name: case((otherwise, null()), else_=_ASKED.c[name]) for name in NOT_ANSWERED}
    return answer | {"open": case((otherwise, True), else_=_ASKED.c.open)}


@cache
def _count_out(dialect: str) -> Any:
    statement = upsert(dialect, KeptOut).values(day=bindparam("day"), reason=bindparam("reason"), count=1)
    return statement.on_conflict_do_update(index_elements=["day", "reason"], set_={"count": KeptOut.count + 1})


_MESSAGES = Table.metadata.tables[Message.__tablename__]
_BEFORE = (
    select(_MESSAGES.c.text_key, _MESSAGES.c.created_at)
    .where(_MESSAGES.c.conversation_id == bindparam("conversation_id"), _MESSAGES.c.id < bindparam("message_id"))
    .order_by(_MESSAGES.c.id.desc())
    .limit(bindparam("most"))
    .subquery()
)
_LATELY = Prepared(
    select(func.count(), func.count().filter(_BEFORE.c.text_key == bindparam("text_key"))).where(
        _BEFORE.c.created_at > bindparam("since", type_=_MESSAGES.c.created_at.type)
    )
)


def note_message(
    connection: Connection,
    message_id: int,
    row: Mapping[str, Any],
    decision: Mapping[str, Any],
    *,
    most_per_hour: int | None = None,
) -> None:
    """Count a message with its text, unless it asks nothing: a choice from a menu, small talk, a wish for a person.

    most_per_hour: messages of one sender that count as demand; None: all do.
    """
    if not row["normalised"] or decision["reason"] in CHOSEN or decision["kind"] in NO_QUESTION:
        return
    reason = most_per_hour and why_no_demand(connection, message_id, row, most_per_hour=most_per_hour)
    if reason:
        connection.execute(_count_out(connection.dialect.name), {"day": now().date(), "reason": reason})
        return
    ranking = decision["ranking"]
    values = {
        "message_id": message_id,
        "text_key": row["text_key"],
        "normalised": row["normalised"],
        "kind": decision["kind"],
        "reason": decision["reason"],
        "best": ranking[0]["intent"] if ranking else None,
        "confidence": decision["confidence"],
        "place": place(1, decision["confidence"]),
    }
    _note(connection.dialect.name).run(connection, values)


def why_no_demand(connection: Connection, message_id: int, row: Mapping[str, Any], *, most_per_hour: int) -> str | None:
    """Why a message does not count as demand, None for one that does.

    Its sender wrote too much in the last hour (`flood`), or the same text too often (`repeated`).
    """
    values = {
        "conversation_id": row["conversation_id"],
        "message_id": message_id,
        "most": most_per_hour,
        "text_key": row["text_key"],
        "since": now() - DEMAND_WINDOW,
    }
    lately, same = _LATELY.run(connection, values).fetchone()
    if lately >= most_per_hour:
        return "flood"
    return "repeated" if same >= MOST_REPEATED else None


def place(count: int, confidence: float) -> float:
    """Where a text stands in the queue: less for more expected benefit."""
    return count * (confidence - _SURELY)


def lock_texts(session: Session, text_keys: Collection[str]) -> None:
    """PostgreSQL locks the rows of these texts, in their order. Whoever writes about texts and their messages or labels
    does it first: deletion, feedback, labelling. So these wait for each other, and never in a circle."""
    keys = sorted(text_keys)
    for start in range(0, len(keys), _AT_ONCE):
        asked = select(AskedText.text_key).where(AskedText.text_key.in_(keys[start : start + _AT_ONCE]))
        session.execute(asked.order_by(AskedText.text_key).with_for_update())


def follow_labels(session: Session, text_keys: Collection[str]) -> None:
    """Say of these texts anew whether they wait; call it after whatever changes which of their labels count."""
    session.flush()
    counts = (Label.text_key == AskedText.text_key) & Label.undone_at.is_(None)
    closed = select(Label.id).where(counts, Label.kind != PUT_OFF).exists()
    put_off = select(Label.id).where(counts, Label.kind == PUT_OFF).exists()
    keys = sorted(text_keys)
    for start in range(0, len(keys), _AT_ONCE):
        some = update(AskedText).where(AskedText.text_key.in_(keys[start : start + _AT_ONCE]))
        changed = some.values(open=~closed, later=put_off, **NOT_ANSWERED)
        session.execute(changed.execution_options(synchronize_session=False))


def forget_answers(session: Session) -> None:
    """Let all texts wait again that left the queue because a version answered them: another one serves."""
    answered = update(AskedText).where(AskedText.answered_at.is_not(None)).values(open=True, **NOT_ANSWERED)
    session.execute(answered.execution_options(synchronize_session=False))
