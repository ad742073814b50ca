"""The tabs of the desk: what waits under each, and how much."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.records import audit, labelled, now_answered, queue, queue_counts
from helpdesk.records.clock import now
from helpdesk.records.queue import QueueItem, Wanted

ALL, AUDIT = "", "audit"
TABS = {
    ALL: "All",
    DecisionKind.CLARIFY: "Unsure",
    DecisionKind.FALLBACK: "No answer",
    DecisionReason.LANGUAGE: "Other language",
    DecisionKind.ANSWER: "Low confidence",
    AUDIT: "Audit",
    now_answered.ANSWERED: "Now answered",
    labelled.LATER: "Later",
    labelled.RAISED: "Flagged",
    labelled.NOT_A_QUESTION: "Not a question",
    labelled.DONE: "Done",
}
COUNTED = 1_000  # of one kind; to know how many more there are is worth nobody's waiting
MIXED = 5  # one in so many cards of the first tab is of the audit sample


def waiting(
    session: Session, tab: str, wanted: Wanted, *, staff_id: int, review_below: float, limit: int, offset: int = 0
) -> list[QueueItem]:
    """The texts under a tab. The first tab, unfiltered, has texts of the audit sample among the others."""
    if tab in labelled.LABEL_STATES:
        return [row.item for row in labelled.list_labelled(session, tab, limit=limit, offset=offset)]
    if tab == now_answered.ANSWERED:
        return now_answered.list_answered(session, limit=limit, offset=offset)
    if tab == AUDIT:
        drawn = audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=limit, offset=offset)
        return [replace(item, audited=True) for item in drawn]
    found = queue.items(session, review_below=review_below, limit=limit, offset=offset, wanted=wanted)
    if offset or wanted != Wanted():
        return found
    return _mix(session, found, staff_id=staff_id, limit=limit)


def count_tabs(session: Session, *, review_below: float) -> dict[str, int]:
    """How many texts are under each tab; the audit sample overlaps the others, so it is not added to all of them.

    Kinds are counted up to COUNTED; `at_most` writes the numbers.
    """
    lengths = queue_counts.queue_lengths(session, review_below=review_below, most=COUNTED)
    audited = audit.audit_queue_length(session, since=now() - audit.AUDIT_WINDOW)
    apart = {AUDIT: audited, now_answered.ANSWERED: now_answered.count_answered(session)}
    return lengths | {ALL: sum(lengths.values())} | apart | labelled.count_labelled(session)


def at_most(count: int) -> str:
    """A number of texts as a tab shows it: `999`, and `1,000+` from where counting stops."""
    return f"{count:,}" if count < COUNTED else f"{COUNTED:,}+"


def _mix(session: Session, found: Sequence[QueueItem], *, staff_id: int, limit: int) -> list[QueueItem]:
    """Every fifth text that somebody labels is one of the audit sample, so that it gets done without being sought."""
    drawn = audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=limit // MIXED + 1)
    apart = labelled.waiting_apart(session, [item.text_key for item in drawn])
    sample = [replace(item, audited=True) for item in drawn if item.text_key not in apart]
    if not sample:
        return list(found)
    turn = labelled.given_by(session, staff_id)
    lines = {True: deque(sample), False: deque(found)}
    result: dict[str, QueueItem] = {}
    while any(lines.values()) and len(result) < limit:
        audited = (turn + len(result)) % MIXED == MIXED - 1
        line = lines[audited] or lines[not audited]
        item = line.popleft()
        result.setdefault(item.text_key, item)
    return list(result.values())
