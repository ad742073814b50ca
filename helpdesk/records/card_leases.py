"""Who looks at which card: two people at one queue get different texts."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from helpdesk.records.clock import now
from helpdesk.records.labelled import newest_labels
from helpdesk.records.splits import one_at_a_time
from helpdesk.records.tables import CardLease, Staff

LEASE = timedelta(minutes=10)


def take(session: Session, texts: Mapping[str, int], *, staff_id: int) -> CardLease | None:
    """Lease the first of these texts that nobody else looks at; None when there is none.

    `texts`: keys, each with the newest label that the text had when the queue was read, 0 for none. Whoever labels a
    text frees it, so what was labelled since is passed over. What this person looked at before is free again.
    """
    one_at_a_time(session)
    moment = now()
    session.execute(delete(CardLease).where(or_(CardLease.staff_id == staff_id, CardLease.until < moment)))
    held = set(session.scalars(select(CardLease.text_key)))
    newest = newest_labels(session, [key for key in texts if key not in held])
    free = next((key for key, seen in texts.items() if key not in held and newest.get(key, 0) == seen), None)
    if free is None:
        return None
    lease = CardLease(token=secrets.token_hex(8), text_key=free, staff_id=staff_id, until=moment + LEASE)
    session.add(lease)
    session.flush()
    return lease


def renew(session: Session, token: str, *, staff_id: int) -> None:
    """The card is still looked at. A lease that ran out and went to somebody else stays there."""
    session.execute(update(CardLease).where(*_own(token, staff_id)).values(until=now() + LEASE))


def leave(session: Session, token: str, *, staff_id: int) -> None:
    """The card is not looked at any more."""
    session.execute(delete(CardLease).where(*_own(token, staff_id)))


def free(session: Session, *, staff_id: int) -> None:
    """This person looks at nothing any more."""
    session.execute(delete(CardLease).where(CardLease.staff_id == staff_id))


def others(session: Session, *, staff_id: int) -> dict[str, str]:
    """The texts that others look at, and their names."""
    query = select(CardLease.text_key, Staff.name).join(Staff, Staff.id == CardLease.staff_id)
    found = session.execute(query.where(CardLease.staff_id != staff_id, CardLease.until >= now()))
    return dict(found.tuples().all())


def _own(token: str, staff_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return CardLease.token == token, CardLease.staff_id == staff_id
