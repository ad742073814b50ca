"""What is stored of a decision: no more than is read again."""

from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.decisions import DecisionReason
from helpdesk.records.tables import DecisionRow
from helpdesk.serving.chat_service import LEAST_STORED, STORED_RANKS, ChatService, _worth_storing

CONFIDENCES = (0.6, 0.3, LEAST_STORED, 0.0005, 0.0004, 0.0003, 0.0002)
RANKING: list[dict[str, Any]] = [
    {"intent": f"faq_{rank}", "confidence": confidence} for rank, confidence in enumerate(CONFIDENCES)
]


def stored(desk: ChatService) -> DecisionRow:
    """The newest decision."""
    with desk.database.read() as session:
        return session.scalars(select(DecisionRow).order_by(DecisionRow.id.desc()).limit(1)).one()


@pytest.mark.parametrize(
    ("options", "reason", "kept"),
    [
        ([], DecisionReason.CONFIDENT, 3),
        (["faq_3", "faq_0"], DecisionReason.BETWEEN, 4),
        (["faq_4"], DecisionReason.BETWEEN, 4),
    ],
)
def test_ranks_without_a_chance_are_left_out(options: list[str], reason: DecisionReason, kept: int) -> None:
    """But for those that were offered."""
    names = [row["intent"] for row in _worth_storing(RANKING, options, reason)]

    assert len(names) == kept <= STORED_RANKS
    assert {"faq_0", "faq_1", "faq_2", *options} == set(names)


def test_every_answer_of_several_is_kept() -> None:
    """However unlikely the message as a whole made it."""
    unlikely = [row | {"confidence": 0.0} for row in RANKING]

    assert len(_worth_storing(unlikely, [], DecisionReason.THREE_QUESTIONS)) == 3
    assert len(_worth_storing(unlikely, [], DecisionReason.UNSURE)) == 1


def test_a_reply_is_told_again_from_what_is_stored(real_desk: ChatService) -> None:
    """What follows from the decision is not stored a second time."""
    first, again = (
        real_desk.reply("forgot my password", channel="rest", sender="again", external_id="1") for _ in range(2)
    )
    told = stored(real_desk).told

    assert told == {"text": "Open the self-service page.", "markup": True}
    assert (again.text, again.intents, again.options) == (first.text, ("password",), ())


def test_a_question_is_told_again_with_its_choices(real_desk: ChatService) -> None:
    """Which answer nothing yet."""
    text = "my password or the printer, one of the two does not work"
    first, again = (real_desk.reply(text, channel="rest", sender="asked", external_id="1") for _ in range(2))

    assert (again.text, again.intents, again.options) == (first.text, first.intents, first.options)
