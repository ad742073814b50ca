"""Everything that the card of one message shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from helpdesk.records import feedback, labelled, labels, names, turns
from helpdesk.records.feedback import Ratings
from helpdesk.records.night_report import DecisionSummary
from helpdesk.records.queue import QueueItem
from helpdesk.records.tables import Label
from helpdesk.records.turns import Turn
from helpdesk.web.context import service
from helpdesk.web.staff.changes import change_note
from helpdesk.web.staff.choices import Choice, blind_choices, likely_choices, search, told_apart

AROUND = 2


@dataclass(frozen=True)
class Card:
    """What a card shows beside its message.

    seen: the newest label that its text has; counting: the label that counts; flag: the one it waits under;
    ratings: what customers said of the replies to it.
    preselected: whether Enter accepts the first choice, which is so when it would be answered. answers, questions: by
    slug; a blind card has neither decision nor confidence, and its turns are only what the person said before.
    too_long: whether a label will answer this very text alone.
    """

    choices: Sequence[Choice]
    preselected: bool
    answers: Mapping[str, str]
    questions: Mapping[str, str]
    turns: Sequence[Turn]
    change: str | None
    seen: int
    counting: Label | None
    flag: Label | None
    too_long: bool
    ratings: Ratings


def read_card(session: Session, item: QueueItem, *, blind: bool, query: str) -> Card:
    """The card of one message; `query`: what somebody searches the FAQ for."""
    choices = (blind_choices if blind else likely_choices)(session, item)
    found = search(query, {choice.slug for choice in choices}) if query.strip() else []
    around = turns.turns_around(session, item.message_id, before=AROUND, after=0 if blind else AROUND)
    spoken = [slug for turn in around for slug in (*turn.answered, *turn.offered)]
    return Card(
        choices=told_apart([*choices, *found]),
        preselected=not blind and _is_sure(choices),
        answers=names.answers(session, [choice.slug for choice in [*choices, *found]]),
        questions=names.questions(session, spoken),
        turns=around,
        change=_change(session, item),
        seen=labels.newest_label(session, item.message_id),
        counting=labels.counting_label(session, item.message_id),
        flag=labelled.flag_of(session, item.text_key),
        too_long=_is_too_long(item.normalised),
        ratings=feedback.count_of_text(session, item.text_key),
    )


def _is_too_long(text: str) -> bool:
    live = service().live.take()
    return live is not None and live.matcher.bundle.encoder.is_cut(text)


def _is_sure(choices: Sequence[Choice]) -> bool:
    """Whether the first choice is as likely as what is answered directly now; a known text is, in any version."""
    live = service().live.take()
    confidence = choices[0].confidence if choices else None
    return live is not None and confidence is not None and confidence >= min(1.0, live.matcher.bundle.thresholds.answer)


def _change(session: Session, item: QueueItem) -> str | None:
    """Why somebody should look again, or what last night's candidate would do otherwise, in words."""
    if item.said is not None:
        said = names.questions(session, [item.said]).get(item.said, item.said)
        return f"It was labelled “{said}”, and something speaks against it. Say so again, or what else it means."
    if item.answer is not None:
        shown = names.questions(session, [item.answer.intent]).get(item.answer.intent, item.answer.intent)
        return f"It left the queue by itself: it is answered with “{shown}” now. If that is wrong, say what it means."
    if item.change is None or item.audited:
        return None
    before, after = (DecisionSummary.model_validate(said) for said in (item.change.before, item.change.after))
    return change_note(before, after, names.questions(session, [str(before.intent), str(after.intent)]))
