"""A damaged bundle in service is mended before a night builds upon it."""

from helpdesk.errors import BundleError
from helpdesk.learning.night.attempts import Tonight
from helpdesk.matching.bundle import verify
from helpdesk.matching.bundle_repair import check_bundle, repair_bundle
from helpdesk.records import versions


def mend_incumbent(night: Tonight, current: versions.Current) -> None:
    """Replace damaged files of the version in service by intact copies in other kept versions, and say so in the
    report; what no other version has stays damaged. Processes that could not open it are told to try again."""
    directory = night.bundles / current.directory
    try:
        verify(directory)
        return
    except BundleError:
        damages = check_bundle(directory)
    with night.database.read() as session:
        named = [night.bundles / version.directory for version in versions.list_versions(session)]
    left = repair_bundle(directory, damages, [kept for kept in named if kept.is_dir()])
    title = f"version {current.version_id}, which is in service, was damaged"
    mended = [found.file for found in damages if found not in left]
    if mended:
        night.log.warnings.append(f"{title}; repaired from other versions: {', '.join(mended)}")
    if left:
        lost = ", ".join(found.file for found in left)
        night.log.warnings.append(f"{title} and no kept version has a copy of {lost}; restore a backup")
    elif mended:
        with night.database.write() as session:
            versions.promote_again(session, author=versions.NIGHT_AUTHOR)
