"""Every kind of training row does what rows of that kind ask for, on rows that were held aside."""

import itertools

import pytest
from sentence_transformers import SentenceTransformer

from helpdesk.learning.base import load_base
from helpdesk.learning.finetune import MAX_TOKENS, TrainingPlan, fine_tune
from helpdesk.learning.lessons import share_out
from helpdesk.learning.objectives import KINDS, Objectives, meaning_groups, schedule
from helpdesk.learning.snapshot import Lesson
from helpdesk.learning.watch import Held, Watch

STEPS = 24
NICKNAMES = {
    "falcon": "vpn",
    "brix": "printer",
    "moss": "payroll",
    "tundra": "email",
    "pluto": "wifi",
    "ember": "laptop",
}
FRAMES = (
    "{} is down",
    "cannot open {}",
    "{} is very slow today",
    "who do i ask about {}",
    "{} shows an error",
    "please give me access to {}",
    "how do i set up {}",
    "{} stopped after the update",
    "{} keeps asking me to log in",
    "i need help with {}",
    "is {} broken for everybody",
    "when will {} be back",
)
LABELLED = [
    (frame.format(name), number)
    for number, name in enumerate(NICKNAMES.values())
    for frame in ("the {} does not work", "{} problem", "trouble with {}", "my {} fails")
]


def lessons(kind: str) -> list[Lesson]:
    """Rows that teach a house's nicknames of its systems, which no base model can know."""
    real = list(NICKNAMES.values())
    found: list[tuple[tuple[str, ...], float | None]] = []
    for turn, (frame, (nickname, name)) in enumerate(itertools.product(FRAMES, NICKNAMES.items())):
        said, meant = frame.format(nickname), frame.format(name)
        wrong = frame.format(real[(real.index(name) + 1 + turn % 5) % len(real)])
        loose = FRAMES[(FRAMES.index(frame) + 5) % len(FRAMES)].format(name)
        rows: dict[str, list[tuple[tuple[str, ...], float | None]]] = {
            "positive": [((said, meant), None)],
            "triplet": [((said, meant, wrong), None)],
            "similar": [((said, meant), 1.0), ((said, wrong), 0.0)],
            "scored": [((said, meant), 1.0), ((said, loose), 0.6), ((said, wrong), 0.2)],
        }
        found += rows[kind]
    return [Lesson(f"example:{n}", kind, texts, value) for n, (texts, value) in enumerate(found)]


@pytest.fixture(scope="module")
def base() -> SentenceTransformer:
    """The real small model, untouched."""
    return load_base("all-MiniLM-L6-v2", threads=2)


def train(kind: str, *, seed: int = 0) -> tuple[SentenceTransformer, Watch]:
    """A short training on labels and one other kind, and how it did on that kind's held rows."""
    learnt, held = share_out({kind: lessons(kind)})
    model = load_base("all-MiniLM-L6-v2", threads=2)
    objectives = Objectives(
        model,
        learnt,
        planned=schedule({kind: len(learnt[kind])}, steps=STEPS, visits=100),
        same=meaning_groups(learnt[kind], {}) if kind == "positive" else {},
        max_tokens=MAX_TOKENS,
        seed=seed,
    )
    watch = Watch(Held(held), steps=STEPS, trained=10_000)
    fine_tune(
        model,
        [text for text, _ in LABELLED],
        intents=[intent for _, intent in LABELLED],
        plan=TrainingPlan(steps=STEPS, intents=6),
        seed=seed,
        progress=lambda *_: None,
        objectives=objectives,
        watch=watch,
    )
    return model, watch


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_moves_its_own_metric_above_the_base_models(kind: str) -> None:
    """Retrieval, Spearman, pair accuracy and triplet accuracy, each on rows that were never trained on."""
    _, watch = train(kind)
    figures = [found[kind] for found in watch.metrics]

    assert watch.steps[0] == 0
    assert figures[watch.steps.index(watch.kept)] > figures[0] + 0.05
