"""Choices as people type them after a clarifying question; what is not clearly one is a new message."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from helpdesk.matching.choices import read_choice

OFFERED = {
    "english": ("How do I reset my password?", "How do I unlock my account?", "Why does the VPN not connect?"),
    "german": ("Wie setze ich mein Passwort zurück?", "Wie entsperre ich mein Konto?", "Der Drucker druckt nicht."),
    "french": ("Comment réinitialiser mon mot de passe ?", "Comment débloquer mon compte ?"),
    "spanish": ("¿Cómo restablezco mi contraseña?", "¿Cómo desbloqueo mi cuenta?", "La impresora no imprime."),
    "orders": ("Where is my order?", "My laptop is broken", "How do I return an item?"),
}
MESSAGE = "message"


def read(text: str, offered: tuple[str, ...]) -> str:
    """What was picked, as the examples write it: numbers from 1, `none`, `missing`, or `message`."""
    found = read_choice(text, offered, none_text="None of these")
    if found is None:
        return MESSAGE
    if found.missing:
        return "missing"
    return " ".join(str(place + 1) for place in found.picked) or "none"


def examples() -> list[tuple[str, str, str]]:
    """(which questions were offered, what was typed, what was picked); `english 2`: of these the first two."""
    with (Path(__file__).parent / "choices.csv").open(encoding="utf-8", newline="") as file:
        return [(row["offered"], row["text"], row["picked"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("offered", "text", "picked"), examples())
def test_what_people_type_is_read_as_they_mean_it(offered: str, text: str, picked: str) -> None:
    """A choice however it is worded, and no message that has the words of one."""
    name, _, count = offered.partition(" ")

    assert read(text, OFFERED[name][: int(count) if count else None]) == picked


def test_a_word_that_two_questions_have_chooses_neither() -> None:
    """Nor do two words of two questions."""
    offered = ("How do I reset my password?", "How do I change my password?")

    assert [read(text, offered) for text in ("password", "reset change", "change")] == [MESSAGE, MESSAGE, "2"]


def test_questions_that_are_the_same_are_told_apart_by_number_alone() -> None:
    """The text of both chooses neither."""
    offered = ("Where is my order?", "Where is my order")

    assert [read(text, offered) for text in ("where is my order", "2")] == [MESSAGE, "2"]


def test_the_examples_are_many() -> None:
    """Of both kinds."""
    kinds = Counter(picked == MESSAGE for _, _, picked in examples())

    assert kinds[False] >= 150
    assert kinds[True] >= 100
