"""Two FAQs that ask the same are never equal choices on a card."""

import re

from clients import ask
from flask.testing import FlaskClient

from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.serving.live import LiveMatcher

QUESTION = "How do I reset it?"


def test_the_slug_tells_them_apart(ann: FlaskClient, records: Database, live: LiveMatcher) -> None:
    """Also where a search finds but one of them; other questions stand alone."""
    entries = [Entry("phone", QUESTION, "Press it."), Entry("tablet", QUESTION.lower(), "Turn it.")]
    with records.write() as session:
        faq.store_entries(session, entries, author="test")
    live.refresh()
    (message,) = ask(ann, "what is the capital of peru")
    page = ann.get(f"/desk?item={message}&q=how do i reset").text
    shown = re.findall(r'<span class="question">([^<]+?)\s*(?:<code>(\w+)</code>)?\s*<', page)

    assert (QUESTION, "phone") in shown
    assert (QUESTION.lower(), "tablet") in shown
    assert ("How do I reset my password?", "") in shown
