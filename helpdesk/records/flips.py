"""Flips: what last night's candidate would decide otherwise, of the texts that nobody has labelled.

They head the next morning's queue: a label on each says whether the change was for the better.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from helpdesk.records.night_report import FlipReport, VerdictReport
from helpdesk.records.tables import FlipRow, Label, Message

FLIPS_KEPT = timedelta(days=30)
MOST = 10  # a day's labels are few, and the ordinary queue teaches more
NEAREST_FIRST = ("retrained", "refreshed")


def store(session: Session, night: datetime, flips: Sequence[FlipReport]) -> None:
    """Put a night's flips, the ten asked most, in the place of those of the night before.

    Those that staff know the truth of are left out. A flip that was labelled stays for 30 days: the audit sample must
    know that its text was put in front of staff.
    """
    unlabelled = sorted((flip for flip in flips if flip.truth is None), key=lambda flip: -flip.count)
    rows = {flip.text_key: _row(night, flip) for flip in unlabelled[:MOST]}
    labelled = select(Label.id).where(Label.text_key == FlipRow.text_key, Label.undone_at.is_(None))
    gone = or_(FlipRow.text_key.in_(list(rows)), FlipRow.night < night - FLIPS_KEPT, ~labelled.exists())
    session.execute(delete(FlipRow).where(gone))
    session.add_all(rows.values())
    session.flush()


def flips_of(verdicts: Mapping[str, VerdictReport], promoted: str | None) -> Sequence[FlipReport]:
    """The flips of the candidate that was promoted, or, if none was, came nearest to it; none without a replay."""
    replays = {kind: verdict.replay for kind, verdict in verdicts.items() if verdict.replay is not None}
    nearest = next((kind for kind in NEAREST_FIRST if kind in replays), "")
    found = replays.get(promoted or nearest)
    return () if found is None else found.flips


def newest_messages(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """The newest message's id of each text key, for texts that are still stored."""
    query = select(Message.text_key, func.max(Message.id)).where(Message.text_key.in_(keys)).group_by(Message.text_key)
    return dict(session.execute(query).tuples().all())


def _row(night: datetime, flip: FlipReport) -> FlipRow:
    return FlipRow(
        text_key=flip.text_key,
        text=flip.text,
        night=night,
        count=flip.count,
        before=flip.before.model_dump(),
        after=flip.after.model_dump(),
    )
