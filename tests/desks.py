"""The serving side of a home: messages that come in, and what would be answered."""

from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.matcher import Matcher
from helpdesk.records import versions
from helpdesk.serving.chat_service import Desk


def serving(desk: Desk) -> Matcher:
    """The version in service, opened afresh."""
    with desk.database.read() as session:
        current = versions.current(session)
    assert current is not None
    return Matcher(open_bundle(desk.settings.bundles / current.directory))
