"""What an edit would change is what it does change, on every message; nothing is guessed."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from desks import open_desk
from homes import SMALL_FAQ

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Index
from helpdesk.matching.matcher import Matcher
from helpdesk.records import faq, golden, names
from helpdesk.serving import edits
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import Live
from helpdesk.serving.what_if import Outlook, WhatIf
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key

MESSAGES = [
    *(phrasing for _, _, phrasings in SMALL_FAQ.values() for phrasing in phrasings),
    "my password is gone and the vpn too",
    "printer broken",
    "connect to vpn please",
    "what is the capital of peru",
    "hello there",
    "wifi or vpn",
    "i need a laptop. and where is the printer?",
    "pasword forgoten",
    "notebook wanted",
]


@pytest.fixture
def desk(settings: Settings) -> Iterator[ChatService]:
    """A serving side that was asked all the messages, the first ones twice."""
    opened = open_desk(settings)
    for number, text in enumerate([*MESSAGES, *MESSAGES[:5]]):
        opened.reply(text, channel="test", sender=f"s{number}")
    yield opened
    opened.database.close()


def serving(desk: ChatService) -> Live:
    """What serves."""
    live = desk.live.take()
    assert live is not None
    return live


def asked_of(desk: ChatService) -> WhatIf:
    """What answers for this home."""
    return WhatIf(desk.database, desk.settings.home)


def decided(live: Live) -> dict[str, Decision]:
    """What people would get to each message."""
    return {text: live.match(text) for text in MESSAGES}


def said(decision: Decision) -> tuple[object, ...]:
    """What is noticed of it."""
    return decision.kind, decision.intents, decision.options


def differences(before: dict[str, Decision], after: dict[str, Decision]) -> dict[str, tuple[object, object]]:
    """The messages that are decided otherwise."""
    pairs = {text: (said(before[text]), said(after[text])) for text in MESSAGES}
    return {text: pair for text, pair in pairs.items() if pair[0] != pair[1]}


def told(outlook: Outlook) -> dict[str, tuple[object, object]]:
    """The same, as an outlook tells it."""
    return {change.asked.text: (said(change.before), said(change.after)) for change in outlook.changed}


def test_deleting_changes_what_it_would(desk: ChatService) -> None:
    """As the real thing, after the next poll."""
    live = serving(desk)
    outlook = asked_of(desk).outlook(live, edits.without_entry(live, "vpn"))
    before = decided(live)
    with desk.database.write() as session:
        faq.set_status(session, "vpn", status="draft", author="test")
    desk.live.refresh()

    found = differences(before, decided(serving(desk)))
    assert len(found) >= 4
    assert told(outlook) == found
    assert outlook.texts == len(MESSAGES)
    assert outlook.messages == len(MESSAGES) + 5


def test_merging_changes_what_it_would(desk: ChatService) -> None:
    """As the real thing, after the next poll."""
    live = serving(desk)
    outlook = asked_of(desk).outlook(live, edits.with_merge(live, "vpn", "wifi"))
    before = decided(live)
    with desk.database.write() as session:
        source, into = faq.find_intent(session, "vpn"), faq.find_intent(session, "wifi")
        names.merge(session, source, into, author="test")
    desk.live.refresh()

    found = differences(before, decided(serving(desk)))
    assert len(found) >= 4
    assert told(outlook) == found


@pytest.mark.parametrize(("text", "slug"), [("what is the capital of peru", "vpn"), ("notebook wanted", "laptop")])
def test_a_label_changes_what_it_would(desk: ChatService, text: str, slug: str) -> None:
    """As an index made anew with its row, on every message; only those near it are looked at."""
    live = serving(desk)
    outlook = asked_of(desk).outlook_of_label(live, edits.with_label(live, text, slug), text)
    bundle = live.matcher.bundle
    vectors = np.concatenate([bundle.vectors, bundle.encoder.encode([normalise(text)])])
    again = replace(
        bundle,
        vectors=vectors,
        index=Index(vectors),
        phrasing_ids=(*bundle.phrasing_ids, "label:1"),
        phrasing_keys=(*bundle.phrasing_keys, text_key(normalise(text))),
        intent_of_row=np.append(bundle.intent_of_row, np.int32(bundle.intents.index(slug))),
        exact={**bundle.exact, text_key(normalise(text)): slug},
    )
    found = differences(decided(live), decided(replace(live, matcher=Matcher(again))))

    assert text in found
    assert told(outlook) == found


def test_splitting_moves_what_is_nearest(desk: ChatService) -> None:
    """A phrasing that moves is answered with the new entry, one that stays with the old one."""
    live = serving(desk)
    with desk.database.read() as session:
        rows = {row.text: row.id for row in faq.find_intent(session, "printer").phrasings}
    edited = edits.with_split(live, "printer", [rows["paper jam in the printer"]], "What of a paper jam?")
    outlook = asked_of(desk).outlook(live, edited)

    assert edited.match("paper jam in the printer").intents == ("what_of_a_paper_jam",)
    assert edited.match("printer not working").intents == ("printer",)
    assert told(outlook) == differences(decided(live), decided(edited))
    for chosen in ([], list(rows.values())):
        with pytest.raises(BadInputError, match="expected some, and not all"):
            edits.with_split(live, "printer", chosen, "What of a paper jam?")


def test_a_golden_phrase_that_breaks_is_told(desk: ChatService) -> None:
    """One that is kept now; a merge carries the promise along."""
    with desk.database.write() as session:
        golden.add(session, "vpn login error", intent="vpn", author="test")
        golden.add(session, "what is the capital of peru", intent=None, author="test")
    live = serving(desk)

    gone = asked_of(desk).outlook(live, edits.without_entry(live, "vpn"))
    assert [promise.text for promise in gone.broken] == ["vpn login error"]
    assert asked_of(desk).outlook(live, edits.with_merge(live, "vpn", "wifi")).broken == ()
    text = "what is the capital of peru"
    label = asked_of(desk).outlook_of_label(live, edits.with_label(live, text, "vpn"), text)
    assert [promise.text for promise in label.broken] == [text]


def test_what_cannot_be_is_explained(desk: ChatService) -> None:
    """Nothing is computed for it."""
    live = serving(desk)
    with pytest.raises(BadInputError, match="'nope' is not published"):
        edits.without_entry(live, "nope")
    with pytest.raises(BadInputError, match="expected a published entry"):
        edits.with_label(live, "?!", "vpn")
    with pytest.raises(BadInputError, match="expected a published entry"):
        edits.with_label(live, "hello", "nope")
    with pytest.raises(BadInputError, match="expected one of letters"):
        edits.with_split(live, "vpn", [1], "?")
    with pytest.raises(ConflictError):
        edits.with_merge(live, "vpn", "vpn")
