"""One definition of near-duplicate texts for splits, folds, checks and trainings."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.near_duplicates import near_any, near_duplicates, near_groups, near_lengths, near_pairs
from helpdesk.text import normalise

WORDS = st.lists(st.text(alphabet="abcdeé ", min_size=1, max_size=6), min_size=1, max_size=8)


def scribble(text: str, chance: Random) -> str:
    """The text with some letters lost or added and its words in another order."""
    letters = list(text)
    for _ in range(chance.randrange(6)):
        place = chance.randrange(len(letters) + 1)
        letters[place : place + chance.randrange(2)] = chance.choice(["", "x", "ab"])
    words = "".join(letters).split()
    chance.shuffle(words)
    return normalise(" ".join(words))


def test_the_order_of_the_words_and_a_few_letters_make_no_difference() -> None:
    """Other words do; nothing is near when there is nothing else."""
    texts = ["my tunnel is dead", "is my tunnel ded", "paper jam"]

    assert near_any(texts, ["dead is my tunnel"]).tolist() == [True, True, False]
    assert near_duplicates("dead is my tunnel", texts) == [0, 1]
    assert not near_any(["a"], []).any()
    assert near_duplicates("a", []) == []


def test_chains_of_near_duplicates_share_a_group() -> None:
    """The ends of a chain need not be near each other."""
    texts = ["aaaaaaaaaa", "aaaaaaaaab", "x", "aaaaaaaabb", "aaaaaaabbb"]
    groups = near_groups(texts)

    assert near_duplicates(texts[0], texts) == [0, 1]
    assert groups[0] == groups[1] == groups[3] == groups[4] != groups[2]
    assert near_groups([]) == []


@given(WORDS, st.integers(0, 2**32))
def test_a_near_duplicate_has_a_length_in_the_range(words: list[str], seed: int) -> None:
    """So the database may leave out all other texts unread."""
    text = normalise(" ".join(words))
    other = scribble(text, Random(seed))
    least, most = near_lengths(len(text))

    assert not near_duplicates(text, [other]) or least <= len(other) <= most


def test_pairs_are_the_same_found_one_by_one_or_all_at_once() -> None:
    """Over more texts than one block holds, each pair once."""
    chance = Random(1)
    base = [
        " ".join(chance.choice(["red", "blue", "door", "open", "key", "lost"]) for _ in range(5)) for _ in range(30)
    ]
    texts = [scribble(chance.choice(base), chance) for _ in range(1_100)]
    first, second = near_pairs(texts)
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))

    assert len(pairs) == len(first)
    assert np.all(first < second)
    for position in (0, 999, 1_000, 1_099):
        near = {(min(position, n), max(position, n)) for n in near_duplicates(texts[position], texts) if n != position}
        assert near == {pair for pair in pairs if position in pair}
