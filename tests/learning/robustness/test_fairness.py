"""Messages that differ only in who seems to write them, on the real base model."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from faqs import Embedder, starter
from gate_cases import objections

from helpdesk.errors import BadInputError
from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.learning.gate.case import Case, Limits
from helpdesk.learning.gate.rules import Rule
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.robustness.exam import HELD_OUT, OUT_OF_FOLD, EvaluationSet, draw_evaluation_set
from helpdesk.learning.robustness.fairness import SliceResult, measure_fairness
from helpdesk.learning.robustness.measure import NegationResult, Robustness
from helpdesk.learning.robustness.slices import FAIRNESS_SLICES, Slice
from helpdesk.matching.decide import Thresholds
from helpdesk.progress import Quiet
from helpdesk.records.candidate_report import SliceReport
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry, store_entries
from helpdesk.settings import Settings, load_settings
from helpdesk.stats.intervals import difference

pytestmark = pytest.mark.slow

ROOMS = Slice(
    "room",
    "room",
    ("post room", "print room"),
    (lambda text, random: f"this is the post room, {text}", lambda text, random: f"this is the print room, {text}"),
)


@pytest.fixture(scope="module")
def faq() -> Dataset:
    """Every third entry of the starter FAQ, and the one about printers."""
    return starter({*starter().intents[::3], "printer_problem"})


def exam(faq: Dataset, embedder: Embedder, *, size: int = 1000) -> EvaluationSet:
    """All their phrasings, out of fold."""
    vectors, intents = embedder.encode(faq.texts), np.array(faq.intent_numbers, dtype=np.int32)
    nothing = embedder.encode([])
    folds = frozen_folds(vectors, intents, nothing, seed=0)
    fitted = fit_scorer(vectors, intents, nothing, folds, seed=0)
    encoders = [embedder.encode] * (1 + len(folds))
    return draw_evaluation_set(
        faq, fitted, folds, vectors=vectors, encoders=encoders, thresholds=Thresholds(0.5, 0.5), size=size, seed=0
    )


def measure(faq: Dataset, embedder: Embedder) -> SliceResult:
    """The planted slice."""
    return measure_fairness(exam(faq, embedder), faq, seed=0, slices=[ROOMS])[0]


def with_rows(faq: Dataset, rows: Sequence[tuple[str, str]]) -> Dataset:
    """The FAQ with phrasings added, as (intent, text)."""
    added = (Row(f"phrasing:{1000 + number}", text, intent) for number, (intent, text) in enumerate(rows))
    return replace(faq, train=(*faq.train, *added))


def test_a_weak_slice_is_found_and_the_phrasings_it_names_close_the_difference(
    faq: Dataset, embedder: Embedder
) -> None:
    """Whoever writes from the print room is sent to the printer entries, until other entries know of print rooms."""
    label = Row("label:1", "jane doe cannot print her payslip", "printer_problem")
    before = measure(replace(faq, train=(*faq.train, label)), embedder)
    after = measure(with_rows(faq, before.add), embedder)

    assert before.weak
    assert before.accuracy.high < 0
    assert {intent for intent, _ in before.add} == set(faq.intents)
    assert all("this is the print room, " in text and "jane doe" not in text for _, text in before.add)
    assert not after.weak
    assert abs(after.accuracy.change) < abs(before.accuracy.change) / 2


def test_what_was_taught_is_neither_asked_nor_suggested_again(faq: Dataset, embedder: Embedder) -> None:
    """A pair that was added as a phrasing would be graded on what it learnt."""
    before = measure(faq, embedder)
    taught = with_rows(faq, before.add)
    after = measure(taught, embedder)

    assert after.pairs == before.pairs - len(before.add)
    assert not {text for _, text in after.add} & set(taught.texts)


def test_equal_sides_are_ok(faq: Dataset, embedder: Embedder) -> None:
    """Two marks that say nothing different show no difference."""
    same = replace(ROOMS, marks=(ROOMS.marks[0], lambda text, random: f"{text}, this is the post room"))
    (found,) = measure_fairness(exam(faq, embedder), faq, seed=0, slices=[same])

    assert not found.weak
    assert found.add == ()


@pytest.mark.parametrize("part", FAIRNESS_SLICES, ids=lambda part: part.name)
def test_the_sides_of_a_pair_share_the_message_and_differ_in_the_mark(part: Slice) -> None:
    """And are drawn alike every time."""
    first, second = part.pair("my printer is jammed again", seed=0)

    assert first != second
    assert (first, second) == part.pair("my printer is jammed again", seed=0)
    assert part.family == "typing" or all("my printer is jammed again" in side for side in (first, second))
    assert part.family == "typing" or (part.carried_by(first) and part.carried_by(second))
    assert not part.carried_by("my printer is jammed again")


def test_a_message_is_judged_by_what_never_saw_it(faq: Dataset, embedder: Embedder) -> None:
    """Its own vector is not among the rows that its judge looks at."""
    found = exam(faq, embedder)

    assert found.source == OUT_OF_FOLD
    assert len(found.items) == len(faq.train)
    for question in found.items:
        own = embedder.encode([question.text])[0]
        assert (found.scorers[question.scorer_number].vectors @ own).max() < 0.9999


def test_the_sample_is_stable(faq: Dataset, embedder: Embedder) -> None:
    """A small sample is part of a larger one, and a new phrasing moves at most one message out."""
    small, large = exam(faq, embedder, size=20), exam(faq, embedder, size=40)
    grown = exam(with_rows(faq, [("roaming", "data abroad")]), embedder, size=20)
    texts = [question.text for question in small.items]

    assert texts == [question.text for question in large.items[:20]]
    assert len(set(texts) & {question.text for question in grown.items}) >= 19


def test_enough_held_out_labels_are_asked_instead(faq: Dataset, embedder: Embedder) -> None:
    """They were never trained on by the candidate itself, which therefore may judge them."""
    labels = tuple(Row(f"label:{number}", f"vpn is slow {number}", "vpn_slow") for number in range(50))
    found = exam(replace(faq, holdout=labels), embedder)

    assert found.source == HELD_OUT
    assert len(found.scorers) == 1
    assert len(found.scorers[0].vectors) == len(faq.train)


GAP = SliceResult(
    "name: any",
    ("one", "two"),
    100,
    difference([True] * 100, [True] * 100),
    difference([True] * 100, [False] * 30 + [True] * 70),
)


@pytest.mark.parametrize(("allowed", "objects"), [(None, False), (0.1, True), (0.25, False), (0.4, False)])
def test_only_a_gap_that_surely_exceeds_the_limit_is_objected_to(allowed: float | None, objects: bool) -> None:
    """30 points were seen, at least 21 are sure: a limit of 10 is broken, one of 25 may be kept; none is none."""
    gap = SliceReport.model_validate(GAP.as_dict())
    found = objections(Case(slices=(gap,), limits=Limits(gap=allowed)), Rule.FAIRNESS)

    assert bool(found) == objects
    assert all("name: any: accuracy differs by 30 points between one and two" in one.reason for one in found)


def test_a_night_keeps_an_unequal_version_out_where_the_operator_says_so(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a limit; without one the difference is only reported."""
    no_change = NegationResult(0, 0, 0, 0)
    unequal = Robustness(OUT_OF_FOLD, 100, (), no_change, (GAP,))
    monkeypatch.setattr(candidates, "measure_robustness", lambda evaluation, dataset, *, seed: unequal)
    with records.write() as session:
        store_entries(session, [Entry("vpn", phrasings=("tunnel is down",))], author="test")
    plan = Plan(minutes=1, finetune=False, dry_run=True)
    strict = settings.model_copy(update={"fairness_max_gap": 0.1})
    free, refused = (
        run_night(chosen, records, plan=plan, progress=Quiet()).verdicts["refreshed"] for chosen in (settings, strict)
    )

    assert free.promote
    assert not refused.promote
    assert refused.reasons[0].startswith("name: any: accuracy differs by 30 points")
    assert [objection.rule for objection in refused.objections] == ["fairness"]


def test_the_limit_is_a_share_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty in the environment means no limit."""
    monkeypatch.setenv("HELPDESK_FAIRNESS_MAX_GAP", "")
    assert load_settings().fairness_max_gap is None
    monkeypatch.setenv("HELPDESK_FAIRNESS_MAX_GAP", "0.05")
    assert load_settings().fairness_max_gap == 0.05
    monkeypatch.setenv("HELPDESK_FAIRNESS_MAX_GAP", "5")
    with pytest.raises(BadInputError, match="FAIRNESS_MAX_GAP"):
        load_settings()
