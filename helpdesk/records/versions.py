"""Versions that were built and which one serves: append-only, the newest promotion row is current."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records.asked_texts import forget_answers
from helpdesk.records.tables import DecisionRow, Message, Promotion, Version

if TYPE_CHECKING:
    from helpdesk.records.candidate_report import CandidateReport

ROLLBACK = "rollback"  # the reason of a promotion that a rollback made
NIGHT_AUTHOR = "night"  # the author of a promotion that a nightly run made


@dataclass(frozen=True)
class Current:
    """The version in service and the promotion that put it there."""

    promotion_id: int
    version_id: int
    directory: str


def current(session: Session) -> Current | None:
    """The version in service, None before the first promotion."""
    row = session.execute(
        select(Promotion.id, Version.id, Version.directory)
        .join(Version, Version.id == Promotion.version_id)
        .order_by(Promotion.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Current(*row)


def served_before(session: Session, current: Current) -> list[Current]:
    """The other versions that were in service up to a promotion, each with its last one, newest promotion first."""
    query = (
        select(func.max(Promotion.id), Version.id, Version.directory)
        .join(Version, Version.id == Promotion.version_id)
        .where(Promotion.id < current.promotion_id, Version.id != current.version_id)
        .group_by(Version.id, Version.directory)
        .order_by(func.max(Promotion.id).desc())
    )
    return [Current(*row) for row in session.execute(query)]


def add_version(
    session: Session,
    directory: str,
    *,
    kind: str,
    parent_id: int | None,
    rows_hash: str,
    verdict: str,
    report: dict[str, Any],
) -> Version:
    """Record a bundle that lies sealed in the bundles folder."""
    version = Version(
        directory=directory,
        kind=kind,
        parent_id=parent_id,
        rows_hash=rows_hash,
        verdict=verdict,
        report=report,
    )
    session.add(version)
    session.flush()
    return version


def find_version(session: Session, version_id: int) -> Version:
    """Raises NotFoundError."""
    version = session.get(Version, version_id)
    if version is None:
        raise NotFoundError(f"no version {version_id}; `helpdesk versions` shows them all")
    return version


def find_directory(session: Session, directory: str) -> int | None:
    """The version whose bundle has this folder name, None when there is none."""
    return session.scalar(select(Version.id).where(Version.directory == directory))


def list_versions(session: Session) -> list[Version]:
    """Newest first."""
    return list(session.scalars(select(Version).order_by(Version.id.desc())))


def lock_versions(session: Session) -> None:
    """Until this transaction ends nobody else promotes one of today's versions; SQLite's writers wait anyway."""
    session.execute(select(Version.id).with_for_update()).all()


def reports_of_deciding(session: Session, *, since: datetime) -> "dict[int, CandidateReport]":
    """Version id -> what its making found out, of the versions that decided messages since a moment."""
    decided = (
        select(DecisionRow.version_id)
        .join(Message, Message.id == DecisionRow.message_id)
        .where(Message.created_at > since)
        .distinct()
    )
    found = session.execute(select(Version.id, Version.kind, Version.report).where(Version.id.in_(decided)))
    return {number: _own_report(report, kind) for number, kind, report in found.tuples()}


def report_of(version: Version) -> "CandidateReport":
    """What the making of a version found out."""
    return _own_report(version.report, version.kind)


def served_since(session: Session, moment: datetime) -> dict[int, str]:
    """Version id -> directory of the versions that served at a moment or later, newest promotion first."""
    then = select(func.max(Promotion.id)).where(Promotion.created_at <= moment).scalar_subquery()
    query = (
        select(Version.id, Version.directory)
        .join(Promotion, Promotion.version_id == Version.id)
        .where(or_(Promotion.created_at > moment, Promotion.id == then))
        .order_by(Promotion.id.desc())
    )
    return dict(session.execute(query).tuples().all())


def promote(session: Session, version_id: int, *, reason: str, author: str) -> Promotion:
    """Put a version in service. The caller has checked that its bundle opens.

    What the one before answered surely waits in the queue again, until a night has scored it anew.
    """
    find_version(session, version_id)
    forget_answers(session)
    promotion = Promotion(version_id=version_id, reason=reason, author=author)
    session.add(promotion)
    session.flush()
    return promotion


def promote_again(session: Session, *, author: str) -> None:
    """Let processes that could not open the version in service try it again; a rollback stands."""
    newest = session.scalars(select(Promotion).order_by(Promotion.id.desc()).limit(1)).one()
    promote(session, newest.version_id, reason=newest.reason, author=author)


def is_rolled_back(session: Session) -> bool:
    """Whether what serves does so because of a rollback; any later promotion by hand ends that."""
    return session.scalar(select(Promotion.reason).order_by(Promotion.id.desc()).limit(1)) == ROLLBACK


def rollback_target(session: Session) -> int:
    """The version that served before the current one was first put in its place.

    Rolling back twice goes back two versions: promotions made by a rollback are skipped together with what they
    undid. Raises ConflictError when nothing served before.
    """
    served: list[int] = []
    for version_id in session.scalars(select(Promotion.version_id).order_by(Promotion.id)):
        if len(served) > 1 and served[-2] == version_id:
            served.pop()
        elif not served or served[-1] != version_id:
            served.append(version_id)
    if len(served) < 2:
        raise ConflictError("no earlier version to roll back to; `helpdesk versions` shows them all")
    return served[-2]


def list_promotions(session: Session) -> list[Promotion]:
    """Newest first."""
    return list(session.scalars(select(Promotion).order_by(Promotion.id.desc())))


def _own_report(night: dict[str, Any], kind: str) -> "CandidateReport":
    from helpdesk.records.candidate_report import CandidateReport

    return CandidateReport.model_validate(night.get("candidates", {}).get(kind, {}))
