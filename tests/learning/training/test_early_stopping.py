"""Training is measured on rows held aside; over-fitting is caught, and nothing else changes."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import tiny_model

from helpdesk.learning.data.dataset import Lesson
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.curves import draw_training
from helpdesk.learning.training.early_stopping import CHECKS, COST, LABELS, PATIENCE, Held, Watch
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune
from helpdesk.learning.training.losses import Objectives, meaning_groups, schedule
from helpdesk.records.night_report import TrainingReport

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.slow

SUBJECTS = ("red ball", "blue car", "green tree", "black cat")
ROWS = [(f"{verb} the {subject} {place}", n) for n, subject in enumerate(SUBJECTS)
        for verb, place in itertools.product(("see", "find", "buy"), ("now", "today", "outside"))]  # fmt: skip
HELD = Held(texts=[f"where is a {subject} {end}" for subject in SUBJECTS for end in ("sold", "kept", "made")],
            intents=[n for n in range(4) for _ in range(3)])  # fmt: skip
STEPS = 15


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model."""
    return tiny_model(tmp_path_factory.mktemp("tiny"), "distilbert")


def lessons() -> dict[str, list[Lesson]]:
    """A few of each kind."""
    pairs = [(f"look at my {subject}", f"see the {subject}") for subject in SUBJECTS]
    wrong = [text for text, _ in ROWS[:4]]
    return {
        "positive": [Lesson(f"p{n}", "positive", pair) for n, pair in enumerate(pairs)],
        "scored": [Lesson(f"s{n}", "scored", pair, n / 4) for n, pair in enumerate(pairs)],
        "similar": [Lesson(f"l{n}", "similar", pair, float(n % 2)) for n, pair in enumerate(pairs)],
        "triplet": [Lesson(f"t{n}", "triplet", (*pair, wrong[n])) for n, pair in enumerate(pairs)],
    }


def tuned(
    tiny: Path,
    *,
    watch: Watch | None = None,
    others: Mapping[str, Sequence[Lesson]] | None = None,
    intents: Sequence[int] | None = None,
    rate: float = 2e-3,
    seed: int = 0,
) -> "SentenceTransformer":
    """A tiny model after a short training."""
    model = load_base(str(tiny), threads=1)
    objectives = others and Objectives(
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
        objectives=objectives or None,
        watch=watch,
    )
    return model


def vectors(model: "SentenceTransformer") -> "np.ndarray[Any, np.dtype[np.float32]]":
    """What tells two models apart."""
    return model.encode([text for text, _ in ROWS], normalize_embeddings=True)


def new_watch(held: Held = HELD, *, steps: int = STEPS, trained: int = 10_000, stops: bool = True) -> Watch:
    """A watch that measures often."""
    return Watch(held, steps=steps, trained=trained, stops=stops)


def test_measuring_does_not_change_what_is_learnt(tiny: Path) -> None:
    """Where nothing falls the weights are, bit for bit, those of a training nobody watched."""
    watch = new_watch()

    assert np.array_equal(vectors(tuned(tiny, watch=watch)), vectors(tuned(tiny)))
    assert not watch.fallen
    assert watch.kept == STEPS
    assert len(watch.steps) == CHECKS + 1


def test_the_best_weights_are_kept_when_the_figures_fall(tiny: Path) -> None:
    """Labels that are wrong undo what the base model knew: training ends early, at the weights of the best check."""
    scrambled = np.random.default_rng(0).permutation([n for _, n in ROWS]).tolist()
    watch, again = new_watch(), new_watch()
    model = tuned(tiny, watch=watch, intents=scrambled, rate=2e-2)
    again.check(model, 0)

    assert watch.fallen
    assert again.scores[0] == max(watch.scores) > watch.scores[-1]
    assert watch.steps[-1] < STEPS
    assert watch.facts()["kept_step"] == watch.kept == watch.steps[int(np.argmax(watch.scores))]


def test_a_training_that_may_not_stop_goes_on(tiny: Path) -> None:
    """The one on every label has no labels to be measured on: it ends where its fold encoders did, not where pairs
    like.
    """
    scrambled = np.random.default_rng(0).permutation([n for _, n in ROWS]).tolist()
    watch = new_watch(stops=False)
    tuned(tiny, watch=watch, intents=scrambled, rate=2e-2)

    assert watch.steps[-1] == watch.kept == STEPS


def test_a_dip_that_may_be_chance_is_no_fall() -> None:
    """Twelve rows tell nothing under a seventh; three low checks in a row end the training, two do not."""
    watch = new_watch()
    watch.metrics = [{LABELS: 0.0}]
    watch.scores = [0.5, 0.9, 0.8]
    assert not watch.fallen
    watch.scores = [0.5, 0.9, *[0.7] * (PATIENCE - 1)]
    assert watch.fallen
    assert not watch.spent
    watch.scores.append(0.7)
    assert watch.spent


def test_the_same_seed_gives_the_same_weights_with_every_kind(tiny: Path) -> None:
    """And another seed, or other rows, others."""
    one, same = vectors(tuned(tiny, others=lessons(), seed=1)), vectors(tuned(tiny, others=lessons(), seed=1))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, vectors(tuned(tiny, others=lessons(), seed=2)))
    assert not np.array_equal(one, vectors(tuned(tiny, seed=1)))


@pytest.mark.parametrize("trained", [100, 2_000, 50_000])
def test_measuring_is_cheap_beside_training(trained: int) -> None:
    """The texts of all checks together are a fraction of those trained on, but for a floor of forty at both ends."""
    many = Held(
        {"triplet": [Lesson(f"t{n}", "triplet", (f"a{n}", f"b{n}", f"c{n}")) for n in range(2_000)]},
        [f"text {n}" for n in range(4_000)],
        [n % 80 for n in range(4_000)],
    )
    watch = new_watch(many, steps=200, trained=trained)
    checks = sum(watch.due(step) for step in range(201))

    assert checks * len(watch.texts) <= max(COST * trained, 2 * 42)
    assert watch.due(0)
    assert watch.due(200)


def test_with_nothing_to_measure_training_runs_to_its_end(tiny: Path) -> None:
    """One row an intent has no centroid to be near to."""
    watch = new_watch(Held(texts=["a", "b"], intents=[0, 1]))
    tuned(tiny, watch=watch)

    assert watch.kept == STEPS
    assert watch.facts()["metrics"] == {}


def test_curves_are_drawn_and_told(tiny: Path, tmp_path: Path) -> None:
    """As SVG with every metric, the same file for the same figures; and in one line each."""
    watch = new_watch(Held(lessons(), HELD.texts, HELD.intents))
    tuned(tiny, watch=watch, others=lessons())
    facts = TrainingReport.model_validate({"curves": {"fine-tuning": watch.facts()}})
    draw_training(facts, tmp_path / "one.svg")
    draw_training(facts, tmp_path / "two.svg")
    drawn = (tmp_path / "one.svg").read_text()
    none = {"curves": {"fine-tuning": new_watch(Held()).facts()}}
    draw_training(TrainingReport.model_validate(none), tmp_path / "none.svg")

    assert drawn == (tmp_path / "two.svg").read_text()
    assert all(f"{kind} (" in drawn for kind in ("labels", *lessons()))
    assert facts.lines()[0].startswith("fine-tuning: labels ")
    assert facts.lines()[0].endswith(f"step {STEPS}")
    assert not (tmp_path / "none.svg").exists()
