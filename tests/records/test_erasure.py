"""Erasure and retention: what goes, what stays, on both databases."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import TextClause, func, select, text, update
from sqlalchemy.orm import Session

from helpdesk.errors import BusyError, NotFoundError
from helpdesk.records import (
    audit_log,
    conversations,
    faq,
    faq_edit,
    faq_history,
    golden,
    labels,
    leases,
    message_deletion,
    staff,
)
from helpdesk.records.certificates import certificate
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.erasure import CONVERSATION, MESSAGE, SENDER, ErasureScope, erase
from helpdesk.records.faq import Entry
from helpdesk.records.feedback import HELPFUL, NOT_HELPFUL, give_feedback
from helpdesk.records.person_export import export_person
from helpdesk.records.pruning import NOBODY, prune_messages
from helpdesk.records.roles import Role
from helpdesk.records.tables import (
    AskedText,
    CaseRow,
    Conversation,
    CountedDay,
    DayTotal,
    DecisionRow,
    DeliveryRow,
    ErasureRow,
    FeedbackRow,
    Intent,
    Label,
    Message,
    Phrasing,
    Table,
)
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings

MARKER = "zyxomarker"
SECRET = f"My {MARKER} lamp in Flat Seven hums"
COMMON = "where is my card"


@pytest.fixture
def desk(database: Database) -> ChatService:
    """A FAQ of two entries and somebody who labels; no version serves."""
    with database.write() as session:
        entries = [Entry(slug, question=f"about {slug}?", answer="So.", phrasings=()) for slug in ("lamp", "card")]
        faq.store_entries(session, entries, author="import")
        staff.add_staff(session, "ann", password="correct horse battery", role=Role.ADMIN)
    settings = load_settings(mail_to="people@example.com", mail_from="bot@example.com", smtp_host="localhost")
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def say(desk: ChatService, text: str, sender: str, *, channel: str = "rest") -> int:
    """One message."""
    return desk.reply(text, channel=channel, sender=sender).message_id


def label(desk: ChatService, message_id: int, slug: str) -> None:
    """Say what a message meant."""
    with desk.database.write() as session:
        labels.label_message(session, message_id, kind="intent", intent=slug, staff_id=1, holdout_share=0.0)


def add_phrasing(desk: ChatService, slug: str, text: str) -> None:
    """An editor makes a phrasing of what somebody wrote."""
    with desk.database.write() as session:
        intent = session.scalars(select(Intent).where(Intent.slug == slug)).one()
        faq_edit._add(session, intent, [text], author="ann")
        faq_history.note(session, intent, "edited", author="ann")


def rub_out(desk: ChatService, wanted: ErasureScope, home: Path) -> dict[str, Any]:
    """Erase; the certificate."""
    with desk.database.write() as session:
        return certificate(erase(session, wanted, author="ann", home=home))


def everything(database: Database) -> str:
    """Every cell of every table."""
    with database.read() as session:
        rows = [str(tuple(row)) for table in Table.metadata.sorted_tables for row in session.execute(select(table))]
    return "\n".join(rows)


def count(database: Database, table: type[Table]) -> int:
    """Rows of a table."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_nothing_of_a_sender_is_left(desk: ChatService, tmp_path: Path) -> None:
    """Message, label, phrasing, history, promise and log go; others' messages and the entry stay."""
    number, other = say(desk, SECRET, "eve"), say(desk, COMMON, "bob")
    label(desk, number, "lamp")
    add_phrasing(desk, "lamp", SECRET)
    with desk.database.write() as session:
        golden.add(session, SECRET, intent="lamp", author="ann")
        audit_log.note(session, "label.removed", author="ann", subject="lamp", text=SECRET)
    assert MARKER in everything(desk.database)

    found = rub_out(desk, ErasureScope(SENDER, sender="eve"), tmp_path)

    left = everything(desk.database)
    assert MARKER not in left
    assert "'eve'" not in left
    assert count(desk.database, Message) == count(desk.database, AskedText) == 1
    assert {"messages": 1, "labels": 1, "phrasings": 1, "golden_phrases": 1}.items() <= found["rows"].items()
    assert not found["finished"]
    with desk.database.read() as session:
        assert session.get(Message, other) is not None


def test_a_text_that_others_wrote_too_stays_theirs(desk: ChatService, tmp_path: Path) -> None:
    """Its label is of somebody else's message from then on, and the queue counts one less."""
    mine, theirs = say(desk, COMMON, "eve"), say(desk, COMMON.upper(), "bob")
    label(desk, mine, "card")

    rub_out(desk, ErasureScope(SENDER, sender="eve"), tmp_path)

    with desk.database.read() as session:
        kept = session.scalars(select(Label)).one()
        asked = session.scalars(select(AskedText)).one()
    assert (kept.message_id, kept.text) == (theirs, COMMON.upper())
    assert (asked.count, asked.first_id, asked.newest_id) == (1, theirs, theirs)


