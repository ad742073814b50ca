"""Recent real messages, decided again: what people would notice if a candidate served.

Each distinct text counts as often as it was asked. Decisions are those that people would get, exact match included.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.gate.replay_cache import ReplayVectors
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.matcher import Matcher
from helpdesk.records.clock import now
from helpdesk.records.conversations import recent_texts
from helpdesk.records.erasure import REPLAY_FOLDER
from helpdesk.records.labels import texts_of
from helpdesk.records.night_report import DecisionSummary, FlipReport, ReplayReport
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

MOST_REPLAYED = 5000
FLIPS_SHOWN = 50


@dataclass(frozen=True)
class ReplayedText:
    """One distinct normalised text, how often it was asked, the id of its newest message; truth: what staff say it
    means.

    truth: an intent, OUT_OF_SCOPE for none of the FAQs, None when nobody has said. typed: the newest message as it was
    typed, whose lines matter for quoted mail and lists; the text itself where that is not known.
    """

    message_id: int
    text: str
    count: int
    truth: str | None
    typed: str | None = None


@dataclass(frozen=True)
class ReplayTraffic:
    """The messages to replay, the intents that may be answered, and the vectors known of them.

    left_out: ids and text keys of rows that tonight leaves out on purpose.
    """

    asked: tuple[ReplayedText, ...]
    published: Collection[str]
    vectors: ReplayVectors
    left_out: Collection[str] = ()

    def decide(self, bundle: Bundle) -> list[Decision]:
        """What a bundle would say to each, in order."""
        matcher = Matcher(bundle, cache=self.vectors.of(bundle))
        return matcher.match_all([asked.typed or asked.text for asked in self.asked], published=self.published)


@dataclass(frozen=True)
class Flip:
    """One text whose decision changes. rested_on_left_out: its answer came from a row that is left out on purpose."""

    asked: ReplayedText
    before: Decision
    after: Decision
    rested_on_left_out: bool = False

    @property
    def unsettled(self) -> bool:
        """Answered before, by what labels say not wrongly, and now with something else or not at all; nobody asked for
        that."""
        if self.before.kind != DecisionKind.ANSWER or self.rested_on_left_out:
            return False
        return _right(self.before, self.asked) is not False and not _right(self.after, self.asked)

    def report(self) -> FlipReport:
        """For a report."""
        return FlipReport(
            text=self.asked.text,
            text_key=text_key(self.asked.text),
            count=self.asked.count,
            message_id=self.asked.message_id,
            before=_summary(self.before),
            after=_summary(self.after),
            truth=self.asked.truth,
        )


@dataclass(frozen=True)
class Replay:
    """What would change. Shares are of messages; changed are those with another kind of decision or another answer.

    right_to_wrong and gained: messages whose meaning staff know and that are served right before or after only;
    accepted_more: share handed over before and answered now, accepted_less the other way round; unsettled_share: share
    answered before that now gets another answer or none, unless staff's labels ask for that. flips: all that changed,
    asked most first; answered: distinct texts by the intent they were answered with before. Answers that came from
    rows left out on purpose do not count as answered before.
    """

    messages: int
    distinct: int
    changed_share: float
    right_to_wrong: int
    gained: int
    accepted_more: float
    accepted_less: float
    unsettled_share: float
    coverage_before: float
    coverage_after: float
    flips: tuple[Flip, ...] = field(default=(), repr=False)
    answered: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def newly_answered(self) -> tuple[Flip, ...]:
        """What is answered now and was not, and nobody has said what it means."""
        answer = DecisionKind.ANSWER
        return tuple(f for f in self.flips if f.before.kind != answer == f.after.kind and f.asked.truth is None)

    @property
    def unsettled(self) -> tuple[Flip, ...]:
        """The changes that people would notice and nobody asked for: another answer, or none any more."""
        return tuple(flip for flip in self.flips if flip.unsettled)

    def report(self) -> ReplayReport:
        """For a report: of the changes the 50 asked most that nobody has labelled, and of the labelled ones that go
        from right to wrong."""
        shares = {name: round(value, 5) for name, value in vars(self).items() if isinstance(value, float)}
        wrong = [flip for flip in self.flips if _right(flip.before, flip.asked) and not _right(flip.after, flip.asked)]
        return ReplayReport(
            messages=self.messages,
            distinct=self.distinct,
            cap=MOST_REPLAYED,
            right_to_wrong=self.right_to_wrong,
            gained=self.gained,
            flips=tuple(flip.report() for flip in self.flips if flip.asked.truth is None)[:FLIPS_SHOWN],
            right_to_wrong_flips=tuple(flip.report() for flip in wrong[:FLIPS_SHOWN]),
            **shares,
        )


NO_REPLAY = Replay(0, 0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def read_traffic(
    session: Session,
    *,
    home: Path,
    days: int,
    meanings: Mapping[str, str],
    published: Collection[str],
    without: Collection[str] = (),
) -> ReplayTraffic:
    """The texts of the last days, the 5,000 asked most; `meanings` maps the keys of known texts to intents.

    `without` are ids of rows that tonight leaves out on purpose. Texts without letters or digits, and numbers (choices
    from a menu), are not replayed: no encoder is asked about those.
    """
    found = recent_texts(session, since=now() - timedelta(days=days), limit=MOST_REPLAYED)
    asked = [
        ReplayedText(n, text := normalise(typed), count, meanings.get(text_key(text)), typed)
        for n, typed, count in found
        if _speaks(typed)
    ]
    keys = [text_key(normalise(text)) for text in texts_of(session, sorted(without)).values()]
    vectors = ReplayVectors(home / REPLAY_FOLDER, [item.typed or item.text for item in asked])
    return ReplayTraffic(tuple(asked), published, vectors, frozenset({*without, *keys}))


def _turned(flips: Sequence[Flip], before: DecisionKind, after: DecisionKind) -> list[Flip]:
    return [flip for flip in flips if flip.before.kind == before and flip.after.kind == after]


def compare_decisions(
    asked: Sequence[ReplayedText],
    before: Sequence[Decision],
    after: Sequence[Decision],
    *,
    left_out: Collection[str] = (),
) -> Replay:
    """Set two versions' decisions about the same texts side by side."""
    flips = [
        Flip(item, old, new, _rested_on(left_out, item, old))
        for item, old, new in zip(asked, before, after, strict=True)
    ]
    changed = [flip for flip in flips if _what(flip.before) != _what(flip.after)]
    total = sum(item.count for item in asked)

    def share(some: Sequence[Flip]) -> float:
        return sum(flip.asked.count for flip in some) / total if total else 0.0

    def count(old: bool) -> int:
        return sum(f.asked.count for f in changed if _right(f.before, f.asked) is old is not _right(f.after, f.asked))

    return Replay(
        messages=total,
        distinct=len(asked),
        changed_share=share(changed),
        right_to_wrong=count(True),
        gained=count(False),
        accepted_more=share(_turned(changed, DecisionKind.FALLBACK, DecisionKind.ANSWER)),
        accepted_less=share(_turned(changed, DecisionKind.ANSWER, DecisionKind.FALLBACK)),
        unsettled_share=share([f for f in changed if f.unsettled]),
        coverage_before=share([f for f in flips if f.before.kind == DecisionKind.ANSWER and not f.rested_on_left_out]),
        coverage_after=share([f for f in flips if f.after.kind == DecisionKind.ANSWER]),
        flips=tuple(sorted(changed, key=lambda flip: -flip.asked.count)),
        answered=Counter(
            flip.before.intents[0]
            for flip in flips
            if flip.before.kind == DecisionKind.ANSWER and not flip.rested_on_left_out
        ),
    )


def _rested_on(left_out: Collection[str], asked: ReplayedText, decision: Decision) -> bool:
    """Whether an answer was that of a row left out: its very text, or the phrasing that it was nearest to."""
    return bool(decision.intents) and (
        decision.ranking[0].nearest in left_out
        or (decision.reason == DecisionReason.EXACT and text_key(asked.text) in left_out)
    )


def _speaks(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _right(decision: Decision, asked: ReplayedText) -> bool | None:
    """Whether a text of known meaning is served right; None when nobody knows."""
    if asked.truth is None:
        return None
    return decision.kind != DecisionKind.ANSWER if asked.truth == OUT_OF_SCOPE else asked.truth in decision.intents


def _what(decision: Decision) -> tuple[str, tuple[str, ...]]:
    return decision.kind, decision.intents


def _summary(decision: Decision) -> DecisionSummary:
    return DecisionSummary(kind=decision.kind, intent=decision.intent, confidence=round(decision.confidence, 5))
