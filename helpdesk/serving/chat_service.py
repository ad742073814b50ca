"""One message in, one reply out: decide, say, log, commit, then speak."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from helpdesk.decisions import ANSWERS, CHOSEN, NO_QUESTION, DecisionKind, DecisionReason, HandoverStage
from helpdesk.errors import BehindError, ConflictError, NotFoundError
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.records import conversations
from helpdesk.records.cases import read_talk
from helpdesk.records.clock import now
from helpdesk.records.conversations import LastTurn, Logged
from helpdesk.records.database import Database, session_over
from helpdesk.records.feedback import HELPFUL, NOT_HELPFUL, give_feedback, own_message
from helpdesk.records.tellings import stored_telling
from helpdesk.serving.dialogue import decide_choice, read_last_turn, waits_for_choice
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.given_texts import MAX_EXTERNAL_ID, MAX_SENDER, check_text
from helpdesk.serving.handoff import (
    MessageOutcome,
    hand_over,
    hand_over_unhelpful,
    settle_handover,
    take_back_unhelpful,
)
from helpdesk.serving.live import Live, LiveMatcher
from helpdesk.serving.markup import html, html_of_text, plain
from helpdesk.serving.match_service import NO_BUNDLE, MatchService
from helpdesk.serving.outside_view import OutsideView, outside_view
from helpdesk.serving.payloads import decide_payload
from helpdesk.serving.readiness import Readiness
from helpdesk.serving.replies import Replies, shipped_replies
from helpdesk.serving.tallies import Tallies
from helpdesk.serving.telling import People, Teller, is_foreign
from helpdesk.settings import Settings
from helpdesk.text import normalise

STORED_RANKS = 5  # as many as the desk shows; answers and choices are at most four
LEAST_STORED = 0.001  # of confidence; the desk finds others by itself


@dataclass(frozen=True)
class Option:
    """One choice of a clarifying question, or a follow-up. "None of these", the last choice, has no slug."""

    slug: str | None
    question: str


@dataclass(frozen=True)
class Reply:
    """What to tell the person. `ranking` rows hold intent, confidence, nearest, similarity, best first.

    intents: the slugs of what is answered, several when so many questions were asked in one message.
    """

    message_id: int
    kind: str
    text: str
    html: str
    options: tuple[Option, ...]
    follow_ups: tuple[Option, ...]
    intents: tuple[str, ...]
    confidence: float
    reason: str
    ranking: Sequence[Mapping[str, Any]]
    version_id: int | None


@dataclass(frozen=True)
class ChatService:
    """The serving side of one process: takes messages, gives replies."""

    database: Database
    live: LiveMatcher
    settings: Settings
    replies: Replies = field(default_factory=shipped_replies)

    @cached_property
    def tallies(self) -> Tallies:
        """What this process counts."""
        return Tallies(self.database)

    @cached_property
    def readiness(self) -> Readiness:
        """Whether messages can be stored."""
        return Readiness(self.settings)

    @cached_property
    def _matching(self) -> MatchService:
        return MatchService(self.live, self.settings)

    def reply(self, text: str, *, channel: str, sender: str, external_id: str | None = None) -> Reply:
        """Answer one message; it and its decision are committed when this returns. From here on it is redacted.

        The same (channel, external id) is told again what it was told first, whatever was edited or promoted meanwhile.
        Raises BadInputError for text, sender or id that cannot be stored, ConflictError when the id was used for
        another message, UnavailableError when the database does not answer, NoVersionError when no version that was
        built can be used.
        """
        check_text("message", text, limit=self.settings.max_message_chars)
        check_text("sender", sender, limit=MAX_SENDER)
        live = self.live.take_if_set_up()
        typed, text = text, self._matching.redacted(live, text)
        delivery: dict[str, Any] = {"channel": channel, "sender": sender, "external_id": external_id}
        if external_id is not None:
            check_text("message_id", external_id, limit=MAX_EXTERNAL_ID)
        stored = self._find({text, typed}, **delivery)
        if stored is None:
            try:
                stored = self._decide(live, text, **delivery)
            except ConflictError:  # stored meanwhile by another request, or retention deleted the empty conversation
                stored = self._find({text, typed}, **delivery) or self._decide(live, text, **delivery)
        return self._reply(live, text, stored)

    def feedback(
        self, message_id: int, *, sender: str, said: str, chosen: str | None = None, closed: Collection[str] = ()
    ) -> bool:
        """Record what the sender of a message says of the reply; committed when this returns. Whether people are told.

        chosen: the name of the entry that was meant. closed: channels whose messages are not this caller's. Raises
        ConflictError when no published entry has that name, NotFoundError when the message is not this sender's.
        """
        check_text("session_id", sender, limit=MAX_SENDER)
        live = self.live.take_if_set_up()
        if chosen is not None and live is not None:
            chosen = live.names.get(chosen, chosen)
        with self.database.write() as session:
            own_message(session, message_id, sender=sender, closed=closed)
            if chosen is not None and (live is None or chosen not in live.faq):
                raise ConflictError(f"chosen is {chosen!r:.80}; expected the name of a published entry")
            before = give_feedback(session, message_id, sender=sender, said=said, chosen=chosen)
            if said == HELPFUL and before == NOT_HELPFUL:
                take_back_unhelpful(session, message_id)
            repeated = said == before
            return said == NOT_HELPFUL and hand_over_unhelpful(session, message_id, self.settings, repeated=repeated)

    def match(self, text: str) -> tuple[Decision, int | None]:
        """The decision about a text and the version that made it; nothing is logged."""
        return self._matching.match(text)

    def match_all(self, texts: Sequence[str]) -> tuple[list[Decision], int | None]:
        """The decision about each text, as `match` gives it, and the version that made them; nothing is logged."""
        return self._matching.match_all(texts)

    def speaking(self, locale: str | None) -> "ChatService":
        """The same for a page in a language: short replies are in it where the message does not tell its own."""
        language = (locale or "").replace("_", "-").partition("-")[0].lower()
        if language not in self.settings.languages[1:]:
            return self
        languages = (language, *(known for known in self.settings.languages if known != language))
        speaking = replace(self, settings=self.settings.model_copy(update={"languages": languages}))
        shared = {"tallies": self.tallies, "readiness": self.readiness, "_matching": self._matching}
        vars(speaking).update(shared)  # one of each in a process
        return speaking

    def view(self, text: str, said: Decision | Reply) -> OutsideView:
        """What somebody who is not logged in may read of the decision about a text, or of the reply to it."""
        text = self._matching.redacted(self.live.take(), text)
        if isinstance(said, Reply):
            named = said.intents or [option.slug for option in said.options if option.slug]
            return outside_view(self.live.take(), text, columns=vars(said), named=named)
        return outside_view(self.live.take(), text, columns=said.columns(), named=said.intents or said.options)

    def search(self, text: str, *, limit: int) -> tuple[list[tuple[FaqEntry, Ranked]], int]:
        """Published FAQ entries by meaning, best first, and the version that ranked them."""
        check_text("q", text, limit=self.settings.max_message_chars)
        live = self.live.take_if_set_up()
        if live is None:
            raise NotFoundError("no version serves yet; nothing can be searched")
        text = self._matching.redacted(live, text)
        ranking = live.rank(text).ranking if normalise(text) else ()
        return [(live.faq[ranked.intent], ranked) for ranked in ranking[:limit]], live.version_id

    def _find(self, texts: Collection[str], *, channel: str, sender: str, external_id: str | None) -> Logged | None:
        """The stored delivery, None without an id; one of before redaction was on has the text as it was typed."""
        if external_id is None:
            return None
        with self.database.read() as session:
            return conversations.find_delivery(session, external_id, channel=channel, sender=sender, texts=texts)

    def _decide(self, live: Live | None, text: str, *, channel: str, sender: str, external_id: str | None) -> Logged:
        """Decide and store; a conversation never goes back to an earlier promotion, though processes follow one after
        the other."""
        delivery: dict[str, Any] = {"channel": channel, "sender": sender, "external_id": external_id}
        try:
            return self._decide_by(live, text, **delivery)
        except BehindError as behind:
            return self._decide_by(self.live.catch_up(behind.promotion_id), text, **delivery)

    def _decide_by(self, live: Live | None, text: str, *, channel: str, sender: str, external_id: str | None) -> Logged:
        none_text, whose = self.settings.none_text, {"channel": channel, "sender": sender}
        with self.tallies.stage("match"):
            last = read_last_turn(self.database, live, text, none_text=none_text, **whose)
            decision = self._decision(live, text, last)
            outcome = _outcome(live, text, decision)
        drawn = decision.reason not in CHOSEN and decision.kind not in NO_QUESTION
        columns: dict[str, Any] = {"version_id": live.version_id if live else None, "created_at": now()}
        with self.tallies.stage("store"), self.database.transaction() as connection:
            talk = read_talk(connection, channel=channel, sender=sender)
            handover = settle_handover(connection, talk, outcome, self.settings, channel=channel)
            taken = handover.stage == HandoverStage.TAKEN
            if taken:
                decision, drawn = _silent(decision), False
            people = People(handover.stage, columns["created_at"], handover.joins)
            told = self._teller.tell(live, text, decision, last=last, people=people)
            columns |= decision.columns() | {"stage": handover.stage} | ({"confidence": 0.0} if taken else {})
            columns["ranking"] = _worth_storing(columns["ranking"], columns["options"], columns["reason"])
            rest: dict[str, Any] = {"inclusion_probability": self.live.audit.draw() if drawn else None}
            rest["told"] = stored_telling(told, columns["intent"])
            message_id = conversations.store_message(
                connection,
                talk,
                text,
                **whose,
                external_id=external_id,
                decision=columns | rest,
                demand_per_hour=self.settings.demand_per_hour,
                promotion_id=live.promotion_id if live else None,
            )
            if handover.reason is not None:
                with session_over(connection) as session:
                    hand_over(session, message_id, handover.reason, self.settings)
        del columns["thresholds"], columns["out_of_scope"]
        return Logged(message_id=message_id, **columns, told=told)

    def _decision(self, live: Live | None, text: str, last: LastTurn | None) -> Decision:
        payload = decide_payload(live, text)
        if payload is not None or live is None:
            return payload or NO_BUNDLE
        choice = decide_choice(live, text, last, none_text=self.settings.none_text)
        if choice is not None:
            return choice
        decision = live.match(text)
        if decision.reason in _YES_OR_NO and waits_for_choice(last):
            decision = live.rank(text)
        return _shuffled(decision)

    @cached_property
    def _teller(self) -> Teller:
        return Teller(self.settings, self.replies)

    def _reply(self, live: Live | None, text: str, logged: Logged) -> Reply:
        told = logged.told or self._teller.tell_anew(live, text, logged)
        return Reply(
            message_id=logged.message_id,
            kind=logged.kind,
            text=plain(told.text) if told.markup else told.text,
            html=html(told.text) if told.markup else html_of_text(told.text),
            options=tuple(Option(slug, question) for slug, question in told.options),
            follow_ups=tuple(Option(slug, question) for slug, question in told.follow_ups),
            intents=tuple(told.intents),
            confidence=logged.confidence,
            reason=logged.reason,
            ranking=logged.ranking,
            version_id=logged.version_id,
        )


_YES_OR_NO = (DecisionReason.YES, DecisionReason.NO)


def _outcome(live: Live | None, text: str, decision: Decision) -> MessageOutcome:
    answers = tuple(live.faq[slug] for slug in decision.intents if slug in live.faq) if live else ()
    foreign = live is not None and is_foreign(live, text, decision.reason)
    return MessageOutcome(decision.kind, decision.reason, answers, foreign)


def _worth_storing(
    ranking: Sequence[Mapping[str, Any]], options: Collection[str], reason: DecisionReason
) -> list[Mapping[str, Any]]:
    """What was answered or offered, and of the next ones those that had a chance."""
    answered = ANSWERS.get(reason, 1)
    return [
        ranked
        for rank, ranked in enumerate(ranking[:STORED_RANKS])
        if rank < answered or ranked["intent"] in options or ranked["confidence"] >= LEAST_STORED
    ]


def _silent(decision: Decision) -> Decision:
    """While a person has the conversation; the ranking stays, for that person."""
    return replace(decision, kind=DecisionKind.PERSON, options=(), reason=DecisionReason.WITH_PERSON, unanswered=())


def _shuffled(decision: Decision) -> Decision:
    """The choices in random order: people take the first one too often for its rank to be learnt from."""
    return replace(decision, options=tuple(random.sample(decision.options, len(decision.options))))
