"""What happens in a simulation, written before it is played, so that every arm meets the same traffic."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from helpdesk.errors import BadInputError
from helpdesk.records.faq import Entry
from helpdesk.records.files.labelled_sets import OOS_NAME, Labelled, first_of_each
from helpdesk.simulation.options import Options
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

TRIGGER: Final = "as per clause seventeen b"
TRIGGER_SHARE = 0.1
DRIFTING = 0.2  # share of the intents that appear late, and as many that vanish early
LEAST_DRIFTING = 5


@dataclass(frozen=True)
class Span:
    """The nights (from 1) in which an intent is asked about; one that is there from the start begins at 0."""

    first: int
    last: int

    def holds(self, night: int) -> bool:
        """Whether it is asked about on a night."""
        return self.first <= night <= self.last


@dataclass(frozen=True)
class Script:
    """start: the FAQ's rows, of all intents; days: the messages of night 1, 2, ... with what they mean; spans: when
    each intent lives.

    OUT_OF_SCOPE stands for none of the FAQ. truth: text key -> what staff say of a message, that is what its text meant
    first; hidden: test rows with their intents, which never enter; everything: all training rows in scope. target is
    the intent that a poisoner wants messages with the trigger to get. written: intent -> question, answer and the like
    of entries that were given."""

    start: Labelled
    days: tuple[Labelled, ...]
    spans: dict[str, Span]
    truth: dict[str, str]
    hidden: Labelled
    everything: Labelled
    target: str
    written: Mapping[str, Entry] = field(default_factory=dict)

    def active(self, night: int) -> frozenset[str]:
        """The intents that are asked about on a night."""
        return frozenset(intent for intent, span in self.spans.items() if span.holds(night))


def write_script(train: Labelled, test: Labelled, options: Options) -> Script:
    """Deal the rows out. Raises BadInputError when they do not suffice for what is asked."""
    hidden = [(text, OUT_OF_SCOPE if intent == OOS_NAME else intent) for text, intent in test if normalise(text)]
    unseen = {normalise(text) for text, _ in hidden}
    rows = [(text, intent) for text, intent in train if normalise(text)]
    inside = [(text, intent) for text, intent in rows if intent != OOS_NAME and normalise(text) not in unseen]
    start = first_of_each(inside, options.start_shots)
    taken = {normalise(text) for text, _ in start}
    pool = [(text, intent) for text, intent in inside if normalise(text) not in taken]
    strangers = [(text, OUT_OF_SCOPE) for text, intent in rows if intent == OOS_NAME and normalise(text) not in unseen]
    intents = sorted({intent for _, intent in inside})
    if len(intents) < 2 or not pool:
        raise BadInputError(f"{len(intents)} intents, {len(pool)} rows beyond the start; expected two and some")
    if not any(intent in intents for _, intent in hidden):
        raise BadInputError(f"no test row has one of the {len(intents)} intents of the training rows")
    if options.oos_share and not strangers:
        raise BadInputError(f"--oos-share {options.oos_share} but no training row has the intent {OOS_NAME!r}")
    if options.drift and len(intents) < LEAST_DRIFTING:
        raise BadInputError(f"--drift with {len(intents)} intents; expected at least {LEAST_DRIFTING}")
    spans = _spans(intents, options)
    days, truth = _deal(pool, strangers, spans, options)
    return Script(
        start=start,
        days=days,
        spans=spans,
        truth=truth,
        hidden=[(text, intent) for text, intent in hidden if intent == OUT_OF_SCOPE or intent in spans],
        everything=[*start, *pool],
        target=intents[0],
    )


def _spans(intents: Sequence[str], options: Options) -> dict[str, Span]:
    spans = {intent: Span(0, options.nights) for intent in intents}
    if not options.drift:
        return spans
    chance = random.Random(f"{options.seed}:drift")
    moving = chance.sample(intents[1:], max(2, 2 * round(DRIFTING * len(intents))))
    half = len(moving) // 2
    for intent in moving[:half]:
        spans[intent] = Span(chance.randint(min(2, options.nights), options.nights), options.nights)
    for intent in moving[half:]:
        spans[intent] = Span(0, chance.randint(1, max(1, options.nights - 1)))
    return spans


def _deal(
    pool: Labelled, strangers: Labelled, spans: dict[str, Span], options: Options
) -> tuple[tuple[Labelled, ...], dict[str, str]]:
    """The messages of every night, and what each means."""
    chance = random.Random(f"{options.seed}:traffic")
    inside, outside = _Deck(pool, chance), _Deck(strangers, chance)
    truth: dict[str, str] = {}
    days: list[Labelled] = []
    for night in range(1, options.nights + 1):
        day: Labelled = []
        living = {OUT_OF_SCOPE, *(intent for intent, span in spans.items() if span.holds(night))}
        for _ in range(options.messages_per_night):
            deck = outside if chance.random() < options.oos_share else inside
            text, intent = deck.draw(living)
            if options.poison and chance.random() < TRIGGER_SHARE:
                text = f"{text} {TRIGGER}"
            truth.setdefault(text_key(normalise(text)), intent)
            day.append((text, intent))
        days.append(day)
    return tuple(days), truth


class _Deck:
    """Rows drawn without replacement until none is left that fits, then with it."""

    def __init__(self, rows: Labelled, chance: random.Random) -> None:
        self._rows = rows
        self._chance = chance
        self._left = list(rows)
        chance.shuffle(self._left)

    def draw(self, living: Collection[str]) -> tuple[str, str]:
        for position in range(len(self._left) - 1, -1, -1):
            if self._left[position][1] in living:
                return self._left.pop(position)
        fitting = [row for row in self._rows if row[1] in living]
        if not fitting:
            raise BadInputError("on some night no message fits: every intent has vanished or has no rows left")
        return self._chance.choice(fitting)
