"""What the public API takes and tells, as Pydantic models; the OpenAPI document is made of them."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.web.api.json_body import Body, Count, Query
from helpdesk.web.context import BIGGEST_ID
from helpdesk.web.openapi import STORABLE, ReplyBody

MOST_TEXTS = 256
CHANNEL_NAME = r"^[a-z0-9_-]{1,32}$"
_LARGEST = 9 * 10**18  # within 64 bits, and no float below it rounds beyond it
_LIMIT = "Not empty, without NUL; at most HELPDESK_MAX_MESSAGE_CHARS characters (2,000 unless set otherwise)."
Text = Annotated[str, Field(description=_LIMIT, json_schema_extra=STORABLE)]


def _digits_of(value: object) -> object:
    """A whole number as its digits: clients of Rasa number senders and messages. JSON's 5.0 is whole, too."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not (isinstance(value, float) and value.is_integer()):
        return value
    if not 0 <= (number := int(value)) <= _LARGEST:  # type: ignore[call-overload]
        raise ValueError(f"expected text, or a whole number from 0 to {_LARGEST}")
    return str(number)


_NAMED = STORABLE | {"type": ["string", "integer"], "minimum": 0, "maximum": _LARGEST}
DeliveryId = Annotated[
    str,
    BeforeValidator(_digits_of),
    Field(
        description="Your own id of the message, at most 128 characters: a repeated delivery gets the stored reply. "
        "A number is the same as its digits.",
        json_schema_extra=_NAMED | {"maxLength": 128},
    ),
]
Sender = Annotated[
    str,
    BeforeValidator(_digits_of),
    Field(
        description="Who writes: one id for each browser session or person, at most 256 characters. "
        "A number is the same as its digits.",
        json_schema_extra=_NAMED | {"maxLength": 256},
    ),
]
Locale = Annotated[
    str,
    Field(max_length=16, description="Language of the page, as `de`: of short replies to texts that tell none."),
]
Confidence = Annotated[float, Field(ge=0, le=1, description="Calibrated probability that it is right.")]


class TalkState(StrEnum):
    """Who has a conversation; while it waits for people the bot goes on answering."""

    BOT = "bot"
    WAITING = "waiting"
    PERSON = "person"


class ApiMessage(Body):
    """A person's message. The same (channel, session_id, message_id) is one message however often it is sent."""

    session_id: Sender = Field(examples=["anna"])
    text: Text = Field(examples=["I cannot log in to the vpn"])
    message_id: DeliveryId | None = None
    locale: Locale | None = None
    channel: str = Field(
        "api",
        pattern=CHANNEL_NAME,
        description="Conversations belong to a channel, message ids to a conversation. Those of Slack, Mattermost, "
        "Teams and Chatwoot take a key of a program.",
    )
    context: dict[str, JsonValue] | None = Field(None, description="Anything of your own; it is not stored.")


class ApiText(Body):
    """A text to match without logging it."""

    text: Text = Field(examples=["I cannot log in to the vpn"])


class ApiTexts(Body):
    """Texts to match at once without logging them."""

    texts: list[Text] = Field(
        min_length=1, max_length=MOST_TEXTS, examples=[["I cannot log in to the vpn", "the printer is out of toner"]]
    )


