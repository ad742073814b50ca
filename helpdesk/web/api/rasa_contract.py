"""What the Rasa REST channel takes and tells, as Pydantic models."""

from pydantic import Field, RootModel

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.web.api.contract import Confidence, DeliveryId, Locale, Sender, Text
from helpdesk.web.api.json_body import Body
from helpdesk.web.openapi import ReplyBody


class RasaMetadata(Body):
    """What a widget adds; other keys are ignored."""

    message_id: DeliveryId | None = None
    locale: Locale | None = None


class RasaMessage(Body):
    """What a widget posts. `metadata.message_id` makes a repeated delivery one message."""

    sender: Sender = Field(examples=["anna"])
    message: Text = Field(examples=["I cannot log in to the vpn"])
    metadata: RasaMetadata | None = None


class RasaButton(ReplyBody):
    """A choice: its payload is to be sent as the next message."""

    title: str
    payload: str


class RasaFacts(ReplyBody):
    """What decided it; what there is nothing of is left out."""

    message_id: int
    decision: DecisionKind
    reason: DecisionReason
    confidence: Confidence
    version: int | None = None
    intent: str | None = None
    intents: list[str] | None = Field(None, description="Only when several entries are answered.")


class RasaReply(ReplyBody):
    """The whole answer is in `text`, choices too, as numbered lines."""

    recipient_id: str
    text: str
    buttons: list[RasaButton] | None = Field(
        default=None, description="Choices of a question, or follow-ups of an answer."
    )
    custom: RasaFacts


class RasaReplies(RootModel[list[RasaReply]]):
    """A list of one element."""


class RasaStatus(ReplyBody):
    """The channel is there."""

    status: str
