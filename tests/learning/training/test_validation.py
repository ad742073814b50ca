"""Training is measured on rows held aside, and nothing else changes."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.curves import draw_training
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune
from helpdesk.learning.training.losses import AuxiliaryLosses, meaning_groups, schedule
from helpdesk.learning.training.validation import CHECKS, COST, Validation, ValidationSet
from helpdesk.records.night_report import TrainingReport

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.slow

SUBJECTS = ("red ball", "blue car", "green tree", "black cat")
ROWS = [(f"{verb} the {subject} {place}", n) for n, subject in enumerate(SUBJECTS)
        for verb, place in itertools.product(("see", "find", "buy"), ("now", "today", "outside"))]  # fmt: skip
HELD = ValidationSet(texts=[f"where is a {subject} {end}" for subject in SUBJECTS for end in ("sold", "kept", "made")],
            intents=[n for n in range(4) for _ in range(3)])  # fmt: skip
STEPS = 15


def examples() -> dict[str, list[TrainingExample]]:
    """A few of each kind."""
    pairs = [(f"look at my {subject}", f"see the {subject}") for subject in SUBJECTS]
    wrong = [text for text, _ in ROWS[:4]]
    return {
        "positive": [TrainingExample(f"p{n}", "positive", pair) for n, pair in enumerate(pairs)],
        "scored": [TrainingExample(f"s{n}", "scored", pair, n / 4) for n, pair in enumerate(pairs)],
        "similar": [TrainingExample(f"l{n}", "similar", pair, float(n % 2)) for n, pair in enumerate(pairs)],
        "triplet": [TrainingExample(f"t{n}", "triplet", (*pair, wrong[n])) for n, pair in enumerate(pairs)],
    }


def tuned(
    base: Path,
    *,
    validation: Validation | None = None,
    others: Mapping[str, Sequence[TrainingExample]] | None = None,
    intents: Sequence[int] | None = None,
    rate: float = 2e-3,
    seed: int = 0,
) -> "SentenceTransformer":
    """A tiny model after a short training."""
    model = load_base(str(base), threads=1)
    auxiliary_losses = others and AuxiliaryLosses(
        model,
        others,
        planned=schedule({kind: len(rows) for kind, rows in others.items()}, steps=STEPS, visits=50),
        same=meaning_groups(others["positive"], {}),
        seed=seed,
    )
    fine_tune(
        model,
        [text for text, _ in ROWS],
        intents=intents or [n for _, n in ROWS],
        plan=TrainingPlan(steps=STEPS, intents=4, learning_rate=rate),
        seed=seed,
        progress=lambda *_: None,
        auxiliary_losses=auxiliary_losses or None,
        validation=validation,
    )
    return model


def vectors(model: "SentenceTransformer") -> "np.ndarray[Any, np.dtype[np.float32]]":
    """What tells two models apart."""
    return model.encode([text for text, _ in ROWS], normalize_embeddings=True)


def new_watch(held: ValidationSet = HELD, *, steps: int = STEPS, trained: int = 10_000) -> Validation:
    """A validation that measures often."""
    return Validation(held, steps=steps, trained=trained)


def test_measuring_does_not_change_what_is_learnt(tiny_base: Path) -> None:
    """The weights are, bit for bit, those of a training nobody watched."""
    validation = new_watch()

    assert np.array_equal(vectors(tuned(tiny_base, validation=validation)), vectors(tuned(tiny_base)))
    assert validation.steps[-1] == STEPS
    assert len(validation.steps) == CHECKS + 1


def test_the_same_seed_gives_the_same_weights_with_every_kind(tiny_base: Path) -> None:
    """And another seed, or other rows, others."""
    one, same = (vectors(tuned(tiny_base, others=examples(), seed=1)) for _ in range(2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, vectors(tuned(tiny_base, others=examples(), seed=2)))
    assert not np.array_equal(one, vectors(tuned(tiny_base, seed=1)))


@pytest.mark.parametrize("trained", [100, 2_000, 50_000])
def test_measuring_is_cheap_beside_training(trained: int) -> None:
    """The texts of all checks together are a fraction of those trained on, but for a floor of forty at both ends."""
    many = ValidationSet(
        {"triplet": [TrainingExample(f"t{n}", "triplet", (f"a{n}", f"b{n}", f"c{n}")) for n in range(2_000)]},
        [f"text {n}" for n in range(4_000)],
        [n % 80 for n in range(4_000)],
    )
    validation = new_watch(many, steps=200, trained=trained)
    checks = sum(validation.due(step) for step in range(201))

    assert checks * len(validation.texts) <= max(COST * trained, 2 * 42)
    assert validation.due(0)
    assert validation.due(200)


def test_with_nothing_to_measure_training_runs_to_its_end(tiny_base: Path) -> None:
    """One row an intent has no centroid to be near to."""
    validation = new_watch(ValidationSet(texts=["a", "b"], intents=[0, 1]))
    tuned(tiny_base, validation=validation)

    assert validation.facts()["metrics"] == {}


def test_curves_are_drawn_and_told(tiny_base: Path, tmp_path: Path) -> None:
    """As SVG with every metric, the same file for the same figures; and in one line each."""
    validation = new_watch(ValidationSet(examples(), HELD.texts, HELD.intents))
    tuned(tiny_base, validation=validation, others=examples())
    facts = TrainingReport.model_validate({"curves": {"fine-tuning": validation.facts()}})
    draw_training(facts, tmp_path / "one.svg")
    draw_training(facts, tmp_path / "two.svg")
    drawn = (tmp_path / "one.svg").read_text()
    none = {"curves": {"fine-tuning": new_watch(ValidationSet()).facts()}}
    draw_training(TrainingReport.model_validate(none), tmp_path / "none.svg")

    assert drawn == (tmp_path / "two.svg").read_text()
    assert all(f"{kind} (" in drawn for kind in ("labels", *examples()))
    assert facts.lines()[0].startswith("fine-tuning: labels ")
    assert facts.lines()[0].endswith(f"{STEPS} steps")
    assert not (tmp_path / "none.svg").exists()
