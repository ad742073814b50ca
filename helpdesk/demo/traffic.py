"""Conversations of the demo: people greet, ask, choose, ask for a person, thank; more of them on working days."""

import heapq
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from helpdesk.decisions import DecisionKind
from helpdesk.demo.messages import Texts
from helpdesk.records.clock import Clock
from helpdesk.serving.chat_service import ChatService, Reply
from helpdesk.text import normalise

CONVERSATIONS = 24  # on a working day; at weekends there are a fifth of them
VISITORS = 260
_HOURS = (7, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 12, 13, 13, 14, 14, 14, 15, 15, 16, 17, 19, 21)
_CHANNELS = ("rest", "rest", "rest", "teams")
Turns = Generator[tuple[float, str], Reply, None]  # gives (seconds to wait, what is typed), takes the reply


@dataclass(order=True)
class _Turn:
    at: datetime
    number: int
    text: str = field(compare=False)
    sender: tuple[str, str] = field(compare=False)  # channel and name
    turns: Turns = field(compare=False)


class Traffic:
    """What comes in: several conversations at a time, each turn at its moment."""

    def __init__(
        self, service: ChatService, texts: Texts, clock: Clock, chance: random.Random, *, conversations: int
    ) -> None:
        self._service, self._texts, self._clock, self._chance = service, texts, clock, chance
        self._usual = conversations
        self._coming: list[_Turn] = []
        self._numbers = count()
        self.newest: dict[str, int] = {}  # normalised text -> its newest message

    def plan_day(self, midnight: datetime) -> None:
        """Let people come on this day, about as many as on any such day."""
        usual = self._usual if midnight.weekday() < 5 else self._usual // 5
        for _ in range(usual + self._chance.randint(-usual // 5, usual // 5)):
            minutes = 60 * self._chance.choice(_HOURS) + self._chance.random() * 60
            sender = self._chance.choice(_CHANNELS), f"visitor-{self._chance.randrange(VISITORS):03}"
            turns = self._conversation()
            _, text = next(turns)
            self._expect(midnight + timedelta(minutes=minutes), text, sender, turns)

    def play_until(self, moment: datetime) -> None:
        """Let come what comes before a moment."""
        while self._coming and self._coming[0].at < moment:
            turn = heapq.heappop(self._coming)
            self._clock.set(turn.at)
            channel, sender = turn.sender
            reply = self._service.reply(turn.text, channel=channel, sender=sender)
            self.newest[normalise(turn.text)] = reply.message_id
            try:
                seconds, text = turn.turns.send(reply)
            except StopIteration:
                continue
            self._expect(turn.at + timedelta(seconds=seconds), text, turn.sender, turn.turns)

    def _expect(self, at: datetime, text: str, sender: tuple[str, str], turns: Turns) -> None:
        heapq.heappush(self._coming, _Turn(at, next(self._numbers), text, sender, turns))

    def _conversation(self) -> Turns:
        if self._happens(0.2):
            yield self._thinks(), self._texts.greeting()
        yield from self._question()
        if self._happens(0.15):
            yield from self._question()

    def _question(self) -> Turns:
        text = self._texts.question()
        reply = yield self._thinks(), text
        if reply.kind == DecisionKind.CLARIFY:
            reply = yield from self._choose(reply, self._texts.meaning(text))
        if reply.kind == DecisionKind.FALLBACK and self._happens(0.35):
            yield self._thinks(), self._texts.wish_for_a_person()
        elif reply.kind == DecisionKind.ANSWER and self._happens(0.2):
            yield self._thinks(), self._texts.thanks()

    def _choose(self, reply: Reply, meaning: str | None) -> Generator[tuple[float, str], Reply, Reply]:
        """Most people choose what they meant, by number or button; some say that it is none of these, or go."""
        number = next((number for number, option in enumerate(reply.options, 1) if option.slug == meaning), None)
        if number is not None and self._happens(0.85):
            pressed = reply.options[number - 1].question
            return (yield self._thinks(), pressed if self._happens(0.6) else str(number))
        if reply.options and self._happens(0.6):
            return (yield self._thinks(), reply.options[-1].question)
        return reply

    def _thinks(self) -> float:
        return 8 + 40 * self._chance.random()

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share
