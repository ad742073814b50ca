"""What one training is given besides its labels, and what is kept from it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from fakes import clusters
from numpy.typing import NDArray

from helpdesk.learning.data.dataset import Dataset, Row, TrainingExample
from helpdesk.learning.training.auxiliary_examples import AuxiliaryExamples, Selection
from helpdesk.near_duplicates import near_any

pytestmark = pytest.mark.slow

INTENTS, ROWS = 6, 8
VECTORS, TRUTH = clusters(INTENTS, ROWS, spread=0.15)
MORE, MORE_TRUTH = clusters(INTENTS, 5, spread=0.15, seed=2)
Unit = NDArray[np.float32]


def words(number: int) -> str:
    """A text like no other."""
    letters = np.random.default_rng(number).choice(list("abcdefghijklmnopqrstuvwxyz"), size=(3, 7))
    return " ".join("".join(word) for word in letters)


PLANTED: dict[str, Unit] = {words(n): VECTORS[n] for n in range(len(VECTORS))}
MESSAGES: dict[str, Unit] = {words(1000 + n): MORE[n] for n in range(len(MORE))}
TEXTS = list(PLANTED)
EVERY = range(len(TEXTS))


class PlantedEncoder:
    """Gives back vectors with planted structure; texts it does not know lie anywhere."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], **_: object) -> Unit:
        """Unit vectors [n, dim]."""
        self.encoded += texts
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Unit:
        strange: Unit = np.random.default_rng(sum(text.encode())).normal(size=(VECTORS.shape[1],)).astype(np.float32)
        unit: Unit = strange / np.linalg.norm(strange)
        return (PLANTED | MESSAGES).get(text, unit)


def dataset(examples: Sequence[TrainingExample], *, holdout: Sequence[str] = ()) -> Dataset:
    """A FAQ of planted phrasings with these examples."""
    return Dataset(
        train=tuple(Row(f"phrasing:{n}", text, f"intent {TRUTH[n]}") for n, text in enumerate(TEXTS)),
        holdout=tuple(Row(f"label:{n}", text, "intent 0") for n, text in enumerate(holdout)),
        out_of_scope=("what a day", "who won the game"),
        exact={},
        questions={},
        examples=tuple(examples),
    )


def lessons_for(rows: Sequence[int], given: Dataset) -> Selection:
    """What a training on these rows gets."""
    return AuxiliaryExamples(given, PlantedEncoder(), seed=0).select(rows)  # type: ignore[arg-type]


def unlabelled() -> list[TrainingExample]:
    """Messages like the phrasings."""
    return [TrainingExample(f"example:{n}", "unlabelled", (text,)) for n, text in enumerate(MESSAGES)]


def test_without_lessons_there_is_nothing_more() -> None:
    """And nothing is encoded for it."""
    encoder = PlantedEncoder()
    auxiliary = AuxiliaryExamples(dataset([]), encoder, seed=0)  # type: ignore[arg-type]

    assert auxiliary.select(EVERY) == Selection()
    assert encoder.encoded == []
    assert not any(auxiliary.counts().values())


def test_unlabelled_messages_join_the_intents_they_surely_mean() -> None:
    """As rows for training alone; what is already known gains nothing."""
    known = TrainingExample("example:99", "unlabelled", (TEXTS[0],))
    found = lessons_for(EVERY, dataset([*unlabelled(), known]))
    pseudo = dict(found.more)

    assert found.facts["pseudo_labels"] == len(pseudo) >= 20
    assert all(pseudo[text] == MORE_TRUTH[list(MESSAGES).index(text)] for text in pseudo)
    assert TEXTS[0] not in pseudo


def test_a_message_that_is_held_out_does_not_come_in_by_another_door() -> None:
    """Neither as a pseudo-label nor within a pair, nor slightly changed."""
    held_out = next(iter(MESSAGES))
    turned = " ".join(held_out.split()[::-1])
    pairs = [TrainingExample(f"pair:{n}", "positive", (words(2000 + n), words(3000 + n))) for n in range(20)]
    leak = [TrainingExample("leak", "positive", (words(9), turned))]
    found = lessons_for(EVERY, dataset([*unlabelled(), *pairs, *leak], holdout=[held_out]))

    assert held_out not in dict(found.more)
    assert "leak" not in {example.id for example in found.learnt["positive"]}
    assert len(found.learnt["positive"]) >= 16


@pytest.mark.parametrize("kind", ["positive", "triplet", "unlabelled", "noise"])
def test_what_is_only_just_near_a_held_out_label_is_not_learnt(kind: str) -> None:
    """As a pair, a triplet, a message nobody labelled, or a phrasing with typing errors."""
    held_out, near = "the tunnel from my kitchen is dead", "from my kitchens the tunnel was dead"
    assert near_any([near], [held_out]).all()
    texts = {"positive": (near, "b"), "triplet": ("a", "b", near), "unlabelled": (near,)}.get(kind, ("a b",))
    filling = [TrainingExample(f"f:{n}", "positive", (words(2000 + n), words(3000 + n))) for n in range(20)]
    leak = TrainingExample("leak", "unlabelled" if kind == "noise" else kind, texts)
    given = dataset([*filling, *unlabelled(), leak], holdout=[held_out])
    if kind == "noise":
        few = replace(given.train[0], text=f"{held_out} every morning again", intent="few")
        given = replace(given, train=(*given.train, few))
    found = lessons_for(range(len(given.train)), given)
    learnt = [text for kind in found.learnt.values() for example in kind for text in example.texts]

    assert not near_any([*learnt, *(text for text, _ in found.more)], [held_out]).any()


def test_a_measured_part_is_not_seen_through_pairs() -> None:
    """The encoder that measures some rows learns no example with a text like one of them."""
    mine = [n for n in EVERY if n % 2]
    pairs = [TrainingExample(f"pair:{n}", "positive", (words(2000 + n), TEXTS[n])) for n in EVERY]
    found = lessons_for(mine, dataset(pairs))
    said = {example.texts[1] for example in found.learnt["positive"]}

    assert said
    assert said <= {TEXTS[n] for n in mine}


def test_pseudo_labels_come_from_the_rows_of_the_training_alone() -> None:
    """A part without an intent gives no message that intent."""
    mine = [n for n in EVERY if TRUTH[n] != 0]
    intents = {intent for _, intent in lessons_for(mine, dataset(unlabelled())).more}

    assert intents == set(range(1, INTENTS))


@pytest.mark.parametrize(
    "change",
    [
        {"texts": ("one", "another")},
        {"value": 0.4},
        {"kind": "similar"},
    ],
)
def test_lessons_are_part_of_what_a_bundle_is_made_from(change: dict[str, object]) -> None:
    """Another example, another hash; no example, the hash there always was."""
    example = TrainingExample("example:1", "scored", ("one", "other"), 0.5)
    one, other = dataset([example]), dataset([replace(example, **change)])  # type: ignore[arg-type]

    assert len({one.rows_hash, other.rows_hash, dataset([]).rows_hash}) == 3
    assert one.rows_hash == dataset([example]).rows_hash
