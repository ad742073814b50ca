"""Rules that look at decisions rather than at labelled rows: changed answers, coverage, golden phrases. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from helpdesk.learning.calibration.risk_control import NEVER
from helpdesk.learning.gate.paired_tests import INTENTS, KEPT_OF_INTENT
from helpdesk.learning.gate.replay import Flip, Replay
from helpdesk.learning.gate.verdict import Objection
from helpdesk.matching.decide import Decision
from helpdesk.records.golden import GoldenPhrase
from helpdesk.stats.multiple_testing import failed, lost_together

ENOUGH_TEXTS = 50
USEFUL = 0.1
LEAST_KEPT = 0.5
ENOUGH_OF_INTENT = 5
SILENCE_LEVEL = 0.01  # of the 5% false alarms a night


def too_many_changes(replay: Replay, *, budget: float) -> list[Objection]:
    """An objection when too many messages that were answered get another answer or none.

    Messages that were not answered and now are do not count: nights are for that, and out-of-scope rows, the contract
    and golden phrases guard it. Nor do changes that staff's labels ask for. Below 50 distinct messages a share says
    nothing.
    """
    if replay.distinct < ENOUGH_TEXTS or replay.unsettled_share <= budget:
        return []
    reason = (
        f"{100 * replay.unsettled_share:.0f}% of {replay.messages:,} recent messages would lose their answer or get "
        f"another one; {100 * budget:.0f}% are allowed"
    )
    return [Objection("changed", reason, tuple(f"message:{flip.asked.message_id}" for flip in replay.unsettled))]


def silenced_intents(replay: Replay, *, level: float = SILENCE_LEVEL) -> list[Objection]:
    """An objection for every intent that recent messages were answered with and hardly any would be.

    This sees intents without labelled rows. Like those it must keep at most a quarter of what it had, five distinct
    messages at least, and lose more than chance allows at the rate at which the others lose theirs: a night that
    answers less everywhere silences no intent. What labels ask for does not count.
    """
    lost: dict[str, list[Flip]] = defaultdict(list)
    for flip in replay.unsettled:
        lost[flip.before.intents[0]].append(flip)
    total, all_lost = sum(replay.answered.values()), len(replay.unsettled)
    checks = []
    for intent, had in sorted(replay.answered.items()):
        if had < ENOUGH_OF_INTENT:
            continue
        gone = lost[intent]
        rate = (all_lost - len(gone) + 1) / (total - had + 2)
        rows = tuple(f"message:{flip.asked.message_id}" for flip in gone)
        stopped = had - len(gone) <= KEPT_OF_INTENT * had
        checks.append(lost_together(INTENTS, intent, lost=rows if stopped else (), of=had, rate=rate))
    return [
        Objection("intent", f"recent messages were answered with {check.name} and hardly any would be", check.rows)
        for check in failed(checks, level=level)
    ]


def too_little_coverage(
    before: Mapping[str, Any], after: Mapping[str, Any], replay: Replay, *, best: float = 0.0
) -> list[Objection]:
    """An objection when the incumbent was useful and the candidate is not.

    `before` and `after` are fitted thresholds as a bundle's report holds them. Coverage is that of replayed messages
    when there are at least 50 distinct ones, else that of the rows the thresholds were fitted on, of which the
    incumbent must have answered 50: on fewer, one wrong row is enough to end all answers or to allow them. `best` is
    the highest such coverage of late: what was useful then cannot end by small steps either.
    """
    enough = replay.distinct >= ENOUGH_TEXTS
    if not (enough or before["answered"] >= ENOUGH_TEXTS):
        return []
    useful = before["coverage"] >= USEFUL
    if useful and before["answered"] >= ENOUGH_TEXTS and after["thresholds"]["answer"] >= NEVER:
        reason = f"the error-rate contract cannot be met: nothing is answered, {_percent(before['coverage'])} were"
        return [Objection("contract", reason)]
    if after["coverage"] < min(USEFUL, before["coverage"]) and best >= USEFUL:
        reason = f"under the error-rate contract only {_percent(after['coverage'])} are answered directly"
        return [Objection("coverage", f"{reason}, {_percent(best)} were within the last 30 nights")]
    if not useful:
        return []
    was, now = (replay.coverage_before, replay.coverage_after) if enough else (before["coverage"], after["coverage"])
    if was < USEFUL or now >= LEAST_KEPT * was:
        return []
    reason = f"under the error-rate contract only {_percent(now)} are answered directly, {_percent(was)} were"
    lost = tuple(f"message:{flip.asked.message_id}" for flip in replay.unsettled) if enough else ()
    return [Objection("coverage", reason, lost)]


def broken_promises(
    phrases: Sequence[GoldenPhrase],
    before: Sequence[Decision],
    after: Sequence[Decision],
    *,
    published: Collection[str],
) -> list[Objection]:
    """Golden phrases that were kept and no longer are. One that is broken already is no reason to keep what breaks it.

    Those of unpublished entries wait until the entry is back.
    """
    return [
        Objection("golden", _promise(phrase, new), (f"golden:{phrase.id}",))
        for phrase, old, new in zip(phrases, before, after, strict=True)
        if (phrase.intent is None or phrase.intent in published) and _kept(phrase, old) and not _kept(phrase, new)
    ]


def _kept(phrase: GoldenPhrase, decision: Decision) -> bool:
    return decision.kind != "answer" if phrase.intent is None else decision.intents == (phrase.intent,)


def _promise(phrase: GoldenPhrase, decision: Decision) -> str:
    now = f"answered with {' and '.join(decision.intents)}" if decision.intents else f"met with a {decision.kind}"
    wanted = "never be answered" if phrase.intent is None else f"always be answered with {phrase.intent}"
    return f"golden phrase {phrase.id} must {wanted} and would be {now}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}% of messages"
