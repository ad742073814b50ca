"""Cases: one of a conversation that is not closed, taken by one person, answered once, closed by who read it all."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log, cases, conversations, inbox
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseReason, CaseReply, CaseRow

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.1, "out_of_scope": 0.0, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
TOKEN = "0123456789abcdef"


def store(database: Database, sender: str = "u", *, urgent: bool = False, opens: bool = True) -> int:
    """A message, and the case that it opens."""
    with database.write() as session:
        message = conversations.log_message(
            session, "hello", channel="rest", sender=sender, external_id=None, decision=DECISION
        )
        if opens:
            number = cases.conversation_of(session, message)
            cases.open_case(session, conversation_id=number, message_id=message, reason=CaseReason.ASKED, urgent=urgent)
    return message


def at_once(*actions: Callable[[], object]) -> list[object]:
    """What several threads get, that begin together: a result or an error each."""
    gate, found = threading.Barrier(len(actions)), dict[int, object]()

    def run(number: int) -> None:
        gate.wait()
        try:
            found[number] = actions[number]()
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(actions))]


def test_a_conversation_has_one_case_that_is_not_closed(database: Database) -> None:
    """The second hand-over joins it; what is urgent stays urgent; the database itself refuses another one."""
    store(database)
    store(database, urgent=True)
    store(database)
    with database.read() as session:
        (case,) = session.scalars(select(CaseRow))
    assert case.urgent
    row = "INSERT INTO cases (conversation_id, message_id, reason, urgent, state, opened_at) "
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(f"{row} SELECT conversation_id, message_id, reason, urgent, state, opened_at FROM cases"))


def test_parallel_hand_overs_open_one(database: Database) -> None:
    """Of two workers."""
    store(database, opens=False)
    assert all(isinstance(found, int) for found in at_once(*[lambda: store(database)] * 4))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 1


def test_urgent_ones_come_first_then_the_oldest(database: Database) -> None:
    """Closed ones do not come."""
    for sender, urgent in {"a": False, "b": True, "c": False, "d": True, "e": False}.items():
        message = store(database, sender, urgent=urgent)
    with database.write() as session:
        inbox.close_case(session, 5, author="ann", seen=message)
        assert [row.conversation.sender for row in inbox.list_cases(session)] == ["b", "d", "a", "c"]
        backlog = cases.read_backlog(session)
        assert (backlog.count, backlog.urgent) == (4, 2)
        assert backlog.oldest is not None
        assert backlog.oldest <= now()
        assert [row.action for row in audit_log.read_log(session, kind="case")] == ["case.closed"]


def test_two_people_take_it_at_once_and_one_has_it(database: Database) -> None:
    """The other one reads who; the first one's repeated click changes nothing."""
    store(database)

    def take(name: str) -> str | None:
        with database.write() as session:
            return inbox.take_case(session, 1, author=name, holder="").taken_by

    found = at_once(lambda: take("ann"), lambda: take("bob"))
    (winner,) = (name for name in found if isinstance(name, str))
    (refused,) = (error for error in found if isinstance(error, ConflictError))

    assert str(refused).startswith(f"this case is with {winner} now")
    assert take(winner) == winner
    with database.write() as session:
        assert inbox.take_case(session, 1, author="eve", holder=winner).taken_by == "eve"


def test_a_form_that_is_sent_twice_is_one_reply(database: Database) -> None:
    """Also at once, and after the case was closed; another text under its token is refused."""
    message = store(database)

    def reply(said: str = "Hello!") -> int:
        with database.write() as session:
            return inbox.reply_to_case(session, 1, author="ann", text=said, token=TOKEN).id

    assert at_once(*[reply] * 3) == [1, 1, 1]
    with database.write() as session:
        inbox.close_case(session, 1, author="ann", seen=message)
    assert reply(" Hello!\n") == 1
    with pytest.raises(ConflictError, match="another text"):
        reply("Goodbye!")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseReply)) == 1


def test_who_has_not_got_it_may_not_reply_or_close(database: Database) -> None:
    """Nothing is stored; who replies to what nobody has takes it."""
    message = store(database)
    with database.write() as session:
        inbox.reply_to_case(session, 1, author="ann", text="Hello!", token=TOKEN)
        assert inbox.find_case(session, 1).taken_by == "ann"
        with pytest.raises(ConflictError, match="this case is with ann"):
            inbox.reply_to_case(session, 1, author="bob", text="Hello!", token=TOKEN[::-1])
        with pytest.raises(ConflictError, match="this case is with ann"):
            inbox.close_case(session, 1, author="bob", seen=message)
        with pytest.raises(NotFoundError, match="no case 7"):
            inbox.close_case(session, 7, author="bob", seen=message)


def test_what_the_person_wrote_meanwhile_is_read_before_it_is_closed(database: Database) -> None:
    """Nobody's message is left behind; closing twice is once."""
    message = store(database)
    newest = store(database, opens=False)
    with database.write() as session:
        with pytest.raises(ConflictError, match="wrote meanwhile"):
            inbox.close_case(session, 1, author="ann", seen=message)
        inbox.close_case(session, 1, author="ann", seen=newest)
        closed = inbox.close_case(session, 1, author="bob", seen=newest)
        assert (closed.state, closed.taken_by) == ("closed", "ann")
        with pytest.raises(ConflictError, match="closed by ann"):
            inbox.take_case(session, 1, author="bob", holder="")


@pytest.mark.parametrize("said", ["", "  \n", "x" * 5001, "nul \x00", "lone \ud800"])
def test_what_cannot_be_sent_is_refused(database: Database, said: str) -> None:
    """And the case stays nobody's."""
    store(database)
    with pytest.raises(BadInputError), database.write() as session:
        inbox.reply_to_case(session, 1, author="ann", text=said, token=TOKEN)
    with database.read() as session:
        assert inbox.find_case(session, 1).taken_by is None
