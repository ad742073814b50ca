"""The parts of fine-tuning on other kinds of rows, each on its own."""

from collections import Counter

import numpy as np
import pytest
from fakes import clusters

from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.learning.training.auxiliary_examples import share_out
from helpdesk.learning.training.losses import meaning_groups, schedule
from helpdesk.learning.training.pseudo_labels import NO_LEVEL, RIGHT, pseudo_label, sure_level
from helpdesk.learning.training.validation_metrics import centroid_accuracy, example_metric

pytestmark = pytest.mark.slow

EAST, NORTH = np.eye(2, dtype=np.float32)


def pair(
    first: str, second: str, *, kind: str = "positive", value: float | None = None, number: int = 0
) -> TrainingExample:
    """An example of two texts."""
    return TrainingExample(f"example:{number}:{first}", kind, (first, second), value)


def test_labels_dominate_however_many_other_rows_there_are() -> None:
    """At most one step in two carries another batch; kinds keep their proportion, and none is left out."""
    planned = schedule({"positive": 50_000, "triplet": 10_000, "similar": 3}, steps=100, visits=10)
    counts = Counter(planned.values())

    assert len(planned) <= 50
    assert max(planned) < 100
    assert counts["positive"] > 3 * counts["triplet"]
    assert counts["similar"] == 1


def test_few_other_rows_are_seen_as_often_as_labels() -> None:
    """Not more: 32 pairs at ten visits are twenty batches of sixteen, spread over the training."""
    planned = schedule({"scored": 32}, steps=200, visits=10)

    assert len(planned) == 20
    assert min(planned) < 10
    assert max(planned) > 190


def test_without_other_rows_nothing_is_planned() -> None:
    """The label-aware recipe stays alone."""
    assert schedule({"positive": 0}, steps=100, visits=10) == {}


def test_what_means_the_same_is_one_group() -> None:
    """Texts joined by pairs, directly or through others, and texts known to have one intent."""
    groups = meaning_groups([pair("a", "b"), pair("b", "c"), pair("d", "e"), pair("f", "g")], {"d": 1, "g": 1})

    assert groups["a"] == groups["b"] == groups["c"]
    assert groups["d"] == groups["e"] == groups["f"] == groups["g"]
    assert groups["a"] != groups["d"]


def test_a_tenth_to_a_fifth_of_each_kind_is_held_aside_for_good() -> None:
    """Whole groups that begin alike; more rows do not bring a held one back into training."""
    rows = [pair(f"text {n // 3}", f"other {n}", number=n) for n in range(300)]
    learnt, held = share_out({"positive": rows})
    more = [*rows, *(pair(f"fresh {n}", f"new {n}", number=n) for n in range(30))]
    later = {example.id for example in share_out({"positive": more})[1]["positive"]}

    assert 0.1 <= len(held["positive"]) / 300 <= 0.2
    assert len(learnt["positive"]) + len(held["positive"]) == 300
    assert not {r.texts[0] for r in learnt["positive"]} & {r.texts[0] for r in held["positive"]}
    assert len({example.id for example in held["positive"]} & later) > 0.8 * len(held["positive"])


def test_a_held_pair_is_not_learnt_as_another_kind() -> None:
    """Nor the other way round."""
    pairs = [pair(f"a{n}", f"b{n}", number=n) for n in range(40)]
    triplets = [TrainingExample(f"t{n}", "triplet", (f"b{n}", f"a{n}", "c")) for n in range(40)]
    learnt, held = share_out({"positive": pairs, "triplet": triplets})
    held_pairs = {frozenset(example.texts[:2]) for kind in held.values() for example in kind}

    assert held_pairs
    assert not held_pairs & {frozenset(example.texts[:2]) for kind in learnt.values() for example in kind}


def test_pseudo_labels_are_right_and_strangers_get_none() -> None:
    """Messages like the phrasings are labelled, at least 95% rightly; messages like nothing are not."""
    vectors, intents = clusters(8, 12, spread=0.22)
    asked, truth = clusters(8, 10, spread=0.22, seed=3)
    strangers = clusters(1, 60, spread=5.0, seed=4)[0]
    found = pseudo_label(
        np.concatenate([asked, strangers]),
        vectors,
        intents * 3,
        groups=np.arange(len(intents)),
        out_of_scope=clusters(1, 60, spread=5.0, seed=5)[0],
        seed=0,
    )
    own = found.rows < len(asked)

    assert own.sum() >= 40
    assert (~own).sum() <= 3
    assert (found.intents[own] == truth[found.rows[own]] * 3).mean() >= RIGHT


