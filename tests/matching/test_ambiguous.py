"""One word that many entries have is asked back about, however sure the encoder is."""

from pathlib import Path

import pytest

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.ambiguous import ask_back, find_shared_words
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.decide import Decision, Ranked, Thresholds
from helpdesk.matching.matcher import Matcher

ROWS = [
    ("my laptop is slow", "slow"),
    ("the laptop takes hours to start", "slow"),
    ("my laptop is broken", "broken"),
    ("i want a new laptop", "order"),
    ("order a new screen", "order"),
    ("the screen of my laptop is slow", "screen"),
    ("my laptop is slow on the vpn", "vpn"),
]
SHARED = find_shared_words(ROWS, known={"en"})


def sure(*intents: str) -> Decision:
    """An answer with the first of these intents."""
    ranking = [Ranked(intent, 0.95 if number == 0 else 0.01) for number, intent in enumerate(intents)]
    return Decision(DecisionKind.ANSWER, tuple(ranking), (), DecisionReason.CONFIDENT, Thresholds(0.7, 0.5))


def test_words_and_pairs_that_three_entries_have_are_known() -> None:
    """Function words are none, nor is what two entries have."""
    assert SHARED == {
        "laptop": ("broken", "order", "screen", "slow", "vpn"),
        "laptop slow": ("screen", "slow", "vpn"),
        "slow": ("screen", "slow", "vpn"),
    }


@pytest.mark.parametrize("text", ["laptop", "my laptop", "what about the laptop", "slow laptop"])
def test_a_message_of_shared_words_alone_is_a_question(text: str) -> None:
    """Between the best entries that have the words, four at most, in the order of their confidence."""
    asked = ask_back(text, sure("slow", "printer", "vpn", "screen", "order", "broken"), SHARED, known={"en"})

    pair = "slow" in text
    assert asked.kind == DecisionKind.CLARIFY
    assert asked.reason == DecisionReason.BETWEEN
    assert asked.options == (("slow", "vpn", "screen") if pair else ("slow", "vpn", "screen", "order"))
    assert asked.ranking[0].intent == "slow"


@pytest.mark.parametrize("text", ["screen", "order a laptop", "broken laptop", "laptop of a friend is slow", "is it"])
def test_what_says_more_is_answered(text: str) -> None:
    """A word or a pair of few entries, three telling words, or none at all."""
    decision = sure("slow", "screen", "order")

    assert ask_back(text, decision, SHARED, known={"en"}) is decision


def test_the_best_entry_is_offered_though_it_lacks_the_word() -> None:
    """A question has two choices at least."""
    asked = ask_back("laptop", sure("service desk", "slow"), SHARED, known={"en"})

    assert asked.options == ("slow", "service desk")


def test_no_word_of_many_entries_of_the_starter_faq_is_answered(starter_home: Path) -> None:
    """However low the threshold is; what one entry alone says still is, and so is a phrasing of one word."""
    (folder,) = (starter_home / "bundles").iterdir()
    bundle = open_bundle(folder).edited(thresholds=Thresholds(0.5, 0.5))
    matcher, careless = Matcher(bundle), Matcher(bundle.edited(shared_words={}))
    words = [word for word in bundle.shared_words if " " not in word]
    answered = [word for word in words if careless.match(word).kind == DecisionKind.ANSWER]

    assert "laptop" in answered
    assert len(answered) > 0.2 * len(words)
    assert {matcher.match(word).kind for word in answered} == {DecisionKind.CLARIFY}
    assert matcher.match("forgotten password").intent == "password_forgotten"
