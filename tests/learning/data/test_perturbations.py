"""Variants of messages: drawn from a seed, changed in the way that their kind says."""

import pytest

from helpdesk.learning.data.perturbations import PERTURBATIONS, perturb
from helpdesk.text import normalise

TEXT = "why can't my phone connect to the office wi-fi"


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_a_variant_is_the_same_every_time_and_differs_from_its_message(kind: str) -> None:
    """Two bundles are asked the same; another seed may ask something else."""
    assert perturb(TEXT, kind, seed=0) == perturb(TEXT, kind, seed=0)
    assert perturb(TEXT, kind, seed=0) != TEXT
    assert len({perturb(f"{TEXT} {n}", kind, seed=0) for n in range(9)}) == 9


def test_a_typo_is_a_slip_or_two() -> None:
    """Words stay where they are, most as they were."""
    before, after = TEXT.split(), (perturb(TEXT, "typo", seed=0) or "").split()

    assert len(before) == len(after)
    assert 1 <= sum(a != b for a, b in zip(before, after, strict=True)) <= 2


def test_case_does_not_survive_normalising() -> None:
    """What people shout is the same text."""
    assert normalise(perturb(TEXT, "case", seed=0) or "") == TEXT


@pytest.mark.parametrize(
    ("text", "kind"), [("vpn", "word order"), ("vpn on", "typo"), ("no vpn", "abbreviation"), ("12 34", "typo")]
)
def test_what_a_kind_cannot_change_is_left_out(text: str, kind: str) -> None:
    """One word has no order, short words no typos."""
    assert perturb(text, kind, seed=0) is None


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("the vpn does not connect", "the vpn does connect"),
        ("the vpn doesn't connect", "the vpn does connect"),
        ("i cannot print", "i can print"),
        ("i can't print", "i can print"),
        ("my account is locked", "my account is not locked"),
        ("how do i get a laptop", "how do i not get a laptop"),
        ("new laptop please", "i do not mean new laptop please"),
    ],
)
def test_negation_takes_a_not_away_or_puts_one_in(text: str, negated: str) -> None:
    """The variant means the opposite, or at least not this."""
    assert perturb(text, "negation", seed=0) == negated


def test_word_order_keeps_the_words() -> None:
    """Only their order changes."""
    assert sorted((perturb(TEXT, "word order", seed=0) or "").split()) == sorted(TEXT.split())


def test_abbreviations_are_the_common_ones() -> None:
    """And the longest word is squeezed where there is none."""
    assert perturb("please reset your password", "abbreviation", seed=0) == "pls reset ur pwd"
    assert perturb("broken screen", "abbreviation", seed=0) == "brkn screen"
