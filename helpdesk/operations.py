"""What operators do: set up, serve, put a version in service."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from sqlalchemy import func, select

from helpdesk.errors import ConflictError, HelpdeskError
from helpdesk.progress import Reporter
from helpdesk.records import faq, versions
from helpdesk.records import staff as staff_records
from helpdesk.records.database import Database, upgrade
from helpdesk.records.files import faq_files as exchange
from helpdesk.records.tables import Intent, Staff
from helpdesk.settings import Settings, resource
from helpdesk.threads import cap_native_threads

ADMIN = "admin"
SECRET_KEY = "secret_key"


def set_up(settings: Settings, database: Database, *, starter_faq: bool, progress: Reporter) -> Iterator[str]:
    """Bring a home into being, step by step; every step that was done before is left alone. Yields what it did."""
    settings.home.mkdir(parents=True, exist_ok=True)
    upgrade(database)
    if settings.secret_key is None:
        _make_secret_key(settings.home / SECRET_KEY)
    if starter_faq and _count(database, Intent) == 0:
        yield f"starter FAQ: {load_faq(database, resource('training_data') / 'faq.csv')}"
    if _count(database, Staff) == 0:
        password = secrets.token_urlsafe(12)
        with database.write() as session:
            staff_records.add_staff(session, ADMIN, password=password)
        yield f"login of the labelling page (shown this once): {ADMIN} / {password}"
    with database.read() as session:
        serving = versions.current(session)
    if serving is None and _count(database, Intent) > 0:
        from helpdesk.learning.night.plan import Plan
        from helpdesk.learning.night.run import run_night

        report = run_night(settings, database, plan=Plan(minutes=1, finetune=False), progress=progress)
        yield report.as_text()


def load_faq(database: Database, path: Path) -> str:
    """Import a FAQ file that must be without fault; what it changed, in words."""
    found = exchange.read_faq(path)
    found.require_good()
    with database.write() as session:
        return faq.store_entries(session, found.entries, author="import").sentence()


def put_in_service(settings: Settings, database: Database, version_id: int, *, reason: str) -> None:
    """Promote a version whose bundle opens and passes its self-test; a damaged one is refused.

    Raises ConflictError when a night removes the bundle at this moment.
    """
    from helpdesk.matching.bundle import open_bundle

    with database.read() as session:
        directory = versions.find_version(session, version_id).directory
    open_bundle(settings.bundles / directory)
    with database.write() as session:
        versions.promote(session, version_id, reason=reason, author="command line")
        if not (settings.bundles / directory).is_dir():
            raise ConflictError(f"version {version_id} is too old to be kept and was removed just now")


def exec_server(settings: Settings) -> NoReturn:
    """Become gunicorn. Workers are made without preload: ONNX Runtime does not survive a fork."""
    if settings.secret_key is None and not (settings.home / SECRET_KEY).exists():
        raise HelpdeskError(f"{settings.home} is not set up; run `helpdesk init` first")
    url = f"http://{settings.host}:{settings.port}"
    print(f"chat page       {url}/\nlabelling page  {url}/desk", flush=True)  # noqa: T201
    cap_native_threads(settings.encoder_threads)
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *gunicorn_arguments(settings)])


def gunicorn_arguments(settings: Settings) -> list[str]:
    """How gunicorn is called."""
    return [
        *("--bind", f"{settings.host}:{settings.port}"),
        *("--worker-class", "helpdesk.web.worker.FairWorker"),
        *("--workers", str(settings.workers)),
        *("--threads", str(settings.threads)),
        *("--timeout", "60"),
        *("--graceful-timeout", "30"),
        *("--keep-alive", "15"),
        *("--limit-request-line", "4094"),
        "--no-control-socket",
        "helpdesk.app:create_app()",
    ]


def _make_secret_key(path: Path) -> None:
    if not path.exists():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))


def _count(database: Database, table: type[Intent] | type[Staff]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
