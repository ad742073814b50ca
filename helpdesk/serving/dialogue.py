"""What a message means after what its sender was told last: a choice from a question, or a follow-up."""

from collections.abc import Sequence
from typing import Final

from helpdesk.decisions import PICKED, DecisionKind, DecisionReason
from helpdesk.matching.choices import MenuChoice, may_choose, read_choice
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.records import conversations
from helpdesk.records.conversations import LastTurn
from helpdesk.records.database import Database
from helpdesk.serving.live import Live
from helpdesk.text import normalise

LONGEST_CHOICE: Final = 300  # characters of a question that is pressed
Offer = Sequence[tuple[str, str]]  # (slug, question) as the person was told them


def read_last_turn(
    database: Database, live: Live | None, text: str, *, none_text: str, channel: str, sender: str
) -> LastTurn | None:
    """What the sender of a message was told last, where that may matter for it; of most messages it is not read."""
    if live is None or len(text) > LONGEST_CHOICE:
        return None
    if not may_choose(text, live.question_words) and normalise(text) != normalise(none_text):
        return None
    with database.read() as session:
        return conversations.last_turn(session, channel=channel, sender=sender)


def waits_for_choice(last: LastTurn | None) -> bool:
    """Whether a clarifying question waits for an answer."""
    return last is not None and last.kind == DecisionKind.CLARIFY


def decide_choice(live: Live, text: str, last: LastTurn | None, *, none_text: str) -> Decision | None:
    """The decision about a choice; None for a message of another kind.

    Numbers and questions mean what they meant when they were told, whatever the entries are called now. "None of these"
    is the text of a button, so it chooses nothing at any time.
    """
    offer: Offer = _offer(live, last) if last is not None and waits_for_choice(last) else ()
    choice = read_choice(text, [question for _, question in offer], none_text=none_text) if offer else None
    if choice is not None and choice.by_part and live.is_phrasing(text):
        choice = None
    if choice is None:
        offer = last.told.follow_ups if last is not None and last.told is not None else ()
        choice = _pressed(text, offer, none_text=none_text)
    if choice is None:
        return None
    if choice.missing:
        again = tuple(slug for slug in (live.names.get(slug, slug) for slug, _ in offer) if slug in live.faq)
        return Decision(DecisionKind.CLARIFY, (), again, DecisionReason.NO_SUCH_CHOICE) if again else None
    if not choice.picked:
        return Decision(DecisionKind.FALLBACK, (), (), DecisionReason.NONE_OF_THESE)
    return _picked(live, [offer[place][0] for place in choice.picked])


def chosen_question(last: LastTurn | None, slug: str) -> str:
    """The question that an entry had when it was offered; its slug where that is not known."""
    told = last.told if last is not None else None
    offered = [*told.options, *told.follow_ups] if told is not None else []
    return next((question for name, question in offered if name == slug), slug)


def _offer(live: Live, last: LastTurn) -> Offer:
    if last.told is not None:
        return [(slug, question) for slug, question in last.told.options if slug is not None]
    today = [live.names.get(slug, slug) for slug in last.options]
    return [(slug, live.faq[slug].shown if slug in live.faq else "") for slug in today]


def _pressed(text: str, offer: Offer, *, none_text: str) -> MenuChoice | None:
    said = normalise(text)
    for place, (_, question) in enumerate(offer):
        if said == normalise(question):
            return MenuChoice((place,))
    return MenuChoice() if said == normalise(none_text) else None


def _picked(live: Live, slugs: Sequence[str]) -> Decision:
    today = [live.names.get(slug, slug) for slug in slugs]
    gone = next((slug for slug, now in zip(slugs, today, strict=True) if now not in live.faq), None)
    if gone is not None:
        return Decision(DecisionKind.FALLBACK, (Ranked(gone, 1.0),), (), DecisionReason.GONE)
    ranking = tuple(Ranked(slug, 1.0) for slug in dict.fromkeys(today))
    return live.spoken(Decision(DecisionKind.ANSWER, ranking, (), PICKED[len(ranking)]))
