"""What staff are told of the last night, on every page of theirs."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from helpdesk.records import heartbeats, versions
from helpdesk.records.clock import now
from helpdesk.records.tables import Night

LATE = timedelta(hours=36)
_SEEN = timedelta(minutes=1)


@dataclass(frozen=True)
class Banner:
    """The last night in a few words, with the reason when nothing was promoted.

    It is bad when it failed or when it is too long ago for a nightly run. quarantine: labels that do not teach yet;
    warnings: what else that night must tell.
    """

    ago: str
    words: str
    reason: str
    bad: bool
    quarantine: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def as_banner(night: Night) -> Banner:
    """The newest row of `nights` as a banner."""
    age = now() - night.finished_at
    reason = "" if night.verdict == "promoted" else night.reason
    bad = night.verdict == "failed" or age > LATE
    waiting = night.figures.get("quarantine", night.figures.get("held_back", ()))  # as it was called before
    return Banner(ago(age), _words(night), reason, bad, tuple(waiting), tuple(night.figures.get("warnings", ())))


def refused_version(session: Session) -> int | None:
    """The version that should serve where a process of the last minute could not open it."""
    current = versions.current(session)
    if current is None or not heartbeats.processes_refusing(session, current.promotion_id, since=now() - _SEEN):
        return None
    return current.version_id


def ago(age: timedelta) -> str:
    """An age in its largest unit: `3 hours ago`."""
    minutes = max(0, int(age.total_seconds() // 60))
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if (count := minutes // size) >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _words(night: Night) -> str:
    if night.verdict == "failed":
        return "it failed"
    if night.promoted_kind is not None:
        return f"version {night.version_id} ({night.promoted_kind}) went into service"
    return f"version {night.version_id} stays in service"
