"""Signs that traffic no longer looks like the training data: told when it is so, and silent when it is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpdesk.learning.calibration.unfamiliar import unfamiliar_below
from helpdesk.learning.monitoring.drift import (
    Month,
    calibration_drift,
    calibration_warnings,
    changed_intents,
    expected_unfamiliar,
    unfamiliar_warnings,
)
from helpdesk.learning.monitoring.new_topics import new_clusters
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.records.traffic import TopicCount
from helpdesk.settings import Settings
from helpdesk.stats.audit_estimates import Audited
from helpdesk.text import OUT_OF_SCOPE

IN_SCOPE = Audited(1.0, "answer", ("vpn",), 0.9, "confident", "vpn", queued=False, meaning="vpn")
OUTSIDE = replace(IN_SCOPE, kind="fallback", intents=(), confidence=0.2, queued=True, meaning=OUT_OF_SCOPE)
QUIET = Month((1000, 50), (1000, 50), {}, {}, (), ())


@pytest.fixture
def bundle(settings: Settings) -> Bundle:
    """The version of the small home."""
    (path,) = (path for path in Path(settings.bundles).iterdir())
    return open_bundle(path)


@pytest.mark.parametrize(
    ("unfamiliar", "before", "expected", "words"),
    [
        (50, 50, 0.05, []),
        (90, 90, 0.05, []),
        (300, 300, 0.05, ["no longer looks like the training data"]),
        (300, 300, 0.40, []),
        (300, 300, None, []),
        (300, 100, None, ["30% of this month's messages are unfamiliar, 10% were the month before"]),
        (300, 100, 0.05, ["no longer looks like", "the month before"]),
        (140, 100, None, []),
    ],
)
def test_unfamiliar_messages_warn_when_out_of_scope_traffic_does_not_explain_them(
    unfamiliar: int, before: int, expected: float | None, words: list[str]
) -> None:
    """Against what the training data and the audit sample led one to expect, and against the month before."""
    month = replace(QUIET, now=(1000, unfamiliar), before=(1000, before))
    warnings = unfamiliar_warnings(month, expected)

    assert len(warnings) == len(words)
    for warning, word in zip(warnings, words, strict=True):
        assert word in warning


def test_a_handful_of_messages_is_no_drift() -> None:
    """Too few messages say nothing, in either month."""
    assert unfamiliar_warnings(replace(QUIET, now=(20, 20)), 0.05) == []
    assert unfamiliar_warnings(replace(QUIET, now=(1000, 300), before=(20, 0)), None) == []


def test_out_of_scope_traffic_is_expected_to_be_unfamiliar() -> None:
    """5% of what is in scope and all that is not, at the upper end of what the sample allows; None without labels."""
    half = expected_unfamiliar([IN_SCOPE] * 100 + [OUTSIDE] * 100)

    assert half is not None
    assert 0.55 < half < 0.65
    assert expected_unfamiliar([IN_SCOPE] * 10) is None
    assert expected_unfamiliar([replace(IN_SCOPE, meaning=None)] * 100) is None


def test_true_confidences_do_not_warn_and_inflated_ones_do() -> None:
    """Of 100 best guesses at 90%, 90 right are as promised, 70 are not; few labels prove nothing."""

    def audited(right: int, of: int) -> list[str]:
        wrong = [replace(IN_SCOPE, meaning="wifi")] * (of - right)
        return calibration_warnings(calibration_drift([IN_SCOPE] * right + wrong))

    assert audited(90, 100) == []
    assert audited(87, 100) == []
    assert audited(99, 100) == [], "modest confidences are no fault"
    (warning,) = audited(70, 100)
    assert "90% of the audited messages should be right, 70% are" in warning
    assert audited(10, 20) == []


def test_only_calibrated_confidences_are_checked() -> None:
    """Exact matches, choices and unlabelled messages promise nothing."""
    rows = [replace(IN_SCOPE, reason="exact"), replace(IN_SCOPE, meaning=None), replace(IN_SCOPE, best=None)]

    assert calibration_drift(rows) == {"rows": 0, "promised": 0, "right": 0, "p": 1.0}


def test_intents_that_grow_or_fade_are_named() -> None:
    """By half at least and beyond chance, however many intents are looked at."""
    before = {"vpn": 100, "wifi": 100, "printer": 300} | {f"rare{n}": 5 for n in range(40)}
    now = {"vpn": 200, "wifi": 30, "printer": 310} | {f"rare{n}": 3 + n % 5 for n in range(40)}
    found = {row["intent"]: row["now"] > row["before"] for row in changed_intents(before, now)}

    assert found == {"vpn": True, "wifi": False}
    assert changed_intents({"vpn": 10}, {"wifi": 10}) == []
    assert changed_intents(before, before) == []


def test_alike_unanswered_messages_are_found_together(bundle: Bundle) -> None:
    """A topic that the FAQ lacks is one group, named by its messages' ids; single texts are none."""
    topic = ["where can i park my car", "is there a car park", "parking space for my car", "where do i park the car"]
    others = ["what is the capital of peru", "sing me a song"]
    counts = [3, 1, 1, 1, 9, 9]
    texts = [TopicCount(text, counts[number], number) for number, text in enumerate(topic + others)]
    (group,) = new_clusters(texts, bundle)

    assert (group["texts"], group["messages"]) == (4, 6)
    assert set(group["message_ids"]) < {0, 1, 2, 3}
    assert group["nearest"] in bundle.intents
    assert new_clusters(texts[:2], bundle) == []


def test_a_small_faq_has_no_level_of_familiarity(bundle: Bundle) -> None:
    """25 calibration rows do not say what its lowest twentieth is; a hundred do, and it is kept with the version."""
    assert bundle.manifest["report"]["unfamiliar_below"] is None
    assert unfamiliar_below(np.linspace(0, 1, 99)) is None
    assert unfamiliar_below(np.linspace(0, 1, 101)) == pytest.approx(0.05)


def test_what_chance_explains_is_no_drift() -> None:
    """Differences beyond the margin, in few messages: none of the signs warns."""
    more = replace(QUIET, now=(120, 18), before=(120, 9))
    wrong = [replace(IN_SCOPE, meaning="wifi")] * 6
    fewer = calibration_drift([IN_SCOPE] * 26 + wrong)

    assert unfamiliar_warnings(more, None) == []
    assert fewer["promised"] / fewer["rows"] - fewer["right"] / fewer["rows"] > 0.05
    assert calibration_warnings(fewer) == []
    assert changed_intents({"vpn": 8, "wifi": 112}, {"vpn": 14, "wifi": 106}) == []