def test_what_an_import_brought_is_named_not_erased(desk: ChatService, tmp_path: Path) -> None:
    """The FAQ is the operators' own: people look at it."""
    say(desk, "about lamp?", "eve")
    found = rub_out(desk, ErasureScope(SENDER, sender="eve"), tmp_path)

    assert found["entries_to_look_at"] == ["lamp"]
    assert count(desk.database, Phrasing) == 2


def test_one_message_or_one_conversation(desk: ChatService, tmp_path: Path) -> None:
    """The rest of what the sender wrote stays; another channel is another conversation."""
    first, second = say(desk, SECRET, "eve"), say(desk, COMMON, "eve")
    elsewhere = say(desk, "hello lamp", "eve", channel="slack")

    rub_out(desk, ErasureScope(MESSAGE, number=first), tmp_path)
    with desk.database.read() as session:
        assert set(session.scalars(select(Message.id))) == {second, elsewhere}
        talk = session.get_one(Message, second).conversation_id
    rub_out(desk, ErasureScope(CONVERSATION, number=talk), tmp_path)
    with desk.database.read() as session:
        assert list(session.scalars(select(Message.id))) == [elsewhere]
    with pytest.raises(NotFoundError):
        rub_out(desk, ErasureScope(MESSAGE, number=first), tmp_path)


def test_cases_and_waiting_deliveries_go(desk: ChatService, tmp_path: Path) -> None:
    """Nothing is sent any more of what was erased."""
    say(desk, "I want to talk to a human", "eve")
    say(desk, SECRET, "eve")
    say(desk, SECRET + " again", "eve")
    with desk.database.read() as session:
        assert session.scalars(select(CaseRow)).first() is None or count(desk.database, DeliveryRow)

    rub_out(desk, ErasureScope(SENDER, sender="eve"), tmp_path)
    assert count(desk.database, CaseRow) == count(desk.database, DeliveryRow) == count(desk.database, Conversation) == 0


def test_nothing_is_erased_while_a_night_runs(desk: ChatService, tmp_path: Path) -> None:
    """It has read the message already."""
    number = say(desk, SECRET, "eve")
    with desk.database.write() as session:
        leases.take(session, "night", holder=leases.Holder("o", "host", 1, "p"), seconds=60)
    with pytest.raises(BusyError, match="try again"):
        rub_out(desk, ErasureScope(MESSAGE, number=number), tmp_path)
    assert count(desk.database, ErasureRow) == 0


def test_old_messages_go_and_what_teaches_stays_without_its_sender(desk: ChatService) -> None:
    """Totals stay, the queue is right, and a labelled text is nobody's."""
    old = [say(desk, COMMON, "eve"), say(desk, SECRET, "eve")]
    young = say(desk, COMMON, "bob")
    label(desk, old[1], "lamp")
    with desk.database.write() as session:
        session.execute(update(Message).where(Message.id.in_(old)).values(created_at=now() - timedelta(days=40)))

    counts = prune_messages(desk.database, before=now() - timedelta(days=30))

    assert (counts["messages"], counts["kept"]) == (1, 1)
    with desk.database.read() as session:
        assert set(session.scalars(select(Message.id))) == {old[1], young}
        assert set(session.scalars(select(Conversation.sender))) == {NOBODY, "bob"}
        asked = session.scalars(select(AskedText).where(AskedText.newest_id == young)).one()
        assert (asked.count, asked.first_id) == (1, young)
        assert session.scalar(select(func.sum(DayTotal.count))) == 2
    assert count(desk.database, CountedDay) >= 39
    assert not prune_messages(desk.database, before=now() - timedelta(days=30))


