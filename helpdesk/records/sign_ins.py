"""When people logged in, and from where: kept for 90 days, for themselves and whoever manages people."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from helpdesk.records import audit_log
from helpdesk.records.clock import now
from helpdesk.records.tables import SignIn, Staff

KEPT_FOR = timedelta(days=90)


def record_sign_in(session: Session, staff: Staff, *, address: str, browser: str) -> None:
    """Somebody logged in; what is older than 90 days is forgotten. browser: what it calls itself."""
    session.execute(delete(SignIn).where(SignIn.at < now() - KEPT_FOR))
    session.add(SignIn(staff_id=staff.id, address=address[:64], browser=browser[:300]))
    audit_log.note(session, "login.entered", author=staff.name)


def newest_sign_ins(session: Session, staff_id: int, *, limit: int) -> list[SignIn]:
    """One person's, newest first."""
    mine = select(SignIn).where(SignIn.staff_id == staff_id)
    return list(session.scalars(mine.order_by(SignIn.at.desc(), SignIn.id.desc()).limit(limit)))


def last_sign_ins(session: Session) -> dict[int, datetime]:
    """Person -> when they logged in last, of those who did within 90 days."""
    rows = session.execute(select(SignIn.staff_id, func.max(SignIn.at)).group_by(SignIn.staff_id))
    return dict(rows.tuples().all())
