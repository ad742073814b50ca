"""Retention: which bundles stay on disk. Leftovers of killed runs are removed."""

import logging
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError, UnavailableError
from helpdesk.records import heartbeats, versions
from helpdesk.records.database import Database

log = logging.getLogger(__name__)
BUILDING = ".building-"
REMOVED = f"{BUILDING}removed-"
VERSIONS_KEPT = 3
_PUBLISHED = re.compile(r"\d{8}T\d{12}-[a-z]+-[0-9a-f]{8}")


def remove_leftovers(bundles: Path, database: Database) -> None:
    """Remove half-built folders, and finished ones that no version names because their run was killed.

    Bundles older than this database's first version stay, since they may belong to another database.
    """
    for path in bundles.glob(f"{BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)
    try:
        with database.read() as session:
            known = {version.directory for version in versions.list_versions(session)}
    except UnavailableError as error:
        log.warning("nameless bundles stay for now: %s", error)
        return
    for path in bundles.iterdir():
        if _PUBLISHED.fullmatch(path.name) and path.name not in known and path.name > min(known, default=path.name):
            shutil.rmtree(path, ignore_errors=True)


def prune(bundles: Path, database: Database, *, spared: Collection[int] = ()) -> None:
    """Remove old bundles. Errors are logged: by now the night has done its work.

    Kept are the version in service, the three that served before it, the one a rollback goes to, every one that a
    process seen lately serves, and the `spared` ones (the historical best). The others are renamed in the transaction
    that chose them, so that nobody can put one of them in service meanwhile.
    """
    try:
        with database.write() as session:
            heartbeats.forget_old(session)
            for name in _dispensable(session, spared):
                if (bundles / name).is_dir():
                    (bundles / name).rename(bundles / f"{REMOVED}{name}")
    except (UnavailableError, OSError) as error:
        log.warning("old bundles stay for now: %s", error)
    for path in bundles.glob(f"{REMOVED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _dispensable(session: Session, spared: Collection[int]) -> list[str]:
    versions.lock_versions(session)
    served = list(dict.fromkeys(promotion.version_id for promotion in versions.list_promotions(session)))
    needed = {*served[: VERSIONS_KEPT + 1], *heartbeats.in_use(session), *spared}
    try:
        needed.add(versions.rollback_target(session))
    except ConflictError:
        log.debug("nothing served before")
    directories = {version.id: version.directory for version in versions.list_versions(session)}
    return [directories[version_id] for version_id in served if version_id not in needed]