_ONE_SAID: list[JsonValue] = [
    {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
    for name in ("helpful", "chosen", "none_of_these")
]


class ApiFeedback(Body):
    """What the sender of a message says of the reply: one of `helpful`, `chosen` and `none_of_these`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_SAID})

    session_id: Sender = Field(examples=["anna"])
    helpful: bool | None = Field(None, description="A thumb up or down.", examples=[True])
    chosen: str | None = Field(None, description="The name of the entry that was meant.")
    none_of_these: Literal[True] | None = Field(None, description="It was none of those offered.")


class UpdatesFrom(Query):
    """Which replies of people."""

    after: Count = Field(0, ge=0, le=BIGGEST_ID, description="The id of the last update that is known; 0 for all.")
    channel: str = Field("api", pattern=CHANNEL_NAME, description="That of the messages: `rest` for the webhook's.")


class RankedMatch(ReplyBody):
    """An intent with its confidence; staff and keys with `internals` see what it rests on."""

    intent: str
    confidence: Confidence
    nearest: str | None = Field(None, description="Its nearest phrasing; internals.")
    similarity: float | None = Field(None, description="Cosine similarity of that; internals.")
    understood: str | None = Field(None, description="The part of the message that asks it; internals.")


class ServingVersion(ReplyBody):
    """Which version decided; null before the first one."""

    version: int | None


class SpokenText(ReplyBody):
    """One message of the bot."""

    text: str
    html: str = Field(
        description="The same, sanitised: p, br, ul, ol, li, strong, em, and a to http, https, mailto, tel."
    )


class OfferedChoice(ReplyBody):
    """One choice of a clarifying question; the last one, "none of these", has no intent."""

    intent: str | None
    question: str


class MessageReply(ReplyBody):
    """What to tell the person, and what decided it."""

    message_id: int = Field(description="For `helpdesk why` and for feedback.")
    decision: DecisionKind
    reason: DecisionReason
    confidence: Confidence
    intent: str | None = Field(description="The first entry that is answered.")
    intents: list[str] = Field(description="Every entry that is answered.")
    messages: list[SpokenText]
    options: list[OfferedChoice] = Field(description="Choices of a clarifying question.")
    follow_ups: list[str] = Field(description="Questions to ask next; each is answered when sent as a message.")
    matches: list[RankedMatch] = Field(description="What is answered or offered; with internals the best five.")
    model: ServingVersion


class FeedbackReply(ReplyBody):
    """What was recorded."""

    message_id: int
    feedback: str = Field(description="`helpful`, `not_helpful`, `chosen` or `none_of_these`.")
    handed_over: bool = Field(description="Whether people are told, as after a thumb down.")


class ToldUpdate(ReplyBody):
    """What a person wrote. Whose login it is stays inside."""

    id: int
    text: str
    html: str


class UpdatesReply(ReplyBody):
    """What people wrote since, at most 100, oldest first, and who has the conversation."""

    updates: list[ToldUpdate]
    state: TalkState


class TextMatch(ReplyBody):
    """What would be decided about a text."""

    decision: DecisionKind
    reason: DecisionReason
    confidence: Confidence
    intents: list[str] = Field(description="The entries that would be answered.")
    options: list[str] = Field(description="The entries that would be offered.")
    matches: list[RankedMatch] = Field(description="What is answered or offered; with internals the whole ranking.")
    out_of_scope: float | None = Field(None, description="Confidence that none of the FAQ is meant; internals.")
    thresholds: dict[str, float] | None = Field(None, description="Of answering and of asking back; internals.")


class MatchReply(TextMatch):
    """What would be decided about a text, and by which version."""

    model: ServingVersion


class BatchReply(ReplyBody):
    """One decision for each text, in their order."""

    results: list[TextMatch]
    model: ServingVersion


class FaqItem(ReplyBody):
    """A published entry."""

    intent: str
    question: str
    answer: str
    locale: str
    tags: list[str]


class FoundItem(FaqItem):
    """A published entry that was found."""

    confidence: Confidence
    similarity: float | None = Field(None, description="Cosine similarity of its nearest phrasing; internals.")


class SearchReply(ReplyBody):
    """Entries by meaning, best first."""

    results: list[FoundItem]
    model: ServingVersion


class FaqPage(ReplyBody):
    """Published entries by name."""

    faqs: list[FaqItem]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class ModelReply(ReplyBody):
    """Which version serves."""

    version: int
    kind: str
    base_model: str
    dim: int = Field(description="Dimensions of its vectors.")
    intents: int
    count: int | None = Field(None, description="Phrasings; internals.")
    rows_hash: str | None = Field(None, description="Of what it was built from; internals.")
    report: dict[str, Any] | None = Field(None, description="How it was measured; internals.")
