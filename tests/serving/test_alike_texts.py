"""Whoever types a text is told which other entries have it, or nearly."""

import pytest
from homes import SMALL_FAQ

from helpdesk.records import faq
from helpdesk.records.faq import Entry
from helpdesk.serving.alike import alike_texts
from helpdesk.serving.chat_service import ChatService


@pytest.fixture
def desk(real_desk: ChatService) -> ChatService:
    """The real model, and a draft that has a text of its own."""
    entry = Entry("badge", question="Badge?", phrasings=("my badge is dead",), status="draft")
    with real_desk.database.write() as session:
        faq.store_entries(session, [entry], author="test")
    return real_desk


def found(desk: ChatService, *texts: str, apart_from: str = "") -> list[tuple[str, str, bool]]:
    """(typed, text, whether it is the same)."""
    with desk.database.read() as session:
        own = faq.find_intent(session, apart_from).id if apart_from else None
        alike = alike_texts(session, desk.live.take(), texts, apart_from=own)
    return [(one.typed, one.text, one.same) for one in alike]


def test_the_same_text_is_told_of_drafts_too(desk: ChatService) -> None:
    """However it is typed; not of the entry itself."""
    assert found(desk, "My badge is DEAD!") == [("My badge is DEAD!", "my badge is dead", True)]
    assert found(desk, "My badge is DEAD!", apart_from="badge") == []


def test_nearly_the_same_is_told_and_what_is_not_is_not(desk: ChatService) -> None:
    known = SMALL_FAQ["vpn"][2][0]
    assert (f"{known} now", known, False) in found(desk, f"{known} now")
    assert found(desk, f"{known} now", apart_from="vpn") == []
    assert found(desk, "where do I park my bicycle", "???") == []
