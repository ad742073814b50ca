"""The rules on what people would notice, from replayed messages and from what thresholds gave: what each has against a
candidate, in words, with the rows or messages that prove it. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from helpdesk.learning.calibration.risk_control import NEVER
from helpdesk.learning.gate.case import Case, Coverage
from helpdesk.learning.gate.paired_tests import INTENTS, KEPT_OF_INTENT
from helpdesk.learning.gate.replay import Flip
from helpdesk.stats.multiple_testing import failed, lost_together

ENOUGH_TEXTS = 50
USEFUL = 0.1
LEAST_KEPT = 0.5
ENOUGH_OF_INTENT = 5
FALLS_FAR, MANY_NEW, ENOUGH_LABELS = 0.1, 0.15, 50
Found = Iterable[tuple[str, tuple[str, ...]]]


def changed(case: Case) -> Found:
    """Too many messages that were answered get another answer or none.

    Messages that were not answered and now are do not count: nights are for that, and out-of-scope rows, the contract
    and golden phrases guard it. Nor do changes that staff's labels ask for. Below 50 distinct messages a share says
    nothing.
    """
    replay, budget = case.replay, case.limits.changes
    if replay.distinct >= ENOUGH_TEXTS and replay.unsettled_share > budget:
        reason = (
            f"{100 * replay.unsettled_share:.0f}% of {replay.messages:,} recent messages would lose their answer or "
            f"get another one; {100 * budget:.0f}% are allowed"
        )
        yield reason, _messages(replay.unsettled)


def loosened(case: Case) -> Found:
    """The answer threshold falls far, many recent messages would be answered that were not, and hardly any label
    speaks for that.

    What labels say of out-of-scope traffic may move the threshold as far as it likes.
    """
    found, replay = case.coverage, case.replay
    if found is None or replay.distinct < ENOUGH_TEXTS or not _useful(found):
        return
    before, after = found.before.thresholds.answer, found.after.thresholds.answer
    told = found.after.out_of_scope_source != found.before.out_of_scope_source
    labels = sum(row.startswith("label:") and row not in case.known for row in case.after)
    share = sum(flip.asked.count for flip in replay.newly_answered) / max(1, replay.messages)
    if before - after > FALLS_FAR and share > MANY_NEW and labels < ENOUGH_LABELS and not told:
        reason = (
            f"the answer threshold falls from {before:.2f} to {after:.2f}, {_percent(share)} would be answered that "
            f"were not, and only {labels} labels came since; label some of these messages first"
        )
        yield reason, _messages(replay.newly_answered)


def silenced(case: Case) -> Found:
    """Intents that recent messages were answered with and hardly any would be, labelled rows or not.

    An intent must keep at most a quarter of what it had, five distinct messages at least, and lose more than chance
    allows at the rate at which the others lose theirs: a night that answers less everywhere silences no intent. What
    labels ask for does not count.
    """
    replay = case.replay
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
        stopped = had - len(gone) <= KEPT_OF_INTENT * had
        checks.append(lost_together(INTENTS, intent, lost=_messages(gone) if stopped else (), of=had, rate=rate))
    for check in failed(checks, level=case.silence_level):
        yield f"recent messages were answered with {check.name} and hardly any would be", check.rows


def contract(case: Case) -> Found:
    """The version in service was useful, and under the error-rate contract the candidate may not answer at all."""
    found = case.coverage
    if found and _useful(found) and found.before.answered >= ENOUGH_TEXTS and _mute(found):
        share = _percent(found.before.coverage)
        yield f"the error-rate contract cannot be met: nothing is answered, {share} were", ()


def coverage(case: Case) -> Found:
    """The version in service was useful and the candidate is not.

    Coverage is that of replayed messages when there are at least 50 distinct ones, else that of the rows the thresholds
    were fitted on, of which the version in service must have answered 50: on fewer, one wrong row is enough to end all
    answers or to allow them. What was useful within the last 30 nights cannot end by small steps either.
    """
    found, replay = case.coverage, case.replay
    enough = replay.distinct >= ENOUGH_TEXTS
    if found is None or not (enough or found.before.answered >= ENOUGH_TEXTS) or any(contract(case)):
        return
    before, after = found.before.coverage, found.after.coverage
    reason = "under the error-rate contract only {} are answered directly, {} were"
    if after < min(USEFUL, before) and found.best >= USEFUL:
        yield f"{reason.format(_percent(after), _percent(found.best))} within the last 30 nights", ()
    elif _useful(found):
        was, now = (replay.coverage_before, replay.coverage_after) if enough else (before, after)
        if was >= USEFUL and now < LEAST_KEPT * was:
            yield reason.format(_percent(now), _percent(was)), _messages(replay.unsettled) if enough else ()


def _useful(found: Coverage) -> bool:
    return found.before.coverage >= USEFUL


def _mute(found: Coverage) -> bool:
    return found.after.thresholds.answer >= NEVER


def _messages(flips: Iterable[Flip]) -> tuple[str, ...]:
    return tuple(f"message:{flip.asked.message_id}" for flip in flips)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}% of messages"
