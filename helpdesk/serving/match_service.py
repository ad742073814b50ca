"""The part of the service that decides and stores nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import Decision
from helpdesk.redaction import Redactor
from helpdesk.serving.given_texts import check_text
from helpdesk.serving.live import Live, LiveMatcher
from helpdesk.settings import Settings

NO_BUNDLE = Decision(DecisionKind.FALLBACK, (), (), DecisionReason.NO_VERSION)


@dataclass(frozen=True)
class MatchService:
    """Takes texts, gives decisions. From here on a text is redacted."""

    live: LiveMatcher
    settings: Settings

    def match(self, text: str) -> tuple[Decision, int | None]:
        """The decision about a text and the version that made it; nothing is logged."""
        check_text("text", text, limit=self.settings.max_message_chars)
        live = self.live.take_if_set_up()
        text = self.redacted(live, text)
        return (live.match(text), live.version_id) if live else (NO_BUNDLE, None)

    def match_all(self, texts: Sequence[str]) -> tuple[list[Decision], int | None]:
        """The decision about each text, as `match` gives it, and the version that made them; nothing is logged."""
        for number, text in enumerate(texts):
            check_text(f"texts.{number}", text, limit=self.settings.max_message_chars)
        live = self.live.take_if_set_up()
        texts = [self.redacted(live, text) for text in texts]
        return (live.match_all(texts), live.version_id) if live else ([NO_BUNDLE] * len(texts), None)

    def redacted(self, live: Live | None, text: str) -> str:
        """The text as it is matched and stored. A phrasing of the FAQ, or a choice as it was offered, is no secret."""
        redacted = self._redactor(text)
        return text if redacted != text and live is not None and live.is_published(text) else redacted

    @cached_property
    def _redactor(self) -> Redactor:
        return self.settings.redactor
