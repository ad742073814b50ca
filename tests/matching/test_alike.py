"""Wishes for a person and settled matters in words of many people, and messages that look like them and are none.

The shares count, not the single message: most of `alike.csv` was written before the patterns were.
"""

import csv
from pathlib import Path

import pytest

from helpdesk.decisions import SMALL_TALK, DecisionReason
from helpdesk.matching.settled import is_settled
from helpdesk.matching.small_talk import Heard, small_talk
from helpdesk.text import normalise


def is_wish(heard: Heard) -> bool:
    """Whether a colleague gets the message because it asks for one."""
    return heard.reason == DecisionReason.ASKED


def has_short_reply(heard: Heard) -> bool:
    """Whether the message is not taken for a question."""
    return heard.reason in SMALL_TALK or (heard.reason is None and is_settled(heard.question))


def share(kind: str) -> tuple[float, list[str]]:
    """The share of the messages of a kind that is recognised, and which ones are not as they should be."""
    recognised = is_wish if kind.endswith("wish") else has_short_reply
    with Path(__file__).with_name("alike.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file) if row["kind"] == kind]
    found = [text for text in texts if recognised(small_talk().hear(normalise(text)))]
    wrong = found if kind in ("no_wish", "open") else sorted(set(texts) - set(found))
    return len(found) / len(texts), wrong


@pytest.mark.parametrize("kind", ["wish", "settled"])
def test_nearly_all_are_recognised(kind: str) -> None:
    """In four languages, short and long, angry and polite."""
    found, missed = share(kind)

    assert found >= 0.9, missed


@pytest.mark.parametrize("kind", ["no_wish", "open"])
def test_hardly_any_question_is_taken_for_one(kind: str) -> None:
    """The same words in a question, a fault that is there still, and a wish for something else."""
    found, taken = share(kind)

    assert found <= 0.01, taken