@pytest.mark.parametrize(("intents", "rows", "groups"), [(2, 4, 8), (1, 30, 30), (2, 15, 1)])
def test_what_cannot_be_measured_labels_nothing(intents: int, rows: int, groups: int) -> None:
    """Few phrasings, a single intent, or nothing but near-duplicates: no scorer is trusted, and none fails."""
    vectors, truth = clusters(intents, rows, spread=0.1)
    found = pseudo_label(
        vectors,
        vectors,
        truth,
        groups=np.arange(len(truth)) % groups + truth * groups,
        out_of_scope=np.empty((0, 24), dtype=np.float32),
        seed=0,
    )

    assert len(found.rows) == 0
    assert found.level == NO_LEVEL


def test_an_intent_gets_no_more_pseudo_labels_than_it_has_phrasings() -> None:
    """Labels dominate."""
    vectors, intents = clusters(5, 6, spread=0.1)
    found = pseudo_label(
        clusters(5, 40, spread=0.1, seed=3)[0],
        vectors,
        intents,
        groups=np.arange(len(intents)),
        out_of_scope=np.empty((0, 24), dtype=np.float32),
        seed=0,
    )

    assert 0 < max(Counter(found.intents.tolist()).values()) <= 6


def test_no_level_is_believed_without_evidence() -> None:
    """Too few rows, or too many wrong ones: nothing is accepted; out-of-scope messages count as wrong."""
    high = np.linspace(0.9, 0.99, 40)
    nobody = np.empty(0)

    assert sure_level(high[:19], np.ones(19, dtype=bool), nobody) == NO_LEVEL
    assert sure_level(high, np.arange(40) % 2 == 0, nobody) == NO_LEVEL
    assert sure_level(high, np.ones(40, dtype=bool), nobody) == pytest.approx(0.9)
    assert sure_level(high, np.ones(40, dtype=bool), np.full(40, 0.95)) > 0.95
    assert sure_level(np.linspace(0.1, 0.4, 40), np.ones(40, dtype=bool), nobody) == NO_LEVEL


def test_metrics_know_the_best_and_the_worst() -> None:
    """Perfect order gives 1, the reverse the least there is, and nothing to compare gives none."""
    alike = [np.stack([EAST, EAST]), np.stack([EAST, NORTH])]
    for kind in ("scored", "similar"):
        right = [pair("a", "b", kind=kind, value=1.0), pair("a", "c", kind=kind, value=0.0)]
        assert example_metric(right, alike) == pytest.approx(1.0)
        assert example_metric(right[::-1], alike) == pytest.approx(-1.0 if kind == "scored" else 0.0)
        assert example_metric(right[:1], [column[:1] for column in alike]) is None
    pairs = [pair("a", "b"), pair("c", "d")]
    assert example_metric(pairs, [np.stack([EAST, NORTH]), np.stack([EAST, NORTH])]) == 1.0
    assert example_metric(pairs, [np.stack([EAST, NORTH]), np.stack([NORTH, EAST])]) == 0.0
    triplets = [TrainingExample("t", "triplet", ("a", "b", "c"))]
    assert example_metric(triplets, [EAST[None], EAST[None], NORTH[None]]) == 1.0
    assert example_metric(triplets, [EAST[None], NORTH[None], EAST[None]]) == 0.0


def test_a_row_is_not_in_its_own_centroid() -> None:
    """Or every row would be right; lone rows of an intent are not judged."""
    vectors, intents = clusters(6, 5, spread=0.05)

    assert centroid_accuracy(vectors, intents) == 1.0
    assert centroid_accuracy(vectors, np.random.default_rng(0).permutation(intents)) < 0.6  # type: ignore[operator]
    assert centroid_accuracy(vectors[:5], intents[:5]) is None
    assert centroid_accuracy(vectors[::5], intents[::5]) is None
