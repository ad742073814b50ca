"""The history of nights, and the test-then-train clock: new labels first score the version that met their message."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from helpdesk.decisions import DecisionKind
from helpdesk.records.clock import now
from helpdesk.records.labels import SAID, TEACHING
from helpdesk.records.names import current_names
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import DecisionRow, Intent, Label, Message, Night, Promotion, Version
from helpdesk.records.versions import NIGHT_AUTHOR


@dataclass(frozen=True)
class Scored:
    """How many first labels there were, and in how many the version that met the message had been right."""

    rows: int
    right: int


def add_night(session: Session, **columns: Any) -> Night:
    """Append the row of one run; `columns` are those of `nights` except the id."""
    night = Night(**columns)
    session.add(night)
    session.flush()
    return night


def add_figures(session: Session, night_id: int, **figures: Any) -> None:
    """Note more figures beside those of a night."""
    night = session.get_one(Night, night_id)
    night.figures = night.figures | figures


def keep_report(session: Session, report: NightReport) -> None:
    """Keep a report beside the row of its night; a night that left no row is told of by its file alone."""
    mine = update(Night).where(_began_in_second_of(datetime.fromisoformat(report.started)))
    session.execute(mine.values(report=report.as_json()))


def read_report(session: Session, night: Night) -> NightReport | None:
    """What a night did, None where that is not kept."""
    stored = session.scalar(select(Night.report).where(Night.id == night.id))
    return None if stored is None else NightReport.model_validate(stored)


def forget_reports(session: Session, *, before: datetime) -> int:
    """Drop the reports of nights that started before a moment: they hold texts of messages. How many there were."""
    old = update(Night).where(Night.started_at < before, Night.report.is_not(None))
    return session.execute(old.values(report=None)).rowcount  # type: ignore[attr-defined,no-any-return]


def last_night(session: Session) -> Night | None:
    """The newest run, whatever came of it."""
    return session.scalar(select(Night).order_by(Night.id.desc()).limit(1))


def measured_until(session: Session) -> datetime | None:
    """Up to when messages and labels have been counted: the start of the newest night that came to its end.

    Not that of one whose clock ran ahead: until then nothing would count.
    """
    ended = select(Night.started_at).where(Night.verdict != "failed", Night.started_at <= now())
    return session.scalar(ended.order_by(Night.id.desc()).limit(1))


def find_night(session: Session, night_id: int) -> Night | None:
    """One run by its number."""
    return session.get(Night, night_id)


def has_night(session: Session, started: datetime) -> bool:
    """Whether a run that began in this second left its row."""
    return session.scalar(select(Night.id).where(_began_in_second_of(started)).limit(1)) is not None


def unrecorded(session: Session) -> list[tuple[Version, Promotion]]:
    """Versions that a nightly run put in service and then left no row about, oldest first.

    Not those of before the first row there is: earlier versions of helpdesk kept none.
    """
    first = select(func.min(Night.started_at)).scalar_subquery()
    recorded = select(Night.id).where(Night.version_id == Version.id, Night.promoted_kind.is_not(None))
    query = (
        select(Version, Promotion)
        .join(Promotion, Promotion.version_id == Version.id)
        .where(Promotion.author == NIGHT_AUTHOR, ~recorded.exists(), or_(first.is_(None), Promotion.created_at > first))
        .order_by(Promotion.id)
    )
    return list(session.execute(query).tuples())


def list_nights(session: Session, *, limit: int) -> list[Night]:
    """The newest runs, oldest of them first."""
    newest = session.scalars(select(Night).order_by(Night.id.desc()).limit(limit)).all()
    return list(reversed(newest))


def score_new_labels(session: Session, *, since: datetime | None, until: datetime) -> Scored:
    """Labels given between two moments (None: ever) against the decisions that were logged before anybody labelled.

    A message counts when its text had no label yet when it came, and counts once: a label given again on a later day is
    nothing new. In scope the right intent must have been ranked
    first; out of scope nothing may have been answered. Labels of the ordinary queue are among them, so this is how
    the desk does on what it found hard, not on traffic.
    """
    earlier = aliased(Label)
    known = select(earlier.id).where(
        earlier.text_key == Label.text_key,
        earlier.kind.in_(SAID),
        earlier.created_at < Message.created_at,
        or_(earlier.undone_at.is_(None), earlier.undone_at > Message.created_at),
    )
    query = (
        select(DecisionRow.kind, DecisionRow.ranking, Label.kind, Intent.slug)
        .join(Message, Message.id == DecisionRow.message_id)
        .join(Label, Label.message_id == Message.id)
        .outerjoin(Intent, Intent.id == Label.intent_id)
        .where(Label.undone_at.is_(None), Label.kind.in_(TEACHING), Label.created_at <= until, ~known.exists())
    )
    if since is not None:
        counted = select(Night.id).where(
            Night.verdict != "failed",
            Night.started_at >= earlier.created_at,
            or_(earlier.undone_at.is_(None), earlier.undone_at > Night.started_at),
        )
        scored = select(earlier.id).where(
            earlier.text_key == Label.text_key, earlier.kind.in_(SAID), earlier.created_at <= since, counted.exists()
        )
        query = query.where(Label.created_at > since, ~scored.exists())
    rows = session.execute(query).all()
    names = current_names(session)
    right = [
        decided != DecisionKind.ANSWER
        if meaning == "out_of_scope"
        else bool(ranking) and names.get(ranking[0]["intent"], ranking[0]["intent"]) == slug
        for decided, ranking, meaning, slug in rows
    ]
    return Scored(len(right), sum(right))


def _began_in_second_of(started: datetime) -> ColumnElement[bool]:
    second = started.replace(microsecond=0)
    return and_(Night.started_at >= second, Night.started_at < second + timedelta(seconds=1))
