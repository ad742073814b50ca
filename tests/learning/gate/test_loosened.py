"""The rule for a threshold that falls far while nobody has labelled what would be answered then."""

from typing import Any

import pytest
from gate_cases import fitted, objections, replayed, rows, said

from helpdesk.learning.gate.case import Case, Coverage
from helpdesk.learning.gate.rules import Rule


def loosened(
    *, falls_to: float = 0.4, new: int = 30, labels: int = 0, source: str | None = None, truth: Any = None
) -> Any:
    """What the rule says of a hundred messages, of which forty were answered at a threshold of 0.7."""
    before = [said("answer")] * 40 + [said("fallback")] * 60
    after = [said("answer")] * (40 + new) + [said("fallback")] * (60 - new)
    old, now = fitted(0.4, 0.7), fitted(0.5, falls_to).model_copy(update={"out_of_scope_source": source})
    known = rows("1" * 80)
    case = Case(
        before=known,
        after=known | rows("1" * labels, prefix="label"),
        known=frozenset(known),
        replay=replayed(before, after, truth=truth),
        coverage=Coverage(old, now),
    )
    return objections(case, Rule.LOOSENED)


def test_many_new_answers_by_a_lower_threshold_are_refused() -> None:
    """The objection names the thresholds, the share, and the messages to label."""
    (objection,) = loosened()

    assert "from 0.70 to 0.40" in objection.reason
    assert "30% of messages" in objection.reason
    assert objection.rows[0] == "message:40"


@pytest.mark.parametrize(
    "allowed", [{"falls_to": 0.65}, {"new": 10}, {"labels": 50}, {"source": "the audit sample"}, {"truth": "vpn"}]
)
def test_what_labels_or_few_messages_speak_for_is_allowed(allowed: dict[str, Any]) -> None:
    """A small fall, few new answers, fifty new labels, out-of-scope traffic that was measured, texts with a label."""
    assert loosened(**allowed) == []
