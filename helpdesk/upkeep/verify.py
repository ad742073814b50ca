"""Whether the bundles of all kept versions are as they were sealed, and mending what can be mended."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from helpdesk.errors import BundleError
from helpdesk.matching.bundle_repair import check_bundle, repair_bundle
from helpdesk.matching.bundle_store import open_store
from helpdesk.records import versions
from helpdesk.records.database import Database
from helpdesk.settings import Settings


@dataclass(frozen=True)
class KeptVersion:
    """One version whose bundle should be there. problems: what is wrong; mended: the files that were repaired."""

    number: int
    serving: bool
    problems: tuple[str, ...]
    mended: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How people are told of it."""
        return f"version {self.number}{' (in service)' if self.serving else ''}"


def kept_versions(settings: Settings, database: Database, *, repair: bool) -> Iterator[KeptVersion]:
    """Every kept version, newest first, and the one in service, kept or not.

    With a store this host's copies are completed from it first; what only nights read is looked at for a repair alone.
    """
    store = open_store(settings)
    with database.read() as session:
        current = versions.current(session)
        built = {version.id: settings.bundles / version.directory for version in versions.list_versions(session)}
    for name in store.names() & {directory.name for directory in built.values()}:
        with suppress(BundleError):  # what is lacking then is told below
            store.fetch(name, whole=repair)
    serving = None if current is None else current.version_id
    kept = {number: directory for number, directory in built.items() if directory.is_dir()}
    for number, directory in built.items():
        if number not in kept:
            if number == serving:
                yield KeptVersion(number, True, (f"its folder {directory.name} is gone",))
            continue
        damages = check_bundle(directory, whole=repair or store.url is None)
        left = repair_bundle(directory, damages, list(kept.values())) if repair and damages else damages
        if directory.is_dir():  # else a night removed it just now
            mended = tuple(found.file for found in damages if found not in left)
            yield KeptVersion(number, number == serving, tuple(found.problem for found in left), mended)
