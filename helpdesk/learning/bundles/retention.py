"""Retention: which bundles stay, here and in the store of all hosts. Leftovers of killed runs are removed."""

import logging
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.orm import Session

from helpdesk.errors import BundleError, ConflictError, UnavailableError
from helpdesk.matching.bundle import encoder_hash, sealed_manifest
from helpdesk.matching.bundle_store import BundleStore
from helpdesk.records import addition_vectors, heartbeats, versions
from helpdesk.records.database import Database

log = logging.getLogger(__name__)
BUILDING = ".building-"
REMOVED = f"{BUILDING}removed-"
VERSIONS_KEPT = 3
_PUBLISHED = re.compile(r"\d{8}T\d{12}-[a-z]+-[0-9a-f]{8}")


def share(store: BundleStore) -> None:
    """Begin a night with whole copies of all that the store has. One that has nothing yet gets what is here.

    Raises UnavailableError when the store does not answer.
    """
    if store.url is not None and not store.names():
        for name in sorted(store.here()):
            store.publish(store.folder / name, name)
    store.fetch_all()


def remove_leftovers(store: BundleStore, database: Database) -> None:
    """Remove half-built folders, and finished ones that no version names because their run was killed.

    Bundles older than this database's first version stay, since they may belong to another database.
    """
    for path in store.folder.glob(f"{BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)
    try:
        with database.read() as session:
            known = {version.directory for version in versions.list_versions(session)}
        found = {path.name for path in store.folder.iterdir()} | store.names()
        for name in found - known:
            if _PUBLISHED.fullmatch(name) and name > min(known, default=name):
                store.forget(name)
                store.remove(name)
    except UnavailableError as error:
        log.warning("nameless bundles stay for now: %s", error)


def prune(store: BundleStore, database: Database, *, spared: Collection[int] = ()) -> None:
    """Remove old bundles. Errors are logged: by now the night has done its work.

    Kept are the version in service, the three that served before it, the one a rollback goes to, every one that a
    process seen lately serves, and the `spared` ones (the historical best). The others are renamed in the transaction
    that chose them, so that nobody can put one of them in service meanwhile.
    """
    try:
        with database.write() as session:
            heartbeats.forget_old(session)
            take_away(store, _dispensable(session, spared))
            addition_vectors.forget_vectors(session, encoders=_encoders(store.folder))
    except (UnavailableError, OSError) as error:
        log.warning("old bundles stay for now: %s", error)
    remove_taken_away(store)


def take_away(store: BundleStore, names: Collection[str]) -> None:
    """Nobody finds these bundles any more, here or in the store. Raises UnavailableError, OSError."""
    for name in names:
        if (store.folder / name).is_dir():
            (store.folder / name).rename(store.folder / f"{REMOVED}{name}")
    for name in store.names() & set(names):
        store.remove(name)


def remove_taken_away(store: BundleStore) -> None:
    """Remove what was taken away from this host's disk."""
    for path in store.folder.glob(f"{REMOVED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _encoders(bundles: Path) -> set[str]:
    """The encoders of the bundles that are kept, by hash."""
    found = set()
    for path in bundles.iterdir():
        if not path.name.startswith(BUILDING):
            try:
                found.add(encoder_hash(sealed_manifest(path)))
            except (BundleError, KeyError) as error:
                log.warning("the encoder of %s is not known: %s", path.name, error)
    return found


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
