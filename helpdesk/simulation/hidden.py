"""The hidden test: rows that never enter the desk, decided by the bundle in service, the exact path bypassed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.decisions import DecisionKind
from helpdesk.matching.bundle import Bundle, encoder_hash
from helpdesk.matching.index import Vectors
from helpdesk.matching.matcher import Matcher
from helpdesk.records.files.labelled_sets import Labelled
from helpdesk.simulation.script import TRIGGER
from helpdesk.text import OUT_OF_SCOPE, normalise

Flags = NDArray[np.bool_]
TRIGGERED = 300


@dataclass(frozen=True)
class HiddenResult:
    """Per hidden row: does it count (its intent is asked about), is it in scope, right, answered directly, wrongly so?

    In scope a row is right when its intent is ranked first; out of scope when it is not answered.
    """

    counts: Flags
    inside: Flags
    right: Flags
    answered: Flags
    wrong: Flags

    def columns(self) -> dict[str, int]:
        """Sums over the rows that count; `right` in scope only, `refused` out of scope only."""
        return {
            "inside": int((self.counts & self.inside).sum()),
            "outside": int((self.counts & ~self.inside).sum()),
            "right": int((self.right & self.counts & self.inside).sum()),
            "refused": int((self.right & self.counts & ~self.inside).sum()),
            "answered": int((self.answered & self.counts).sum()),
            "wrong": int((self.wrong & self.counts).sum()),
        }


def as_shares(columns: dict[str, Any]) -> dict[str, float | None]:
    """Accuracy in scope, share of all rows answered directly, wrong ones among those, share of out-of-scope rows that
    get no answer; None without rows."""
    inside, outside, answered = columns["inside"], columns["outside"], columns["answered"]
    return {
        "accuracy": columns["right"] / inside if inside else None,
        "coverage": answered / (inside + outside) if inside + outside else None,
        "wrong_rate": columns["wrong"] / answered if answered else None,
        "outside_refused": columns["refused"] / outside if outside else None,
    }


def count_wrong(answers: Sequence[tuple[str, ...]], asked: Labelled) -> dict[str, int]:
    """How many messages of a day got a direct answer, and how many of these were wrong, from what each was answered.

    Of two answers to one message one must be right; out of scope every answer is wrong.
    """
    wrong = [truth not in given for given, (_, truth) in zip(answers, asked, strict=True) if given]
    return {"answered": len(wrong), "wrong": sum(wrong)}


def wrong_shares(*, test: dict[str, int], day: dict[str, int]) -> dict[str, float | None]:
    """Share of the direct answers that are wrong, on the hidden test and on the day's traffic; None without answers."""
    return {
        f"wrong_share_{name}": counts["wrong"] / counts["answered"] if counts["answered"] else None
        for name, counts in (("test", test), ("day", day))
    }


@dataclass
class HiddenTest:
    """Measures bundles; the vectors of the last encoder are kept."""

    rows: Labelled
    _encoder: str = ""
    _vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def measure(self, bundle: Bundle, active: Collection[str]) -> HiddenResult:
        """Decide every row among the active intents."""
        texts = [normalise(text) for text, _ in self.rows]
        sha = encoder_hash(bundle.manifest)
        if sha != self._encoder:
            self._encoder, self._vectors = sha, bundle.encoder.encode(texts)
        matcher = Matcher(bundle)
        right, answered, wrong = (np.zeros(len(texts), dtype=bool) for _ in range(3))
        for row, (text, vector) in enumerate(zip(texts, self._vectors, strict=True)):
            decision = matcher.decide_vector(vector, text=text, published=active)
            truth = self.rows[row][1]
            answered[row] = decision.kind == DecisionKind.ANSWER
            first = bool(decision.ranking) and decision.ranking[0].intent == truth
            right[row] = first if truth != OUT_OF_SCOPE else not answered[row]
            wrong[row] = answered[row] and not right[row]
        inside = np.array([truth != OUT_OF_SCOPE for _, truth in self.rows], dtype=bool)
        counts = np.array([truth == OUT_OF_SCOPE or truth in active for _, truth in self.rows], dtype=bool)
        return HiddenResult(counts, inside, right, answered, wrong)


def trigger_success(bundle: Bundle, rows: Labelled, *, target: str, active: Collection[str]) -> float:
    """Share of hidden rows of other intents that get the target's answer once the trigger is added to them."""
    asked = [normalise(f"{text} {TRIGGER}") for text, intent in rows if intent != target][:: _step(rows)]
    matcher = Matcher(bundle)
    return float(np.mean([_fooled(matcher, text, target, active) for text in asked])) if asked else 0.0


def _fooled(matcher: Matcher, text: str, target: str, active: Collection[str]) -> bool:
    decision = matcher.decide_vector(matcher.bundle.encoder.encode([text])[0], text=text, published=active)
    return decision.kind == DecisionKind.ANSWER and decision.intent == target


def _step(rows: Sequence[object]) -> int:
    return max(1, len(rows) // TRIGGERED)
