"""What became of the messages, day by day and entry by entry; who labelled, and what is taken for another."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from helpdesk.records import conversations, faq, labels, names, staff
from helpdesk.records.agreement import read_agreement, read_confusions
from helpdesk.records.database import Database
from helpdesk.records.day_counts import by_day, outcomes, read_answers, read_channels, read_day_counts
from helpdesk.records.faq import Entry
from helpdesk.records.faq_counts import read_faq_counts
from helpdesk.records.periods import Period
from helpdesk.records.tables import Label, Message

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
ANSWER: dict[str, Any] = {"kind": "answer", "intent": "vpn", "confidence": 0.9, "reason": "confident"}
CLARIFY: dict[str, Any] = {"kind": "clarify", "intent": None, "confidence": 0.4, "reason": "between"}
CHOICE: dict[str, Any] = ANSWER | {"reason": "choice"}


@pytest.fixture
def helpdesk(database: Database) -> Database:
    """Two entries and two people."""
    with database.write() as session:
        entries = [Entry("vpn", answer="So.", phrasings=("tunnel",)), Entry("wifi", answer="Yes.")]
        faq.store_entries(session, entries, author="test")
        for name in ("ann", "bea"):
            staff.add_staff(session, name, password="correct horse")
    return database


def say(database: Database, text: str, *, at: datetime = NOON, channel: str = "rest", **decision: Any) -> int:
    """A logged message; its id."""
    columns: dict[str, Any] = {"version_id": None, "out_of_scope": 0.0, "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        message = conversations.log_message(
            session, text, channel=channel, sender="u", external_id=None, decision=columns | decision
        )
        session.execute(update(Message).where(Message.id == message).values(created_at=at))
    return message


def label(database: Database, message: int, intent: str | None, *, by: int = 1) -> None:
    """Say what a message means, over whatever was said before."""
    with database.write() as session:
        kind = "intent" if intent else "out_of_scope"
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=by, holdout_share=0.3)
        session.execute(update(Label).values(created_at=NOON))


def test_messages_count_on_their_day_and_in_their_channel(helpdesk: Database) -> None:
    """Both ends of a period are days in UTC; the first moment of the next month is not of this one."""
    say(helpdesk, "a", at=NOON, **ANSWER)
    say(helpdesk, "b", at=NOON, **CLARIFY)
    say(helpdesk, "c", at=NOON + timedelta(hours=13), channel="web", **ANSWER)
    for moment in (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 2, 28, 23, 59, tzinfo=UTC)):
        say(helpdesk, "d", at=moment, **ANSWER)
    with helpdesk.read() as session:
        found = read_day_counts(session, MARCH)
        web = read_day_counts(session, Period(MARCH.since, MARCH.until, "web"))
        channels = read_channels(session)

    days = {day.isoformat(): (one.answered, one.clarified) for day, one in by_day(found).items()}
    assert days == {"2026-03-10": (1, 1), "2026-03-11": (1, 0)}
    assert outcomes(web).messages == 1
    assert channels == ["rest", "web"]


def test_a_question_back_that_nobody_answered_is_left(helpdesk: Database) -> None:
    """What was neither chosen nor rejected."""
    for text in ("a", "b", "c"):
        say(helpdesk, text, **CLARIFY)
    say(helpdesk, "1", **CHOICE)
    with helpdesk.read() as session:
        found = outcomes(read_day_counts(session, MARCH))

    assert (found.clarified, found.chosen, found.rejected, found.left) == (3, 1, 0, 2)


def test_a_renamed_entry_is_counted_once(helpdesk: Database) -> None:
    """Under its name of today, what was decided under the former one too; choices are told apart."""
    say(helpdesk, "a", **ANSWER)
    with helpdesk.write() as session:
        names.rename(session, faq.find_intent(session, "vpn"), "tunnel", author="test")
    say(helpdesk, "b", **ANSWER | {"intent": "tunnel"})
    say(helpdesk, "1", **CHOICE | {"intent": "tunnel"})
    with helpdesk.read() as session:
        answers = read_answers(session, MARCH)
        rows = read_faq_counts(session, answers, [])

    assert {slug: vars(found) for slug, found in answers.items()} == {"tunnel": {"direct": 2, "chosen": 1}}
    assert [(row.slug, row.answers.all) for row in rows] == [("tunnel", 3), ("wifi", 0)]


def test_answers_that_labels_speak_against_are_confusions(helpdesk: Database) -> None:
    """Every message of the text counts; what was right, chosen or answered twice does not."""
    for _ in range(2):
        wrong = say(helpdesk, "no signal", **ANSWER)
    outside = say(helpdesk, "who won", **ANSWER)
    label(helpdesk, wrong, "wifi")
    label(helpdesk, outside, None)
    label(helpdesk, say(helpdesk, "tunnel is down", **ANSWER), "vpn")
    label(helpdesk, say(helpdesk, "both of it", **ANSWER | {"reason": "two_questions"}), "wifi")
    with helpdesk.read() as session:
        found = read_confusions(session, MARCH)
        row = read_faq_counts(session, {}, found)[0]

    assert [(one.meant, one.said, one.count) for one in found] == [("wifi", "vpn", 2), ("", "vpn", 1)]
    assert (row.slug, row.wrong, list(row.confused)) == ("vpn", 3, [("wifi", 2), ("", 1)])


def test_agreement_is_over_texts_that_two_people_labelled(helpdesk: Database) -> None:
    """Each one's last word counts, what counts no more among them; what was taken back does not."""
    alike, apart, alone = (say(helpdesk, text, **ANSWER) for text in ("alike", "apart", "alone"))
    for message, first, second in ((alike, "vpn", "vpn"), (apart, "vpn", None)):
        label(helpdesk, message, first, by=1)
        label(helpdesk, message, second, by=2)
    label(helpdesk, alone, "vpn", by=1)
    taken_back = {"message_id": alone, "text": "x", "normalised": "x", "text_key": "x", "kind": "out_of_scope"}
    taken_back |= {"split": "train", "group_key": "x", "staff_id": 2, "created_at": NOON, "undone_at": NOON}
    with helpdesk.write() as session:
        session.execute(insert(Label), taken_back)
    with helpdesk.read() as session:
        found = read_agreement(session, MARCH)
        before = read_agreement(session, Period(None, MARCH.since))

    assert [tuple(vars(person).values()) for person in found.people] == [("ann", 3, 3, 2, 1), ("bea", 2, 2, 2, 1)]
    assert (found.shared, found.alike) == (2, 1)
    assert before.people == []
