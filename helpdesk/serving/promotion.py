"""Putting a version in service by hand."""

from helpdesk.errors import ConflictError
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.bundle_store import open_store
from helpdesk.records import audit_log, versions
from helpdesk.records.audit_log import COMMAND_LINE
from helpdesk.records.database import Database
from helpdesk.settings import Settings


def put_in_service(settings: Settings, database: Database, version_id: int, *, reason: str) -> None:
    """Promote a version whose bundle opens and passes its self-test; a damaged one is refused.

    Raises ConflictError when a night removes the bundle at this moment.
    """
    with database.read() as session:
        directory = versions.find_version(session, version_id).directory
    store = open_store(settings)
    open_bundle(store.fetch(directory), whole=False)
    with database.write() as session:
        versions.promote(session, version_id, reason=reason, author=COMMAND_LINE)
        action = "version.rolled_back" if reason == versions.ROLLBACK else "version.promoted"
        audit_log.note(session, action, author=COMMAND_LINE, subject=f"version {version_id}")
        if directory not in (store.here() if store.url is None else store.names()):
            raise ConflictError(f"version {version_id} is too old to be kept and was removed just now")
