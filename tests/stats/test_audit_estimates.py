"""Shares of all traffic from a sample drawn with known probabilities: unbiased, with intervals that hold."""

import random
from dataclasses import replace

import pytest
from scipy.stats import binomtest

from helpdesk.records.audit import TrafficRate, inclusion_probability
from helpdesk.stats.audit_estimates import Audited, contract, interval, out_of_scope, wrong_answers
from helpdesk.text import OUT_OF_SCOPE

RIGHT = Audited(0.02, "answer", ("vpn",), 0.95, "confident", "vpn", queued=False, meaning="vpn")
WRONG = replace(RIGHT, meaning="wifi")
DOUBTED = replace(RIGHT, confidence=0.6, queued=True)
DOUBTED_WRONG = replace(DOUBTED, meaning="wifi")
FALLBACK = Audited(0.02, "fallback", (), 0.1, "unsure", "vpn", queued=True, meaning=OUT_OF_SCOPE)
MISSED = replace(FALLBACK, meaning="vpn")
MONTHS = 100


def month(chance: random.Random) -> tuple[list[Audited], list[Audited]]:
    """30 nights of traffic whose volume and error rate change, and the audit sample drawn from it as it came.

    Most wrong answers are sure of themselves, so no ordinary queue shows them.
    """
    everything: list[Audited] = []
    sample: list[Audited] = []
    past = TrafficRate(0, 1.0)
    for night in range(30):
        for _ in range(chance.choice([30, 90, 200])):
            probability = inclusion_probability(past, rate=0.02, per_night=5, most=50)
            past = TrafficRate(past.messages + 1, past.days)
            everything.append(_message(chance, 0.04 + 0.004 * night))
            if chance.random() < probability:
                sample.append(replace(everything[-1], inclusion_probability=probability))
        past = TrafficRate(past.messages if night < 7 else past.messages * 6 // 7, min(7.0, night + 1.0))
    return everything, sample


def _message(chance: random.Random, confident_errors: float) -> Audited:
    """55% sure answers, 10% doubtful ones of which 3 in 10 are wrong, 35% fallbacks of which half are in scope."""
    kind = chance.random()
    if kind < 0.35:
        return FALLBACK if chance.random() < 0.5 else MISSED
    if kind < 0.45:
        return DOUBTED_WRONG if chance.random() < 0.3 else DOUBTED
    return WRONG if chance.random() < confident_errors else RIGHT


def true_rate(rows: list[Audited]) -> float:
    """Share of direct answers that are wrong."""
    answers = [row for row in rows if row.kind == "answer"]
    return sum(row.meaning not in row.intents for row in answers) / len(answers)


@pytest.mark.slow
def test_the_interval_covers_the_truth_and_the_inbox_does_not() -> None:
    """In about 95 of 100 simulated months, probabilities unequal; the ordinary queue's answers never come near."""
    covered = naive = scope = 0
    for seed in range(MONTHS):
        everything, sample = month(random.Random(seed))
        found, truth = wrong_answers(sample), true_rate(everything)
        covered += found.low <= truth <= found.high
        inbox = [row for row in everything if row.queued and row.kind == "answer"]
        low, high = interval(sum(row.meaning not in row.intents for row in inbox), len(inbox))
        naive += low <= truth <= high
        outside = out_of_scope(sample)
        scope += outside.low <= sum(row.meaning == OUT_OF_SCOPE for row in everything) / len(everything) <= outside.high

    assert covered >= 0.92 * MONTHS
    assert scope >= 0.92 * MONTHS
    assert naive == 0


@pytest.mark.slow
def test_half_labelled_samples_are_covered_too_though_doubtful_ones_come_first() -> None:
    """The ordinary queue settles its texts early; what is left unlabelled is weighed in by what is like it."""
    covered = 0
    for seed in range(MONTHS):
        chance = random.Random(seed)
        everything, sample = month(chance)
        seen = [row for row in sample if chance.random() < (0.9 if row.queued else 0.4)]
        partly = [row if row in seen else replace(row, meaning=None) for row in sample]
        found = wrong_answers(partly)
        covered += found.low <= true_rate(everything) <= found.high

    assert covered >= 0.92 * MONTHS


@pytest.mark.slow
@pytest.mark.parametrize("often", [True, False])
def test_labels_of_half_the_texts_are_covered_too(often: bool) -> None:
    """One text that is asked often and that nobody has labelled moves the truth by itself."""
    covered = 0
    for seed in range(MONTHS):
        chance = random.Random(seed)
        wrong = [chance.random() < 0.06 for _ in range(400)]
        labelled = [chance.random() < 0.5 for _ in wrong]
        weights = [1 / (place + 1) if often else 1.0 for place in range(len(wrong))]
        asked = chance.choices(range(len(wrong)), weights, k=6000)
        rows = [replace(WRONG if wrong[text] else RIGHT, text=str(text)) for text in range(len(wrong))]
        known = [row if labelled[text] else replace(row, meaning=None) for text, row in enumerate(rows)]
        sample = [known[text] for text in asked if chance.random() < 0.05]
        found = wrong_answers(sample)
        covered += found.low <= sum(wrong[text] for text in asked) / len(asked) <= found.high

    assert covered >= 0.9 * MONTHS


def test_once_all_is_labelled_it_does_not_matter_which_texts_are_equal() -> None:
    """The messages were drawn one by one."""
    rows = [WRONG] * 3 + [RIGHT] * 57

    assert wrong_answers([replace(row, text="the same") for row in rows]) == wrong_answers(rows)


def test_what_an_unpublished_faq_would_answer_is_out_of_scope() -> None:
    """No published one does; that it was answered while it was published is no wrong answer."""
    withdrawn = replace(RIGHT, published=False)

    assert out_of_scope([withdrawn] * 20 + [RIGHT] * 40).share == pytest.approx(1 / 3)
    assert wrong_answers([withdrawn] * 20).share == 0


def test_either_of_two_answers_may_be_the_one_that_was_meant() -> None:
    """A message that asked two questions got both answers."""
    both = replace(RIGHT, intents=("vpn", "wifi"), reason="two_questions")

    assert wrong_answers([both, replace(both, meaning="wifi")]).share == 0
    assert wrong_answers([both, replace(both, meaning="printer")]).share == 0.5


def test_equal_odds_give_the_textbook_interval() -> None:
    """3 of 60, as Clopper and Pearson have it: 1.04% to 13.92%."""
    found = wrong_answers([WRONG] * 3 + [RIGHT] * 57)

    assert found.share == pytest.approx(0.05)
    textbook = binomtest(3, 60).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((textbook.low, textbook.high))


def test_a_row_stands_for_as_many_messages_as_its_odds_say() -> None:
    """One drawn at 10% weighs as much as ten that were all taken."""
    taken = replace(RIGHT, inclusion_probability=1.0)
    found = wrong_answers([replace(WRONG, inclusion_probability=0.1), *[taken] * 10])

    assert found.share == pytest.approx(0.5)
    assert found.high - found.low > 0.8, "one heavy row is little evidence"


def test_only_answers_can_be_wrong_and_an_answered_out_of_scope_message_is() -> None:
    """A fallback is no wrong answer, whatever the message meant."""
    found = wrong_answers([FALLBACK, MISSED, replace(RIGHT, meaning=OUT_OF_SCOPE), RIGHT])

    assert (found.rows, found.share) == (2, 0.5)


def test_unlabelled_rows_are_reported_with_bounds() -> None:
    """A share of 0 from half the sample is not passed off as certain: the rest could all be wrong, or right."""
    found = wrong_answers([RIGHT] * 50 + [replace(RIGHT, meaning=None)] * 50)

    assert found.unlabelled == 0.5
    assert found.best == 0.0
    assert found.worst > 0.5
    assert found.share == 0.0


def test_labels_of_the_ordinary_queue_alone_are_no_estimate() -> None:
    """When nobody labelled the sure answers, there is no figure, only how far it could be out."""
    found = wrong_answers([DOUBTED] * 20 + [replace(RIGHT, meaning=None)] * 80)

    assert found.share is None
    assert found.low < 0.01
    assert found.high > 0.8


def test_what_is_labelled_by_itself_does_not_stand_for_what_nobody_checked() -> None:
    """Exact matches of a label are right, empty texts are out of scope: neither says anything of the rest."""
    exact = replace(RIGHT, reason="exact", confidence=1.0)
    empty = replace(FALLBACK, reason="empty")

    assert wrong_answers([exact] * 50 + [replace(RIGHT, meaning=None)] * 50).share is None
    assert out_of_scope([empty] * 50 + [replace(FALLBACK, meaning=None)] * 50).share is None


def test_nothing_drawn_is_nothing_known() -> None:
    """No division by zero, and no invented number."""
    found = wrong_answers([])

    assert (found.share, found.low, found.high, found.unlabelled) == (None, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "right", "state"),
    [(0, 44, "open"), (0, 45, "kept"), (1, 75, "open"), (1, 77, "kept"), (9, 60, "broken"), (0, 0, "open")],
)
def test_the_live_check_of_the_contract(wrong: int, right: int, state: str) -> None:
    """45 without a mistake, or 77 with one, show at most 5% wrong with 90% assurance."""
    found = contract([WRONG] * wrong + [RIGHT] * right, max_wrong_rate=0.05, assurance=0.90)

    assert found.state == state


def test_an_open_check_says_how_much_is_missing() -> None:
    """30 right answers: 15 more would do."""
    assert contract([RIGHT] * 30, max_wrong_rate=0.05, assurance=0.90).needed == 15
    assert contract([RIGHT] * 90, max_wrong_rate=0.05, assurance=0.90).needed is None


@pytest.mark.parametrize(
    ("messages", "days", "probability"),
    [
        *[(0, 1, 1.0), (3, 1, 1.0), (10, 1, 0.5), (70, 7, 0.5), (1750, 7, 0.02)],
        *[(17_500, 7, 0.02), (35_000, 7, 0.01), (7_000_000, 7, 0.00005)],
    ],
)
def test_little_traffic_raises_the_odds_and_much_lowers_them(messages: int, days: float, probability: float) -> None:
    """At least five a day and at most fifty, known before the draw, from past traffic alone; in between the rate."""
    found = inclusion_probability(TrafficRate(messages, days), rate=0.02, per_night=5, most=50)

    assert found == pytest.approx(probability)


def test_the_audit_can_be_switched_off() -> None:
    """Both settings at 0 draw nothing."""
    assert inclusion_probability(TrafficRate(0, 1.0), rate=0.0, per_night=0, most=50) == 0.0
