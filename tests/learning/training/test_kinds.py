"""Every kind of training row does what rows of that kind ask for, on rows that were held aside."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from helpdesk.learning.data.dataset import Dataset, Row, TrainingExample
from helpdesk.learning.training.auxiliary_examples import AuxiliaryExamples, share_out
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune
from helpdesk.learning.training.losses import AUXILIARY_KINDS, AuxiliaryLosses, meaning_groups, schedule
from helpdesk.learning.training.validation import Validation, ValidationSet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.slow

STEPS = 10
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


def examples(kind: str) -> list[TrainingExample]:
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
    return [TrainingExample(f"example:{n}", kind, texts, value) for n, (texts, value) in enumerate(found)]


def train(kind: str, *, seed: int = 0) -> tuple["SentenceTransformer", Validation]:
    """A short training on labels and one other kind, and how it did on that kind's held rows."""
    learnt, held = share_out({kind: examples(kind)})
    model = load_base("all-MiniLM-L6-v2", threads=1)
    auxiliary_losses = AuxiliaryLosses(
        model,
        learnt,
        planned=schedule({kind: len(learnt[kind])}, steps=STEPS, visits=100),
        same=meaning_groups(learnt[kind], {}) if kind == "positive" else {},
        seed=seed,
    )
    validation = Validation(ValidationSet(held), steps=STEPS, trained=10_000)
    fine_tune(
        model,
        [text for text, _ in LABELLED],
        intents=[intent for _, intent in LABELLED],
        plan=TrainingPlan(steps=STEPS, intents=6),
        seed=seed,
        progress=lambda *_: None,
        auxiliary_losses=auxiliary_losses,
        validation=validation,
    )
    return model, validation


@pytest.mark.parametrize("kind", AUXILIARY_KINDS)
def test_a_kind_moves_its_own_metric_above_the_base_models(kind: str) -> None:
    """Retrieval, Spearman, pair accuracy and triplet accuracy, each on rows that were never trained on."""
    _, validation = train(kind)
    figures = [found[kind] for found in validation.metrics]

    assert validation.steps[0] == 0
    assert figures[-1] > figures[0] + 0.05


PROBLEMS = (
    ("{} is down", "nobody can reach {}", "{} does not answer", "is {} off"),
    ("{} is slow", "{} takes ages", "{} crawls", "why does {} lag"),
    ("who may use {}", "i need access to {}", "please let me into {}", "add me to {}"),
    ("how do i set up {}", "install {} for me", "{} for a new colleague", "first steps with {}"),
    ("{} asks for a password again", "{} rejects my password", "forgot my {} login", "locked out of {}"),
)


def asked(systems: Sequence[str]) -> list[tuple[str, int]]:
    """What is asked about these systems, with the number of the problem."""
    return [(frame.format(s), n) for n, frames in enumerate(PROBLEMS) for frame in frames for s in systems]


def test_unlabelled_messages_alone_move_the_accuracy_on_labels_above_the_base_models() -> None:
    """Trained on nothing but pseudo-labelled messages, held-out phrasings lie nearer to their own kind."""
    names = list(NICKNAMES.values())
    labelled, messages = asked(names[:2]), asked(names[2:4])
    # Each phrasing of the held ones with one of two systems: a system's name alone says nothing.
    held = [row for turn, row in enumerate(asked(names[4:])) if (turn + row[1]) % 4 in (0, 3)]
    dataset = Dataset(
        train=tuple(Row(f"phrasing:{n}", text, str(intent)) for n, (text, intent) in enumerate(labelled)),
        holdout=(),
        out_of_scope=("what is for lunch", "who won the game"),
        exact={},
        questions={},
        examples=tuple(TrainingExample(f"example:{n}", "unlabelled", (text,)) for n, (text, _) in enumerate(messages)),
    )
    model = load_base("all-MiniLM-L6-v2", threads=1)
    given = AuxiliaryExamples(dataset, model, seed=0).select(range(len(labelled)))
    validation = Validation(
        ValidationSet(texts=[t for t, _ in held], intents=[n for _, n in held]), steps=STEPS, trained=10_000
    )
    fine_tune(
        model,
        [text for text, _ in given.more],
        intents=[intent for _, intent in given.more],
        plan=TrainingPlan(steps=STEPS, intents=5),
        seed=0,
        progress=lambda *_: None,
        validation=validation,
    )
    right = [dict(messages)[text] == intent for text, intent in given.more]
    figures = [found["labels"] for found in validation.metrics]

    assert len(given.more) == given.facts["pseudo_labels"] >= 15
    assert sum(right) / len(right) >= 0.9
    assert figures[-1] > figures[0] + 0.05
