"""Whether the bundles of all kept versions are as they were sealed, and mending what can be mended."""

from collections.abc import Iterator

from helpdesk.matching.bundle_repair import check_bundle, repair_bundle
from helpdesk.records import versions
from helpdesk.records.database import Database
from helpdesk.settings import Settings


def verify_kept(settings: Settings, database: Database, *, repair: bool) -> Iterator[tuple[str, bool]]:
    """What is to be said of each kept version, newest first, and whether it is intact (now)."""
    with database.read() as session:
        current = versions.current(session)
        built = {version.id: settings.bundles / version.directory for version in versions.list_versions(session)}
    serving = None if current is None else current.version_id
    kept = {number: directory for number, directory in built.items() if directory.is_dir() or number == serving}
    for number, directory in kept.items():
        title = f"version {number}{' (in service)' if number == serving else ''}"
        if not directory.is_dir():
            yield f"{title}: its folder {directory.name} is gone", number != serving
            continue
        damages = check_bundle(directory)
        left = repair_bundle(directory, damages, list(kept.values())) if repair and damages else damages
        yield from ((f"{title}: damaged: {found.problem}", False) for found in left)
        if not left:
            yield f"{title}: {_intact(mended=[found.file for found in damages])}", True
        if damages and not left and number == serving:
            yield f"running processes take it up after `helpdesk versions promote {number}`", True


def _intact(*, mended: list[str]) -> str:
    return f"repaired: {', '.join(mended)}" if mended else "intact"
