"""Choices of a clarifying question never look alike."""

import pytest

from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.entries import read_entries
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

QUESTION = "How do I reset it?"
LONG = "Open the portal and press the red button at the top of the page, then wait."


@pytest.mark.parametrize(
    ("answers", "hints"),
    [
        (("Press it.", "Turn\nit."), ("Press it.", "Turn it.")),
        ((LONG, ""), ("Open the portal and press the red button at the top of the ...", "b")),
        (("Press it.", "Press it."), ("a", "b")),
    ],
)
def test_entries_with_the_same_question_are_shown_apart(
    database: Database, answers: tuple[str, str], hints: tuple[str, str]
) -> None:
    """By the beginning of their answers, or by their slugs; others as they are."""
    entries = [Entry("a", QUESTION, answers[0]), Entry("b", QUESTION.upper(), answers[1]), Entry("c", "Else?", "So.")]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        shown = {slug: entry.shown for slug, entry in read_entries(session).items()}

    assert shown == {"a": f"{QUESTION} ({hints[0]})", "b": f"{QUESTION.upper()} ({hints[1]})", "c": "Else?"}


def test_the_text_of_a_choice_chooses_it(settings: Settings, records: Database, live: LiveMatcher) -> None:
    """A button sends it; each of two entries with the same question can be chosen."""
    entries = [Entry("phone", QUESTION, "Press it."), Entry("tablet", QUESTION, "Turn it.")]
    with records.write() as session:
        faq.store_entries(session, entries, author="test")
    live.refresh()
    desk = ChatService(records, live, settings)

    for answer in ("Press it.", "Turn it."):
        asked = desk.reply(QUESTION, channel="rest", sender="u")
        assert {option.slug for option in asked.options} == {"phone", "tablet", None}
        assert desk.reply(f"{QUESTION} ({answer})", channel="rest", sender="u").text == answer
