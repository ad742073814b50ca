"""When a conversation is handed over to people: the one place that decides it.

A message that nothing is likely enough for is asked to be said in other words, once; the second in a row is handed
over. While its case is open, what the bot cannot answer is added to it. Where nobody would be told, no case is
opened, and the reply names the contact instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, DecisionReason, HandoverStage
from helpdesk.records import cases
from helpdesk.records.cases import Talk
from helpdesk.records.cases_elsewhere import close_if_elsewhere
from helpdesk.records.cases_withdrawn import withdraw_case
from helpdesk.records.clock import now
from helpdesk.records.database import session_over
from helpdesk.records.deliveries import forget_unsent, nobody_got, queue_deliveries, queue_notes
from helpdesk.records.tables import CaseEvent, CaseReason
from helpdesk.serving.entries import FaqEntry
from helpdesk.settings import Settings

IN_A_ROW = timedelta(hours=12)  # a try that is older does not count as the first of two, nor a case that is elsewhere
_NOTHING_TO_REPHRASE = (DecisionReason.NO_ANSWER, DecisionReason.CHOICE, DecisionReason.NO_VERSION)


@dataclass(frozen=True)
class MessageOutcome:
    """What was decided about one message: its kind and reason, and the entries that are answered.

    foreign: it is in a language that neither FAQ nor encoder know.
    """

    kind: str
    reason: str
    entries: Sequence[FaqEntry] = ()
    foreign: bool = False


@dataclass(frozen=True)
class Handover:
    """What comes of it: what the person is told of people, and why it is handed over; None: neither.

    joins: it is added to the case that is open.
    """

    stage: HandoverStage | None = None
    reason: CaseReason | None = None
    joins: bool = False


def settle_handover(
    connection: Connection, talk: Talk, outcome: MessageOutcome, settings: Settings, *, channel: str
) -> Handover:
    """What comes of a message of this talk that is about to be stored. While a person has it the stage is `taken`, and
    nothing else is said."""
    if talk.taken:
        return Handover(HandoverStage.TAKEN)
    if talk.waiting and not settings.inbox:
        with session_over(connection) as session:
            closed = close_if_elsewhere(session, talk.conversation_id, older_than=IN_A_ROW)
        talk = replace(talk, state=None) if closed else talk
    may_repeat = outcome.kind == DecisionKind.FALLBACK and not talk.waiting
    tried = may_repeat and cases.failed_before(connection, talk, since=now() - IN_A_ROW)
    told = is_told(connection, settings, channel=channel, conversation_id=talk.conversation_id)
    return decide_handover(outcome, settings, tried=tried, waiting=talk.waiting, told=told)


def is_told(connection: Connection, settings: Settings, *, channel: str, conversation_id: int | None) -> bool:
    """Whether somebody is told what is handed over from a conversation: its open case was not given up everywhere."""
    return settings.reaches_people(channel) and (settings.inbox or not nobody_got(connection, conversation_id))


def decide_handover(outcome: MessageOutcome, settings: Settings, *, tried: bool, waiting: bool, told: bool) -> Handover:
    """Whether a message is handed over. tried: the message before failed too; waiting: a case of the conversation is
    open already; told: somebody would be told."""
    reason = _reason(outcome, settings, again=tried or waiting)
    if reason is None:
        return Handover(HandoverStage.REPHRASE if outcome.kind == DecisionKind.FALLBACK else None)
    if not told:
        return Handover(HandoverStage.CONTACT)
    return Handover(HandoverStage.HANDED_OVER, reason, joins=waiting)


def _reason(outcome: MessageOutcome, settings: Settings, *, again: bool) -> CaseReason | None:
    if outcome.kind == DecisionKind.HANDOFF:
        return CaseReason.ASKED
    if outcome.kind == DecisionKind.ANSWER:
        if any(entry.urgent for entry in outcome.entries):
            return CaseReason.URGENT
        tags = {tag.casefold() for entry in outcome.entries for tag in entry.tags}
        return CaseReason.FLAGGED if tags & {tag.casefold() for tag in settings.handover_tags} else None
    if outcome.kind != DecisionKind.FALLBACK:
        return None
    if outcome.foreign:
        return CaseReason.LANGUAGE
    if outcome.reason in _NOTHING_TO_REPHRASE:
        return CaseReason.NO_ANSWER
    if outcome.reason == DecisionReason.NONE_OF_THESE:
        return CaseReason.NONE_OF_THESE
    return CaseReason.TWO_FAILED_TRIES if again else None


def hand_over(session: Session, message_id: int, reason: CaseReason, settings: Settings) -> None:
    """Open the case of a stored message and queue it for its receivers, or add the message to the case that is open and
    tell those who got it; in the transaction that stores it."""
    conversation_id = cases.conversation_of(session, message_id)
    case, opened = cases.open_case(
        session,
        conversation_id=conversation_id,
        message_id=message_id,
        reason=reason,
        urgent=reason == CaseReason.URGENT,
    )
    if opened:
        queue_deliveries(session, case.id, settings.receivers_of(cases.channel_of(session, message_id)))
    else:
        queue_notes(session, case.id, message_id, event=CaseEvent.ADDED, reason=reason)


def hand_over_unhelpful(session: Session, message_id: int, settings: Settings, *, repeated: bool = False) -> bool:
    """Hand over after a thumb down on the reply to a message; False where nobody would be told.

    repeated: it was down already, so an open case has it.
    """
    conversation_id, channel = cases.conversation_of(session, message_id), cases.channel_of(session, message_id)
    if not settings.inbox:
        close_if_elsewhere(session, conversation_id, older_than=IN_A_ROW)
    session.flush()
    told = is_told(session.connection(), settings, channel=channel, conversation_id=conversation_id)
    if told and not (repeated and cases.current_case(session, conversation_id)):
        hand_over(session, message_id, CaseReason.THUMBS_DOWN, settings)
    return told


def take_back_unhelpful(session: Session, message_id: int) -> None:
    """After a thumb up in the place of a thumb down: a case that rests on nothing else is closed, and whoever was told
    of the thumb down is told of this."""
    case = cases.current_case(session, cases.conversation_of(session, message_id), locked=True)
    if case is None:
        return
    withdrawn = withdraw_case(session, case)
    if withdrawn:
        forget_unsent(session, case.id)
    event = CaseEvent.WITHDRAWN if withdrawn else CaseEvent.HELPFUL
    queue_notes(session, case.id, message_id, event=event, reason=CaseReason.THUMBS_DOWN)


def describe_handover(settings: Settings) -> str:
    """Who is told what the bot cannot answer, in one line for operators."""
    contact = f"HELPDESK_CONTACT is {settings.contact}" if settings.contact else "HELPDESK_CONTACT is not set"
    sent = f"it is sent to {', '.join(settings.receivers)}; " if settings.receivers else ""
    if settings.inbox:
        return f"{sent}it waits in the inbox of the desk (/desk/inbox); {contact}"
    if sent:
        return sent + contact
    said = "the bot names the contact" if settings.contact else "the bot promises nothing"
    return f"nobody is told, and {said}: set HELPDESK_INBOX=true if people look into /desk/inbox; {contact}"
