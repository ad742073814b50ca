"""What a person is told of people: only what is so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from helpdesk.decisions import DecisionKind, DecisionReason, HandoverStage
from helpdesk.serving.replies import PeopleSaid, Replies
from helpdesk.settings import Settings

CONTACT_HERE = "{contact}"  # stands for HELPDESK_CONTACT
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}


@dataclass(frozen=True)
class PeopleWords:
    """What is said about one message. stage: a HandoverStage, None without one; joins: it is added to an open case; at:
    when it is, or was, said."""

    settings: Settings
    replies: Replies
    stage: str | None
    language: str
    at: datetime
    joins: bool = False

    def beside_answer(self) -> str:
        """What is said below an answer; empty where nothing is."""
        return self._of_people(passed_on=PeopleSaid.HANDED_OVER)

    def instead_of_answer(self, kind: str, understood: Sequence[str] | None) -> str:
        """The whole reply where there is no answer. understood: the names of the languages that are, where the message
        is in another one."""
        if kind == DecisionKind.PERSON:
            return self._to(DecisionReason.WITH_PERSON)
        if kind == DecisionKind.HANDOFF:
            return self._of_people(passed_on=DecisionReason.ASKED) or self._to(PeopleSaid.ALONE)
        if self.joins:
            return self._to(PeopleSaid.ADDED)
        if self.stage == HandoverStage.REPHRASE:
            return self._to(PeopleSaid.REPHRASE)
        if understood is not None:
            first = self.replies.to_other_language(self.language, understood=", ".join(understood))
        elif self.settings.fallback_text is not None:
            return self.settings.fallback_text.replace(CONTACT_HERE, self.settings.contact or "").strip()
        else:
            first = self._to(PeopleSaid.UNSURE)
        return f"{first} {self._of_people(passed_on=PeopleSaid.HANDED_OVER)}".strip()

    def _of_people(self, *, passed_on: str) -> str:
        if self.joins:
            return self._to(PeopleSaid.ADDED)
        contact = self.settings.contact
        reach = self._to(PeopleSaid.CONTACT).replace(CONTACT_HERE, contact) if contact and self.stage else ""
        if self.stage != HandoverStage.HANDED_OVER:
            return reach
        opens = self.settings.hours.opens_after(self.at) if self.settings.hours else None
        said = [self._to(passed_on), self._back(opens) if opens else "", "" if self.settings.inbox else reach]
        return " ".join(filter(None, said))  # another system may not get it: then there is still the contact

    def _back(self, opens: datetime) -> str:
        day = _DAYS[self.language][opens.weekday()]
        return self._to(PeopleSaid.BACK).replace("{day}", day).replace("{time}", f"{opens:%H:%M} ({opens.tzname()})")

    def _to(self, reason: str) -> str:
        return self.replies.to(reason, self.language)
