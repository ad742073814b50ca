"""A decision in words: the text, the choices and the follow-ups that a person gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helpdesk.decisions import DecisionKind, DecisionReason, HandoverStage
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.matching.languages import languages
from helpdesk.matching.matcher import spoken_language, written_language
from helpdesk.records.conversations import LastTurn, Logged, called_now
from helpdesk.records.follow_ups import MAX_FOLLOW_UPS
from helpdesk.records.tellings import Told
from helpdesk.serving.dialogue import chosen_question
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.handover_words import PeopleWords
from helpdesk.serving.live import Live
from helpdesk.serving.replies import Replies
from helpdesk.settings import Settings
from helpdesk.text import visible

NOT_SET_UP = "I cannot answer anything yet: this helpdesk is still being set up."
LONGEST_PART = 200  # characters of a question that is named as not answered


@dataclass(frozen=True)
class People:
    """How far the bot got with people when it says something, when that is, and whether it adds to an open case."""

    stage: str | None
    at: datetime
    joins: bool = False


@dataclass(frozen=True)
class Teller:
    """Says what was decided, with the texts of an installation."""

    settings: Settings
    replies: Replies

    def tell(
        self, live: Live | None, said: str, decision: Decision, *, people: People, last: LastTurn | None = None
    ) -> Told:
        """What the person gets who said this, after what they were told last."""
        entries = live.faq if live else {}
        answered = [entries[slug] for slug in decision.intents if slug in entries]
        options: list[tuple[str | None, str]] = [(s, entries[s].shown) for s in decision.options if s in entries]
        if options:
            options.append((None, self.settings.none_text))
        text = self._text(live, said, decision, answered, [question for _, question in options], last, people)
        if decision.unanswered and (answered or options):
            text = f"{text}\n\n{self._unanswered(said, decision.unanswered)}"
        markup = any(entry.answer.strip() for entry in answered)
        return Told(text, [entry.slug for entry in answered], options, _follow_ups(live, answered), markup)

    def tell_anew(self, live: Live | None, said: str, logged: Logged) -> Told:
        """What would be said now to a message that was stored before what is told was kept."""
        logged = called_now(logged, live.names) if live else logged
        ranking = tuple(Ranked(row["intent"], row["confidence"]) for row in logged.ranking)
        kind, reason = DecisionKind(logged.kind), DecisionReason(logged.reason)
        people = People(logged.stage, logged.created_at)
        return self.tell(live, said, Decision(kind, ranking, tuple(logged.options), reason), people=people)

    def _text(
        self,
        live: Live | None,
        said: str,
        decision: Decision,
        answered: Sequence[FaqEntry],
        offered: Sequence[str],
        last: LastTurn | None,
        people: People,
    ) -> str:
        if decision.kind == DecisionKind.SMALLTALK:
            return self.replies.to(decision.reason, spoken_language(said, self.settings.languages))
        if decision.kind == DecisionKind.CLARIFY and offered:
            lines = [f"{number}. {question}" for number, question in enumerate(offered, 1)]
            lead = [self.settings.clarify_text]
            if decision.reason == DecisionReason.NO_SUCH_CHOICE:
                lead.insert(0, self.replies.to(decision.reason, written_language(said, self.settings.languages)))
            return "\n".join([" ".join(lead), *lines])
        if decision.reason == DecisionReason.GONE and people.stage == HandoverStage.REPHRASE:
            question = chosen_question(last, decision.ranking[0].intent)
            return self.replies.to_gone(written_language(question, self.settings.languages), question=question)
        texts = [entry.answer for entry in answered if entry.answer.strip()]
        if decision.reason == DecisionReason.NO_VERSION:
            texts = [NOT_SET_UP]
        if texts and people.stage is None:
            return "\n\n".join(texts)
        tell = spoken_language if decision.kind == DecisionKind.HANDOFF else written_language
        language = tell(said, self.settings.languages)
        words = PeopleWords(self.settings, self.replies, people.stage, language, people.at, people.joins)
        if texts:
            return "\n\n".join(filter(None, [*texts, words.beside_answer()]))
        foreign = live is not None and is_foreign(live, said, decision.reason)
        known = languages().names(live.matcher.bundle.languages) if live and foreign else None
        return words.instead_of_answer(decision.kind, known)

    def _unanswered(self, said: str, parts: Sequence[str]) -> str:
        language = written_language(said, self.settings.languages)
        return self.replies.about_unanswered(language, part=" ".join(visible(part)[:LONGEST_PART] for part in parts))


def _follow_ups(live: Live | None, answered: Sequence[FaqEntry]) -> list[tuple[str, str]]:
    """The follow-ups of what is answered that can be answered themselves, each once."""
    if live is None:
        return []
    told = {entry.slug for entry in answered}
    slugs = dict.fromkeys(live.names.get(slug, slug) for entry in answered for slug in entry.follow_ups)
    found = [slug for slug in slugs if slug in live.answered and slug not in told]
    return [(slug, live.faq[slug].shown) for slug in found[:MAX_FOLLOW_UPS]]


def is_foreign(live: Live, said: str, reason: str) -> bool:
    """Whether the reply names the languages; to a labelled text, too, so that nobody sees that it has a label."""
    if reason == DecisionReason.KNOWN_OUT_OF_SCOPE:
        return live.matcher.foreign_language(said) is not None
    return reason == DecisionReason.LANGUAGE
