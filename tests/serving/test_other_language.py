"""Messages in a language that nobody taught: said so, to the person and to staff."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desks import open_desk
from homes import copy_home

from helpdesk.matching.matcher import Matcher
from helpdesk.records import queue
from helpdesk.records.queue import Wanted
from helpdesk.records.queue_counts import queue_lengths
from helpdesk.serving.chat_service import ChatService
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

GERMAN = "Wo bekomme ich eigentlich einen Schein für das Angeln im See?"


@pytest.fixture
def desk(small_home: Path, tmp_path: Path) -> Iterator[ChatService]:
    """The serving side of the real model, which knows English."""
    made = open_desk(copy_home(small_home, tmp_path))
    yield made
    made.database.close()


def change_bundle(desk: ChatService, **changes: Any) -> None:
    """As if the bundle in service were another."""
    live = desk.live.take()
    assert live is not None
    desk.live._live = replace(live, matcher=Matcher(replace(live.matcher.bundle, **changes)))


def test_the_first_bundle_knows_the_language_of_its_phrasings(desk: ChatService) -> None:
    """And nothing else: the packaged encoder was taught English."""
    live = desk.live.take()
    assert live is not None

    assert live.matcher.bundle.languages == {"en"}
    assert json.loads((live.matcher.bundle.path / "phrasings.json").read_text())["languages"] == ["en"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GERMAN, "Ich verstehe nur: English."),
        ("Où est-ce que je peux acheter un permis de pêche pour les enfants ?", "Je ne comprends que : English."),
        ("¿Dónde se compra el permiso para pescar en el lago con los niños?", "Solo entiendo: English."),
        ("Где можно купить лицензию на рыбалку?", "I understand English only"),
    ],
)
def test_the_person_is_told_in_their_language(desk: ChatService, text: str, said: str) -> None:
    """Where there is a reply in it; handed over all the same."""
    reply = desk.reply(text, channel="rest", sender="u")

    assert (reply.kind, reply.reason) == ("fallback", "language")
    assert reply.text.startswith(said)


@pytest.mark.parametrize("text", ["what is the capital of peru", "asdf qwer yxcv", "angelschein"])
def test_what_is_not_surely_foreign_stays_unsure(desk: ChatService, text: str) -> None:
    """English, gibberish, one word."""
    assert desk.match(text)[0].reason != "language"


def test_what_is_answered_is_not_foreign(desk: ChatService) -> None:
    """A message is in the language of the FAQ if it is understood."""
    assert desk.match("bitte: forgot my password, wie geht das")[0].reason != "language"


@pytest.mark.parametrize("codes", [(), ("de", "en")])
def test_nothing_is_foreign_to_a_bundle_that_knows_it_or_does_not_say(
    desk: ChatService, codes: tuple[str, ...]
) -> None:
    """Bundles of before do not say which languages they know."""
    change_bundle(desk, languages=frozenset(codes))

    assert desk.match(GERMAN)[0].reason != "language"


def test_nobody_sees_that_a_message_in_another_language_has_a_label(desk: ChatService) -> None:
    """Labelled as out of scope it looks as it did before; staff see the true reason."""
    before = desk.reply(GERMAN, channel="rest", sender="u")
    change_bundle(desk, exact={text_key(normalise(GERMAN)): OUT_OF_SCOPE})
    after = desk.reply(GERMAN, channel="rest", sender="u")

    assert (before.reason, after.reason) == ("language", "known_out_of_scope")
    assert after.text == before.text
    assert desk.view(GERMAN, after).reason == desk.view(GERMAN, before).reason


def test_it_waits_under_a_tab_of_its_own(desk: ChatService) -> None:
    """Each text under one tab."""
    for text in (GERMAN, GERMAN, "what is the capital of peru"):
        desk.reply(text, channel="rest", sender="u")
    with desk.database.read() as session:
        waiting: dict[str, list[Any]] = {
            kind: queue.items(session, review_below=0.8, limit=9, wanted=Wanted(kind=kind))
            for kind in ("language", "fallback")
        }
        lengths = queue_lengths(session, review_below=0.8, most=1000)

    assert [(item.text, item.count) for item in waiting["language"]] == [(GERMAN, 2)]
    assert GERMAN not in [item.text for item in waiting["fallback"]]
    assert lengths["language"] == 1