def test_retention_counts_texts_that_are_asked_often_when_it_has_finished(
    desk: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And few that are left at once. Messages that did not count as demand are no fewer of what counts."""
    monkeypatch.setattr(message_deletion, "OFTEN", 3)
    asked = [say(desk, COMMON, f"person {number}") for number in range(8)]
    with desk.database.write() as session:
        session.execute(update(AskedText).values(count=6))
    for number, counted, in_the_end in ((3, 6, 6), (7, 6, 6), (0, 6, 5), (1, 5, 4), (4, 4, 3), (5, 2, 2)):
        with desk.database.write() as session:
            message_deletion.delete_messages(session, [asked[number]], recount=False)
        assert shown(desk) == counted
        message_deletion.recount_often_asked(desk.database)
        assert shown(desk) == in_the_end


def test_a_choice_that_goes_takes_its_complaint_along(desk: ChatService) -> None:
    """A button says what the question says, so that their texts are the same."""
    say(desk, COMMON, "eve")
    chosen = say(desk, COMMON, "bob")
    with desk.database.write() as session:
        session.execute(update(DecisionRow).where(DecisionRow.message_id == chosen).values(reason="choice"))
        give_feedback(session, chosen, sender="bob", said=NOT_HELPFUL)
    with desk.database.write() as session:
        message_deletion.delete_messages(session, [chosen])
    with desk.database.read() as session:
        assert not session.scalars(select(AskedText)).one().disliked


def test_what_did_not_count_stands_for_its_text_when_nothing_else_is_left(desk: ChatService) -> None:
    """A sender wrote too much, before or after a text was asked by others."""
    first, counted, last = (say(desk, COMMON, sender) for sender in ("eve", "bob", "eve"))
    with desk.database.write() as session:
        session.execute(update(AskedText).values(count=1, first_id=counted, newest_id=counted))
        message_deletion.delete_messages(session, [counted])
    with desk.database.read() as session:
        row = session.scalars(select(AskedText)).one()
    assert (row.count, row.first_id, row.newest_id) == (1, last, first)

    with desk.database.write() as session:
        message_deletion.delete_messages(session, [first, last])
    assert count(desk.database, AskedText) == count(desk.database, Message) == 0


@pytest.mark.parametrize("stays", [True, False])
def test_a_text_is_disliked_as_long_as_a_message_says_so(desk: ChatService, stays: bool) -> None:
    """The feedback goes with its message, and others' feedback stays."""
    asked = {sender: say(desk, COMMON, sender) for sender in ("eve", "bob", "cem")}
    with desk.database.write() as session:
        give_feedback(session, asked["eve"], sender="eve", said=NOT_HELPFUL)
        if stays:
            give_feedback(session, asked["bob"], sender="bob", said=NOT_HELPFUL)
    with desk.database.write() as session:
        message_deletion.delete_messages(session, [asked["cem"]])
        assert session.scalars(select(AskedText)).one().disliked
        message_deletion.delete_messages(session, [asked["eve"]])
    with desk.database.read() as session:
        assert session.scalars(select(AskedText)).one().disliked == stays


postgresql_only = pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer


@postgresql_only
def test_a_text_asked_while_its_last_message_goes_waits_in_the_queue(desk: ChatService) -> None:
    """A message that is being stored meanwhile is waited for."""
    old = say(desk, COMMON, "eve")
    with meanwhile(desk.database, lambda: delete(desk, [old])) as session:
        decision = {"kind": "fallback", "reason": "unsure", "confidence": 0.1, "out_of_scope": 0.9}
        decision |= {"intent": None, "ranking": [], "options": [], "thresholds": {}, "version_id": None}
        whose: dict[str, Any] = {"channel": "rest", "sender": "bob", "external_id": None}
        young = conversations.log_message(session, COMMON, **whose, decision=decision)

    with desk.database.read() as session:
        row = session.scalars(select(AskedText)).one()
    assert (row.count, row.first_id, row.newest_id) == (1, young, young)


@postgresql_only
def test_a_message_is_answered_while_its_empty_conversation_goes(desk: ChatService) -> None:
    """Its sender comes back at the moment in which retention deletes what they wrote last."""
    old = say(desk, COMMON, "eve")
    with meanwhile(desk.database, lambda: say(desk, SECRET, "eve")) as session:
        message_deletion.delete_messages(session, [old])

    with desk.database.read() as session:
        assert session.scalars(select(Message)).one().text == SECRET
    assert count(desk.database, Conversation) == 1


@postgresql_only
@pytest.mark.parametrize("others", [0, 2])
def test_feedback_that_comes_first_goes_with_its_message(desk: ChatService, others: int) -> None:
    """Deletion waits for it, whether its text stays or goes."""
    old = say(desk, COMMON, "eve")
    for number in range(others):
        say(desk, COMMON, f"person {number}")
    with meanwhile(desk.database, lambda: delete(desk, [old])) as session:
        give_feedback(session, old, sender="eve", said=NOT_HELPFUL)

    assert (count(desk.database, FeedbackRow), count(desk.database, Message)) == (0, others)
    with desk.database.read() as session:
        assert [row.disliked for row in session.scalars(select(AskedText))] == [False] * bool(others)


@postgresql_only
def test_feedback_that_comes_too_late_is_on_no_message(desk: ChatService) -> None:
    """As if the message had never been there."""
    old = say(desk, COMMON, "eve")
    with (
        pytest.raises(NotFoundError),
        meanwhile(desk.database, lambda: feedback(desk, old, "eve", NOT_HELPFUL)) as session,
    ):
        message_deletion.delete_messages(session, [old])


@postgresql_only
@pytest.mark.parametrize("first", ["taken back", "said"])
def test_a_complaint_stays_while_another_one_is_taken_back(desk: ChatService, first: str) -> None:
    """Of the same text, at the same moment."""
    eve, bob = say(desk, COMMON, "eve"), say(desk, COMMON, "bob")
    feedback(desk, eve, "eve", NOT_HELPFUL)
    given = [(eve, "eve", HELPFUL), (bob, "bob", NOT_HELPFUL)]
    (message, sender, said), then = given if first == "taken back" else given[::-1]
    with meanwhile(desk.database, lambda: feedback(desk, *then)) as session:
        give_feedback(session, message, sender=sender, said=said)

    with desk.database.read() as session:
        assert session.scalars(select(AskedText)).one().disliked


@postgresql_only
def test_a_complaint_goes_while_another_one_is_taken_back(desk: ChatService) -> None:
    """So that none is left."""
    eve, bob = say(desk, COMMON, "eve"), say(desk, COMMON, "bob")
    feedback(desk, eve, "eve", NOT_HELPFUL)
    feedback(desk, bob, "bob", NOT_HELPFUL)
    with meanwhile(desk.database, lambda: feedback(desk, bob, "bob", HELPFUL)) as session:
        message_deletion.delete_messages(session, [eve])

    with desk.database.read() as session:
        assert not session.scalars(select(AskedText)).one().disliked


@postgresql_only
def test_what_two_delete_at_once_is_counted_once(desk: ChatService) -> None:
    """As retention and an erasure may."""
    asked = [say(desk, COMMON, f"person {number}") for number in range(6)]
    with meanwhile(desk.database, lambda: delete(desk, asked[:2])) as session:
        message_deletion.delete_messages(session, asked[:2])
    assert shown(desk) == 4


@postgresql_only
def test_two_who_delete_the_same_texts_do_not_wait_for_each_other(
    desk: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts are taken in one order, however many statements that takes; in the order of messages they soon would."""
    monkeypatch.setattr(message_deletion, "IDS_AT_ONCE", 1)
    texts = [f"where is my card number {'x' * number}" for number in range(1, 60)]
    theirs = [say(desk, text, "eve") for text in texts], [say(desk, text, "bob") for text in reversed(texts)]
    begin = Barrier(2)

    def run(ids: list[int]) -> None:
        begin.wait()
        delete(desk, ids)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, theirs))
    assert count(desk.database, AskedText) == count(desk.database, Message) == 0


@postgresql_only
def test_a_message_that_is_labelled_at_that_moment_teaches(desk: ChatService) -> None:
    """Retention waits for the label, and the message stays without its sender."""
    old = say(desk, COMMON, "eve")
    with desk.database.write() as session:
        session.execute(update(Message).values(created_at=now() - timedelta(days=40)))
    with meanwhile(desk.database, lambda: prune_messages(desk.database, before=now() - timedelta(days=30))) as session:
        labels.label_message(session, old, kind="intent", intent="card", staff_id=1, holdout_share=0.0)

    with desk.database.read() as session:
        assert list(session.scalars(select(Message.id))) == [old]
        assert list(session.scalars(select(Conversation.sender))) == [NOBODY]


def shown(desk: ChatService) -> int:
    """How often the only text was asked, as staff see it."""
    with desk.database.read() as session:
        return session.scalars(select(AskedText)).one().count


def delete(desk: ChatService, ids: list[int]) -> None:
    """In a transaction of its own."""
    with desk.database.write() as session:
        message_deletion.delete_messages(session, ids)


def feedback(desk: ChatService, message: int, sender: str, said: str) -> None:
    """In a transaction of its own."""
    with desk.database.write() as session:
        give_feedback(session, message, sender=sender, said=said)


@contextmanager
def meanwhile(database: Database, other: Callable[[], object]) -> Iterator[Session]:
    """A transaction that ends only when the other one waits for it; what that raises is raised in the end."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with ThreadPoolExecutor(1) as threads:
        with database.write() as session:
            yield session
            session.flush()
            running = threads.submit(other)
            deadline = time.monotonic() + 20
            while not _read(database, waiting):
                assert time.monotonic() < deadline, "nothing waits"
                assert not running.done(), "it did not wait"
                time.sleep(0.01)
        running.result()


def _read(database: Database, query: TextClause) -> Any:
    with database.read() as session:
        return session.scalar(query)


def test_a_person_gets_what_is_stored(desk: ChatService) -> None:
    """Messages with what was told and said about them, of this sender only."""
    number = say(desk, SECRET, "eve")
    say(desk, COMMON, "bob")
    label(desk, number, "lamp")
    with desk.database.read() as session:
        found = export_person(session, "eve")
        with pytest.raises(NotFoundError):
            export_person(session, "nobody")

    [message] = found["conversations"][0]["messages"]
    assert message["text"] == SECRET
    assert message["decision"]["told"]["text"]
    assert message["labels"][0]["entry"] == "lamp"
    assert COMMON not in str(found)
