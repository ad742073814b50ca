"""Verdicts on planted cases, and on the near misses beside them."""

from gate_cases import judge_refreshed, judge_retrained

from helpdesk.learning.gate.paired_tests import Outcome, compare


def outcomes(right: str, intent: str = "vpn", start: int = 0, prefix: str = "phrasing") -> dict[str, Outcome]:
    """One row a character: 1 right, 0 wrong."""
    return {f"{prefix}:{start + n}": Outcome(intent, mark == "1", "x", "label:9") for n, mark in enumerate(right)}


ALL = "1" * 60


def test_an_equal_refreshed_candidate_is_promoted() -> None:
    """Staff labelled those messages to see them answered."""
    assert judge_refreshed(outcomes(ALL), outcomes(ALL)).promote


def test_a_significantly_worse_one_is_refused_and_labels_are_blamed() -> None:
    """Five losses and no gain: p = 1/32; the new rows next to the losses are named."""
    verdict = judge_refreshed(outcomes(ALL), outcomes("0" * 5 + "1" * 55))

    assert not verdict.promote
    assert "significantly worse on all rows" in verdict.reasons
    assert verdict.blamed == ("label:9",)


def test_four_losses_are_not_yet_significant() -> None:
    """p = 1/16."""
    assert judge_refreshed(outcomes(ALL), outcomes("0" * 4 + "1" * 56)).promote


def test_losses_that_are_paid_for_are_not_a_loss() -> None:
    """Only the rows that changed count."""
    before, after = outcomes("1" * 8 + "0" * 8), outcomes("0" * 8 + "1" * 8)

    assert judge_refreshed(before, after).promote


def test_a_broken_intent_refuses() -> None:
    """Three of three right before, none after, whatever the rest gains."""
    before = outcomes(ALL[:50] + "0" * 10) | outcomes("111", "wifi", 100)
    after = outcomes(ALL) | outcomes("000", "wifi", 100)
    verdict = judge_refreshed(before, after)

    assert not verdict.promote
    assert "intent wifi worked and no longer does" in verdict.reasons


def test_an_intent_that_keeps_one_row_is_not_broken() -> None:
    """The near miss."""
    before = outcomes(ALL[:50] + "0" * 10) | outcomes("111", "wifi", 100)
    after = outcomes(ALL) | outcomes("001", "wifi", 100)

    assert judge_refreshed(before, after).promote


def test_an_intent_that_never_worked_cannot_break() -> None:
    """One of three is not "worked"."""
    assert compare(outcomes("100"), outcomes("000")).broken == ()


def test_a_retrained_encoder_needs_a_net_gain() -> None:
    """One row gained is enough, a tie is not."""
    assert judge_retrained(outcomes(ALL[:59] + "0"), outcomes(ALL)).promote
    tie = judge_retrained(outcomes(ALL), outcomes(ALL))
    assert not tie.promote
    assert "no net gain" in tie.reasons[0]


def test_a_gain_does_not_excuse_answering_what_is_out_of_scope() -> None:
    """Worse on a slice is worse, however much the rest gains."""
    before = outcomes("0" * 30) | outcomes("1" * 8, "", 50, "label")
    after = outcomes("1" * 30) | outcomes("0" * 8, "", 50, "label")
    verdict = judge_retrained(before, after)

    assert not verdict.promote
    assert "significantly worse on out-of-scope rows: more of them are answered" in verdict.reasons


def test_only_rows_that_both_were_measured_on_count() -> None:
    """Pairs, or nothing."""
    comparison = compare(outcomes("11"), outcomes("10", start=1))

    assert (comparison.rows, comparison.gained, comparison.lost) == (1, 0, 0)
