"""Putting a backup in the place of a home and its database: all of it, or nothing."""

import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from helpdesk.errors import ConflictError, UnavailableError
from helpdesk.learning.night.lock import LOCK, single_flight
from helpdesk.matching.bundle import fsync
from helpdesk.matching.bundle_repair import check_bundle
from helpdesk.matching.bundle_store import open_store
from helpdesk.records import heartbeats
from helpdesk.records.copies import copy_in, renew_copy
from helpdesk.records.database import Database, open_database, sqlite_file
from helpdesk.settings import Settings
from helpdesk.upkeep.archive import Backup, Contents, opened

STAGING = ".restoring-"


def restore(settings: Settings, file: Path, *, force: bool) -> Contents:
    """Restore a backup into the settings' home and database. Raises BadInputError when the backup is damaged,
    ConflictError when there is a helpdesk already (unless forced) or one that runs, BusyError while a night runs.

    The backup is checked and its bundles are put in place before anything is replaced; then one transaction replaces
    the database. Whatever fails until then leaves what there was as it was.
    """
    with opened(file) as backup:
        database = open_database(settings)
        try:
            _require_free(settings, database, force=force)
            settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in settings.home.glob(f"{STAGING}*"):  # by a restore that was killed
                shutil.rmtree(left, ignore_errors=True)
            staging = settings.home.resolve() / f"{STAGING}{secrets.token_hex(4)}"
            staging.mkdir(mode=0o700)
            try:
                with single_flight(settings.home / LOCK):
                    _put_in_place(settings, database, backup, staging)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        finally:
            database.close()
        return backup.contents


def check(file: Path) -> Contents:
    """What is in a backup. Raises BadInputError when it is damaged."""
    with opened(file) as backup:
        return backup.contents


def _require_free(settings: Settings, database: Database, *, force: bool) -> None:
    file = sqlite_file(database)
    there = (file is None or file.exists()) and _revision(database, force=force) is not None
    if there and not force:
        raise ConflictError(
            f"the database {database.where} holds a helpdesk already; --force puts the backup in its place"
        )
    if any(settings.bundles.glob("*")) and not force:
        raise ConflictError(f"{settings.bundles} holds bundles already; --force puts those of the backup beside them")
    if there and (running := _running(database)):
        raise ConflictError(f"{running} serves from this database; stop the service first")


def _revision(database: Database, *, force: bool) -> str | None:
    """None too when a database is to be replaced that cannot be read any more."""
    try:
        return database.revision()
    except UnavailableError:
        if not force or sqlite_file(database) is None:
            raise
        return None


def _running(database: Database) -> str | None:
    """A web process that was seen lately; on this host it must still be there."""
    with suppress(UnavailableError), database.read() as session:
        for seen in heartbeats.seen_lately(session):
            if seen.host != socket.gethostname()[:255] or Path(f"/proc/{seen.process_id}").exists():
                return f"process {seen.process_id} on {seen.host}"
    return None


def _put_in_place(settings: Settings, database: Database, backup: Backup, staging: Path) -> None:
    contents = backup.contents
    copy = staging / "database"
    backup.unpack(contents.database, copy)
    renew_copy(settings, copy)
    for name, files in contents.bundles.items():
        _put_bundle(settings.bundles, name, files, backup, staging)
        open_store(settings).publish(settings.bundles / name, name)
    for name, part in contents.files.items():
        backup.unpack(part, staging / "files" / name)
    copy_in(settings, copy, database)
    for name in contents.files:
        target = settings.home / name
        target.parent.mkdir(exist_ok=True, mode=0o700)
        os.replace(staging / "files" / name, target)
        fsync(target.parent)


def _put_bundle(bundles: Path, name: str, files: Mapping[str, str], backup: Backup, staging: Path) -> None:
    """A bundle that is there and whole is left alone."""
    final = bundles / name
    if final.is_dir() and not check_bundle(final):
        return
    fresh = staging / name
    for path, part in files.items():
        backup.unpack(part, fresh / path)
    for folder in (*(path for path in fresh.rglob("*") if path.is_dir()), fresh):
        fsync(folder)
    bundles.mkdir(exist_ok=True, mode=0o700)
    if final.exists():
        final.rename(staging / f"{name}.damaged")
    fresh.rename(final)
    fsync(bundles)
