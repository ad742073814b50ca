"""One message in, one reply out: decide, log, commit, then speak."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpdesk.decisions import NO_QUESTION, DecisionKind, DecisionReason
from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.matching.languages import languages
from helpdesk.matching.matcher import spoken_language, written_language
from helpdesk.records import conversations
from helpdesk.records.conversations import Logged
from helpdesk.records.database import Database
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.live import Live, LiveMatcher
from helpdesk.serving.outside_view import OutsideView, outside_view
from helpdesk.serving.replies import Replies, shipped_replies
from helpdesk.settings import Settings
from helpdesk.text import normalise

MAX_SENDER = 256
MAX_EXTERNAL_ID = 128


@dataclass(frozen=True)
class Option:
    """One choice of a clarifying question. The last one, "none of these", has no slug."""

    slug: str | None
    question: str


@dataclass(frozen=True)
class Reply:
    """What to tell the person. `ranking` rows hold intent, confidence, nearest, similarity, best first.

    intents: the entries that are answered, two when two questions were asked in one message.
    """

    message_id: int
    kind: str
    text: str
    options: tuple[Option, ...]
    intents: tuple[FaqEntry, ...]
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

    def reply(self, text: str, *, channel: str, sender: str, external_id: str | None = None) -> Reply:
        """Answer one message; it and its decision are committed when this returns.

        The same (channel, external id) gives the stored reply again. Raises BadInputError for text, sender or id
        that cannot be stored, ConflictError when the id was used for another message, UnavailableError when the
        database does not answer.
        """
        check_text("message", text, limit=self.settings.max_message_chars)
        check_text("sender", sender, limit=MAX_SENDER)
        live = self.live.take()
        if external_id is None:
            decided = self._decide(live, text, channel=channel, sender=sender, external_id=None)
            return self._reply(live, text, decided)
        check_text("message_id", external_id, limit=MAX_EXTERNAL_ID)
        delivery = {"channel": channel, "sender": sender, "external_id": external_id}
        stored = self._find(text, **delivery)
        if stored is None:
            try:
                stored = self._decide(live, text, **delivery)
            except ConflictError:
                stored = self._find(text, **delivery)
                if stored is None:
                    raise
        return self._reply(live, text, stored)

    def match(self, text: str) -> tuple[Decision, int | None]:
        """The decision about a text and the version that made it; nothing is logged."""
        check_text("text", text, limit=self.settings.max_message_chars)
        live = self.live.take()
        return (live.match(text), live.version_id) if live else (_NO_BUNDLE, None)

    def match_all(self, texts: Sequence[str]) -> tuple[list[Decision], int | None]:
        """The decision about each text, as `match` gives it, and the version that made them; nothing is logged."""
        for number, text in enumerate(texts):
            check_text(f"texts.{number}", text, limit=self.settings.max_message_chars)
        live = self.live.take()
        return (live.match_all(texts), live.version_id) if live else ([_NO_BUNDLE] * len(texts), None)

    def speaking(self, locale: str | None) -> "ChatService":
        """The same for a page in a language: short replies are in it where the message does not tell its own."""
        language = (locale or "").replace("_", "-").partition("-")[0].lower()
        if language not in self.settings.languages[1:]:
            return self
        languages = (language, *(known for known in self.settings.languages if known != language))
        return replace(self, settings=self.settings.model_copy(update={"languages": languages}))

    def view(self, text: str, said: Decision | Reply) -> OutsideView:
        """What somebody who is not logged in may read of the decision about a text, or of the reply to it."""
        if isinstance(said, Reply):
            named = [entry.slug for entry in said.intents] or [option.slug for option in said.options if option.slug]
            return outside_view(self.live.take(), text, columns=vars(said), named=named)
        return outside_view(self.live.take(), text, columns=said.columns(), named=said.intents or said.options)

    def search(self, text: str, *, limit: int) -> tuple[list[tuple[FaqEntry, Ranked]], int]:
        """Published FAQ entries by meaning, best first, and the version that ranked them."""
        check_text("q", text, limit=self.settings.max_message_chars)
        live = self.live.take()
        if live is None:
            raise NotFoundError("no version serves yet; nothing can be searched")
        ranking = live.rank(text).ranking if normalise(text) else ()
        return [(live.faq[ranked.intent], ranked) for ranked in ranking[:limit]], live.version_id

    def _find(self, text: str, *, channel: str, sender: str, external_id: str) -> Logged | None:
        with self.database.read() as session:
            return conversations.find_delivery(session, external_id, channel=channel, sender=sender, text=text)

    def _decide(self, live: Live | None, text: str, *, channel: str, sender: str, external_id: str | None) -> Logged:
        decision, probability = self._choice(live, text, channel=channel, sender=sender), None
        if decision is None:
            decision = _shuffled(live.match(text) if live else _NO_BUNDLE)
            if live and decision.reason in _YES_OR_NO and self._asked_back(channel=channel, sender=sender):
                decision = _shuffled(live.rank(text))
            probability = None if decision.kind in NO_QUESTION else self.live.audit.draw()
        columns = decision.columns() | {"version_id": live.version_id if live else None}
        columns |= {"inclusion_probability": probability}
        with self.database.write() as session:
            message_id = conversations.log_message(
                session, text, channel=channel, sender=sender, external_id=external_id, decision=columns
            )
        del columns["thresholds"], columns["out_of_scope"], columns["inclusion_probability"]
        return Logged(message_id=message_id, **columns)

    def _choice(self, live: Live | None, text: str, *, channel: str, sender: str) -> Decision | None:
        """What a number, or the text of an option (a button sends that), means right after a clarifying question."""
        said = normalise(text)
        none_of_these = normalise(self.settings.none_text)
        is_number = len(said) == 1 and said.isdecimal()
        if live is None or not (is_number or said == none_of_these or said in live.questions):
            return None
        with self.database.read() as session:
            last = conversations.last_decision(session, channel=channel, sender=sender)
        if last is None or last.kind != DecisionKind.CLARIFY:
            return None
        options = conversations.called_now(last, live.names).options
        offered = [normalise(live.faq[slug].shown) if slug in live.faq else None for slug in options]
        texts = [*offered, none_of_these]
        choice = int(said) - 1 if is_number else texts.index(said) if said in texts else -1
        if choice == len(options):
            return Decision(DecisionKind.FALLBACK, (), (), DecisionReason.NONE_OF_THESE)
        if 0 <= choice < len(options) and options[choice] in live.faq:
            chosen = (Ranked(options[choice], 1.0),)
            return live.spoken(Decision(DecisionKind.ANSWER, chosen, (), DecisionReason.CHOICE))
        return None

    def _asked_back(self, *, channel: str, sender: str) -> bool:
        """Whether a clarifying question waits for this sender's answer."""
        with self.database.read() as session:
            last = conversations.last_decision(session, channel=channel, sender=sender)
        return last is not None and last.kind == DecisionKind.CLARIFY

    def _reply(self, live: Live | None, text: str, logged: Logged) -> Reply:
        entries = live.faq if live else {}
        logged = conversations.called_now(logged, live.names) if live else logged
        answered = tuple(entries[slug] for slug in conversations.answered_intents(logged) if slug in entries)
        options = tuple(Option(slug, entries[slug].shown) for slug in logged.options if slug in entries)
        if options:
            options += (Option(None, self.settings.none_text),)
        return Reply(
            message_id=logged.message_id,
            kind=logged.kind,
            text=self._text(live, text, logged, answered, options),
            options=options,
            intents=answered,
            confidence=logged.confidence,
            reason=logged.reason,
            ranking=logged.ranking,
            version_id=logged.version_id,
        )

    def _text(
        self,
        live: Live | None,
        said: str,
        logged: Logged,
        answered: tuple[FaqEntry, ...],
        options: tuple[Option, ...],
    ) -> str:
        if logged.kind in NO_QUESTION:
            return self.replies.to(logged.reason, spoken_language(said, self.settings.languages))
        if any(entry.answer.strip() for entry in answered):
            return "\n\n".join(entry.answer for entry in answered)
        if logged.kind == DecisionKind.CLARIFY and options:
            lines = [f"{number}. {option.question}" for number, option in enumerate(options, 1)]
            return "\n".join([self.settings.clarify_text, *lines])
        if live is not None and _is_foreign(live, said, logged.reason):
            understood = languages().names(live.matcher.bundle.languages)
            return self.replies.to_other_language(
                written_language(said, self.settings.languages), understood=", ".join(understood)
            )
        return self.settings.fallback_text


def _is_foreign(live: Live, said: str, reason: str) -> bool:
    """Whether the reply names the languages; to a labelled text, too, so that nobody sees that it has a label."""
    if reason == DecisionReason.KNOWN_OUT_OF_SCOPE:
        return live.matcher.foreign_language(said) is not None
    return reason == DecisionReason.LANGUAGE


_YES_OR_NO = (DecisionReason.YES, DecisionReason.NO)
_NO_BUNDLE = Decision(DecisionKind.FALLBACK, (), (), DecisionReason.NO_VERSION)


def _shuffled(decision: Decision) -> Decision:
    """The choices in random order: people take the first one too often for its rank to be learnt from."""
    return replace(decision, options=tuple(random.sample(decision.options, len(decision.options))))


def check_text(name: str, text: str, *, limit: int) -> None:
    """Raise BadInputError unless the text is not empty, within the limit, and storable as UTF-8 without NUL."""
    if not text.strip():
        raise BadInputError(f"{name} is empty; expected text")
    if len(text) > limit:
        raise BadInputError(f"{name} has {len(text):,} characters; expected at most {limit:,}")
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise BadInputError(f"{name} holds a NUL or a lone surrogate; expected Unicode text")
