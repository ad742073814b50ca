"""A new home, as `helpdesk init` makes it, and what one that is set up still lacks."""

import secrets
from collections.abc import Iterator

from sqlalchemy import func, select

from helpdesk.errors import BundleError
from helpdesk.home import close_to_others, require_home, secret_key
from helpdesk.matching.bundle import read_manifest
from helpdesk.progress import Reporter
from helpdesk.records import faq, versions
from helpdesk.records import staff as staff_records
from helpdesk.records.database import Database, upgrade
from helpdesk.records.files.faq_files import read_faq
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent, Staff
from helpdesk.serving.handoff import describe_handover
from helpdesk.settings import Settings, resource

ADMIN = "admin"


def missing(database: Database) -> Iterator[str]:
    """What nobody can do without yet though the home is set up, and the command that helps."""
    with database.read() as session:
        serving = versions.current(session)
    if serving is None:
        yield "no version serves, so nothing is answered yet: `helpdesk retrain` builds one from the FAQ"
    if _count(database, Staff) == 0:
        yield "nobody can log in to the labelling page yet: `helpdesk staff add NAME --role admin` makes a login"


def set_up(settings: Settings, database: Database, *, starter_faq: bool, progress: Reporter) -> Iterator[str]:
    """Bring a home into being, step by step; every step that was done before is left alone. Yields what it did.

    Raises UnavailableError where a first version is to be built and only serving is installed.
    """
    if not settings.home.exists():
        settings.home.mkdir(parents=True)
    require_home(settings)
    close_to_others(settings.home)
    upgrade(database)
    secret_key(settings)
    with database.read() as session:
        serving = versions.current(session)
    if serving is None and (starter_faq or _count(database, Intent) > 0):
        from helpdesk.learning.installed import require_training

        require_training()
    if starter_faq and _count(database, Intent) == 0:
        yield f"starter FAQ: {_load_starter_faq(database)}"
    if _count(database, Staff) == 0:
        password = secrets.token_urlsafe(12)
        with database.write() as session:
            staff_records.add_staff(session, ADMIN, password=password, role=Role.ADMIN)
        yield f"login of the labelling page (shown this once): {ADMIN} / {password}"
    yield f"hand-over: {describe_handover(settings)}"
    if serving is not None:
        yield from _note_on_base(settings, serving)
    elif _count(database, Intent) > 0:
        from helpdesk.learning.night.plan import Plan
        from helpdesk.learning.night.run import run_night

        report = run_night(settings, database, plan=Plan(minutes=1, finetune=False), progress=progress)
        yield report.as_text()


def _note_on_base(settings: Settings, serving: versions.Current) -> Iterator[str]:
    from helpdesk.learning.installed import lacking_libraries
    from helpdesk.learning.night.base_change import base_before, on_base_change

    if lacking_libraries():  # it is for the machine that learns
        return
    try:
        manifest = read_manifest(settings.bundles / serving.directory)
    except BundleError:  # `helpdesk serve` says so
        return
    before = base_before(manifest, settings.base_model)
    if before is not None:
        yield on_base_change(before, settings.base_model, version=serving.version_id, finetune=False)


def _load_starter_faq(database: Database) -> str:
    found = read_faq(resource("training_data") / "faq.csv")
    found.require_good()
    with database.write() as session:
        return faq.store_entries(session, found.entries, author="import").sentence()


def _count(database: Database, table: type[Intent] | type[Staff]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
