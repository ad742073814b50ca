"""Does this month's traffic still look like what the version in service learnt from? Reports only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from helpdesk.decisions import SCORED
from helpdesk.learning.calibration.unfamiliar import TAIL
from helpdesk.learning.monitoring.new_topics import new_clusters
from helpdesk.matching.bundle import Bundle
from helpdesk.records import traffic, versions
from helpdesk.records.traffic import TopicCount
from helpdesk.stats.audit_estimates import Audited, interval, out_of_scope
from helpdesk.stats.multiple_testing import holm

MONTH = timedelta(days=30)
QUARTER = timedelta(days=90)
LEAST_CHANGE = 0.05  # a change of fewer points is not worth a warning, however significant
WARNING_LEVEL = 0.01
FEWEST_MESSAGES = 100
FEWEST_AUDITED = 30
MOST_CLUSTERED = 2000
MOST_LISTED = 10
GROWTH = 1.5


@dataclass(frozen=True)
class Month:
    """The facts about this month and the month before.

    now and before are (messages, unfamiliar messages), of those decided by versions that have such a level; intents
    count the messages for which an intent was ranked first; stale rows are (intent, phrasings, idle phrasings).
    """

    now: tuple[int, int]
    before: tuple[int, int]
    intents_now: Mapping[str, int]
    intents_before: Mapping[str, int]
    unanswered: Sequence[TopicCount]
    stale: Sequence[tuple[str, int, int]]


def read_month(session: Session, *, moment: datetime) -> Month:
    """The month before a moment. A message is unfamiliar by the level of the version that decided it."""
    since, before, quarter = moment - MONTH, moment - 2 * MONTH, moment - QUARTER
    reports = versions.reports_of_deciding(session, since=before)
    levels = {version: report.unfamiliar_below for version, report in reports.items()}
    below = {version: level for version, level in levels.items() if level is not None}
    busy = traffic.count_outcomes(session, since=quarter).messages >= FEWEST_MESSAGES
    return Month(
        now=traffic.count_unfamiliar(session, since=since, until=moment, below=below),
        before=traffic.count_unfamiliar(session, since=before, until=since, below=below),
        intents_now=traffic.count_by_best_intent(session, since=since, until=moment),
        intents_before=traffic.count_by_best_intent(session, since=before, until=since),
        unanswered=traffic.unanswered_texts(session, since=since, limit=MOST_CLUSTERED),
        stale=traffic.idle_phrasings(session, since=quarter)[:MOST_LISTED] if busy else (),
    )


def describe(month: Month, sample: Sequence[Audited], bundle: Bundle) -> dict[str, Any]:
    """Every measure of drift as JSON, with `warnings` in words; `sample` is the month's audit sample.

    Messages are named by their ids, so that erasing a message erases its text here too.
    """
    expected, calibration = expected_unfamiliar(sample), calibration_drift(sample)
    return {
        "unfamiliar": {"now": month.now, "before": month.before, "expected": expected},
        "calibration": calibration,
        "intents": changed_intents(month.intents_before, month.intents_now),
        "clusters": new_clusters(month.unanswered, bundle),
        "stale": [{"intent": intent, "phrasings": total, "idle": idle} for intent, total, idle in month.stale],
        "warnings": [*unfamiliar_warnings(month, expected), *calibration_warnings(calibration)],
    }


def expected_unfamiliar(sample: Sequence[Audited]) -> float | None:
    """The largest share of unfamiliar messages to expect when traffic is like the training data.

    5% of the in-scope messages and all out-of-scope ones, by the audit sample; None while too little of it is labelled.
    """
    outside = out_of_scope(sample)
    if outside.labelled < FEWEST_AUDITED or outside.share is None:
        return None
    return TAIL + (1 - TAIL) * outside.high


def unfamiliar_warnings(month: Month, expected: float | None) -> list[str]:
    """Warnings about the share of unfamiliar messages."""
    (messages, unfamiliar), (messages_before, unfamiliar_before) = month.now, month.before
    if messages < FEWEST_MESSAGES:
        return []
    share, warnings = unfamiliar / messages, []
    low = interval(unfamiliar, messages, level=1 - 2 * WARNING_LEVEL)[0]
    if expected is not None and low > expected + LEAST_CHANGE:
        warnings.append(
            f"this month's traffic no longer looks like the training data: {share:.0%} of it is unfamiliar, "
            f"at most {expected:.0%} was expected"
        )
    if messages_before >= FEWEST_MESSAGES:
        earlier = unfamiliar_before / messages_before
        p = _p_changed(unfamiliar_before, messages_before, unfamiliar, messages)
        if share > earlier + LEAST_CHANGE and p < WARNING_LEVEL:
            warnings.append(f"{share:.0%} of this month's messages are unfamiliar, {earlier:.0%} were the month before")
    return warnings


def calibration_drift(sample: Sequence[Audited]) -> dict[str, Any]:
    """Calibration on the audit sample: how many best intents should be right by their confidences, and how many are.

    p is one-sided, of calibration in the large (Cox 1958): the probability of so few right ones if confidences were
    true.
    """
    from scipy.stats import norm

    rows = [row for row in sample if row.meaning is not None and row.best and row.reason in SCORED]
    promised = sum(row.confidence for row in rows)
    right = sum(row.meaning == row.best for row in rows)
    spread = float(np.sqrt(sum(row.confidence * (1 - row.confidence) for row in rows)))
    p = float(norm.cdf((right - promised) / spread)) if spread else 1.0
    return {"rows": len(rows), "promised": promised, "right": right, "p": p}


def calibration_warnings(found: Mapping[str, Any]) -> list[str]:
    """A warning when confidences are too high."""
    if found["rows"] < FEWEST_AUDITED or found["p"] >= WARNING_LEVEL:
        return []
    promised, right = found["promised"] / found["rows"], found["right"] / found["rows"]
    if promised - right < LEAST_CHANGE:
        return []
    return [f"confidences are too high: {promised:.0%} of the audited messages should be right, {right:.0%} are"]


def changed_intents(before: Mapping[str, int], now: Mapping[str, int]) -> list[dict[str, Any]]:
    """Intents whose share of the messages changed by half at least, significantly (Fisher's exact test, Holm 1979)."""
    total_before, total_now = sum(before.values()), sum(now.values())
    if min(total_before, total_now) < FEWEST_MESSAGES:
        return []
    intents = sorted({*before, *now})
    p_values = [_p_changed(before.get(name, 0), total_before, now.get(name, 0), total_now) for name in intents]
    tested = zip(p_values, intents, holm(p_values, level=WARNING_LEVEL), strict=True)
    changed = []
    for _, intent in sorted((p, intent) for p, intent, significant in tested if significant):
        share_before, share_now = before.get(intent, 0) / total_before, now.get(intent, 0) / total_now
        if max(share_before, share_now) >= GROWTH * min(share_before, share_now):
            changed.append({"intent": intent, "before": share_before, "now": share_now})
    return changed[:MOST_LISTED]


def _p_changed(hits: int, total: int, other_hits: int, other_total: int) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact([[hits, total - hits], [other_hits, other_total - other_hits]]).pvalue)
