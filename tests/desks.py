"""The serving side of a home: messages that come in, and what would be answered."""

from dataclasses import replace

from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.decide import Thresholds
from helpdesk.matching.matcher import Matcher
from helpdesk.records import versions
from helpdesk.records.database import open_database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings


def open_desk(settings: Settings) -> ChatService:
    """The serving side of a home; its database is to be closed."""
    records = open_database(settings)
    live = LiveMatcher(records, settings)
    live.refresh()
    return ChatService(records, live, settings)


def serving(desk: ChatService) -> Matcher:
    """The version in service, opened afresh."""
    with desk.database.read() as session:
        current = versions.current(session)
    assert current is not None
    return Matcher(open_bundle(desk.settings.bundles / current.directory))


def always_clarify(live: LiveMatcher) -> None:
    """Thresholds under which everything but an exact match is asked back."""
    now = live.take()
    assert now is not None
    bundle = replace(now.matcher.bundle, thresholds=Thresholds(answer=2.0, clarify=0.0))
    live._live = replace(now, matcher=Matcher(bundle))
