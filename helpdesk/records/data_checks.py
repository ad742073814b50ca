"""The last data check, so that the FAQ pages of every host can show it."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from helpdesk.records.clock import now
from helpdesk.records.tables import DataCheck


def store_data_check(session: Session, found: dict[str, Any], *, rows_hash: str) -> None:
    """Put what a check of rows with this hash found in the place of the one before."""
    session.execute(delete(DataCheck))
    session.add(DataCheck(checked_at=now(), rows_hash=rows_hash, found=found))


def read_data_check(session: Session) -> DataCheck | None:
    """The last one, None when there is none."""
    return session.scalar(select(DataCheck).order_by(DataCheck.id.desc()).limit(1))
