"""A home: the folder of the database, the bundles and the secret key. `helpdesk init` alone makes one."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import func, select

from helpdesk.errors import BadInputError, BundleError, HelpdeskError, NotFoundError
from helpdesk.matching.bundle import read_manifest
from helpdesk.progress import Reporter
from helpdesk.records import faq, versions
from helpdesk.records import staff as staff_records
from helpdesk.records.database import Database, open_database, require_schema, upgrade
from helpdesk.records.files.faq_files import read_faq
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent, Staff
from helpdesk.serving.handoff import describe_handover
from helpdesk.settings import Settings, resource

ADMIN = "admin"
SECRET_KEY = "secret_key"  # noqa: S105 - the name of its file
PRIVATE = 0o077  # the umask under which a home is written: nobody but its user reads what people wrote


def open_home(settings: Settings) -> Database:
    """The database of a home that is set up. Makes nothing; raises NotFoundError that says what is missing."""
    require_home(settings)
    close_to_others(settings.home)
    database = open_database(settings)
    try:
        require_schema(database)
    except HelpdeskError:
        database.close()
        raise
    return database


def require_home(settings: Settings) -> None:
    """Raise NotFoundError unless the home is a folder. That of a host with a store only holds copies, and is made."""
    if settings.bundle_store is not None:
        settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.home.exists():
        raise NotFoundError(f"there is no home {settings.home}; run `helpdesk init`, or name one in HELPDESK_HOME")
    if not settings.home.is_dir():
        raise NotFoundError(f"HELPDESK_HOME is {settings.home}, a file; expected a folder")


def close_to_others(home: Path) -> None:
    """Take the rights of others on a home away, and on the files in it; those of another user stay as they are."""
    for path in (home, *home.iterdir()):
        with suppress(FileNotFoundError):  # SQLite removes what it no longer needs
            found = path.stat()
            if found.st_mode & PRIVATE and found.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(found.st_mode) & ~PRIVATE)


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


def secret_key(settings: Settings) -> str:
    """What signs login cookies: the configured key, or one of the home, made where there is none.

    Raises BadInputError where several hosts would each make their own: a login on one would not count on another.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if settings.bundle_store is not None:
        raise BadInputError("hosts that share HELPDESK_BUNDLE_STORE need HELPDESK_SECRET_KEY, the same on all of them")
    require_home(settings)
    path = settings.home / SECRET_KEY
    if not path.exists():
        _make_secret_key(path)
    return path.read_text()


def _make_secret_key(path: Path) -> None:
    """Two processes may come here at once: the first one's key stays, and nobody reads half a key."""
    whole = path.with_name(f".{SECRET_KEY}.{secrets.token_hex(8)}")
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(whole, path)
    except FileExistsError:
        pass
    finally:
        whole.unlink()


def _load_starter_faq(database: Database) -> str:
    found = read_faq(resource("training_data") / "faq.csv")
    found.require_good()
    with database.write() as session:
        return faq.store_entries(session, found.entries, author="import").sentence()


def _count(database: Database, table: type[Intent] | type[Staff]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
