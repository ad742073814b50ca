"""What nights do about privacy: retention, and erasures until nothing is left of what was erased.

The first night after an erasure puts a version in service that was built without it, whatever the gate says: a version
may be worse for it, but not keep it. Bundles that still hold it go as soon as no process serves them.
"""

from dataclasses import replace
from datetime import timedelta

from helpdesk.learning.bundles.erased import bundles_with_traces
from helpdesk.learning.bundles.retention import remove_taken_away, take_away
from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.verdict import Verdict
from helpdesk.learning.night.attempts import Tonight
from helpdesk.learning.night.steps import Step, try_each
from helpdesk.matching.bundle_store import open_store
from helpdesk.records import erasure, heartbeats, nights, versions
from helpdesk.records.certificates import write_certificate
from helpdesk.records.clock import now
from helpdesk.records.compaction import compact
from helpdesk.records.database import Database
from helpdesk.records.files.reports import forget_reports
from helpdesk.records.pruning import prune_messages
from helpdesk.records.tables import ErasureRow
from helpdesk.records.uploads import forget_uploads
from helpdesk.settings import Settings

ERASED_REASON = "what serves still holds something that was erased"


def must_replace(night: Tonight, directory: str) -> bool:
    """Whether the bundle in service was built from something that was erased since."""
    with night.database.read() as session:
        traces = erasure.traces_left(session)
    return directory in bundles_with_traces(night.bundles, traces)


def replacing(night: Tonight) -> Tonight:
    """The night in which a refreshed version goes live whatever the rules say: it was built without what was erased."""
    night.log.warnings.append(f"{ERASED_REASON}: the refreshed version goes live whatever the gate says")
    gate = night.gate

    def judged(case: Case) -> Verdict:
        verdict = gate(case)
        if verdict.promote or case.needs_gain:
            return verdict
        return replace(verdict, promote=True, reasons=(ERASED_REASON, *verdict.reasons))

    return replace(night, gate=judged)


def keep_privacy(settings: Settings, database: Database) -> list[str]:
    """Delete what is too old, and follow every erasure; what could not be done, in words."""
    steps: dict[str, Step] = {
        "old messages were not deleted": prune,
        "erasures were not followed": follow_erasures,
    }
    return try_each(steps, settings, database)


def prune(settings: Settings, database: Database) -> dict[str, int]:
    """Delete messages, reports and uploads that are older than the settings let them be; table -> rows."""
    with database.write() as session:
        forget_uploads(session)
    if settings.retention_days is None:
        return {}
    before = now() - timedelta(days=settings.retention_days)
    counts = prune_messages(database, before=before)
    counts["report files"] = forget_reports(settings.home, before=before)
    with database.write() as session:
        counts["nights"] = nights.forget_reports(session, before=before)
    return dict(+counts)


def follow_erasures(settings: Settings, database: Database) -> None:
    """Bring each certificate up to date: the first clean version, the last copy gone, freed pages overwritten."""
    with database.read() as session:
        pending = erasure.pending(session)
        numbers, newest = [row.id for row in pending], max((row.erased_at for row in pending), default=None)
        left = any(row.compacted_at is None for row in pending)
    if newest is not None and settings.bundle_store is not None:
        open_store(settings).fetch_all()
        forget_reports(settings.home, before=newest)  # a host that erases cleans its own; the database has them clean
    for number in numbers:
        _follow_bundles(settings, database, number)
    compacted = left and compact(database)
    for number in numbers:
        with database.write() as session:
            row = session.get_one(ErasureRow, number)
            if compacted and row.compacted_at is None:
                row.compacted_at = now()
        write_certificate(settings.home, row)


def _follow_bundles(settings: Settings, database: Database, number: int) -> None:
    """Once what serves is clean, bundles that hold traces go, but for those that a process serves still."""
    store = open_store(settings)
    with database.write() as session:
        row = session.get_one(ErasureRow, number)
        traces = frozenset((*row.traces["keys"], *row.traces["rows"])) if row.traces else frozenset()
        unclean = bundles_with_traces(settings.bundles, traces)
        current = versions.current(session)
        if current is not None and current.directory in unclean:
            return
        if row.clean_at is None:
            row.clean_at, row.clean_version_id = now(), None if current is None else current.version_id
        served, copied = heartbeats.in_use(session), heartbeats.copied(session)
        directories = {version.directory: version.id for version in versions.list_versions(session)}
        take_away(store, [name for name in unclean if directories.get(name) not in served])
        if not any((settings.bundles / name).is_dir() or name in copied for name in unclean):
            row.purged_at, row.traces = row.purged_at or now(), None
    remove_taken_away(store)
