"""Of all that send, one sends a delivery at a time; what fails is tried again, and not for ever."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from other_systems import SECRET, OtherSystem, make_due, other_system, store_case, the_delivery
from sqlalchemy import select

from helpdesk.channels import courier as module
from helpdesk.channels.courier import Courier
from helpdesk.errors import ConflictError
from helpdesk.records import case_content, deliveries
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import DeliveryRow
from helpdesk.settings import Settings, load_settings


@pytest.fixture
def system() -> Iterator[OtherSystem]:
    with other_system() as made:
        yield made


def hooked(system: OtherSystem, **more: int) -> Settings:
    """Settings with a webhook alone."""
    return load_settings(handover_webhook_url=system.url, handover_webhook_secret=SECRET, **more)


def queue(database: Database, *senders: str) -> None:
    """A case of each sender that waits for the webhook."""
    for sender in senders:
        case_id = store_case(database, sender=sender)
        with database.write() as session:
            deliveries.queue_deliveries(session, case_id, ["webhook"])


def test_after_the_last_try_it_is_dead_until_somebody_tries_again(database: Database, system: OtherSystem) -> None:
    """With what went wrong; each pause is longer, and no shorter than the other side asks for."""
    queue(database, "u")
    system.faults.extend([503, 400, 400, 400])
    courier, pauses = Courier(database, hooked(system, delivery_attempts=3)), []
    for _ in range(3):
        make_due(database)
        courier.send_due()
        pauses.append((the_delivery(database).due_at - now()).total_seconds())

    dead = the_delivery(database)
    assert (dead.state, dead.attempts, dead.last_error) == ("dead", 3, "it answered 400")
    assert pauses[0] > 70
    assert pauses[1] > 14
    assert courier.send_due() == (0, 0)

    for state in ("dead", "sent"):
        with database.write() as session:
            deliveries.retry(session, dead.id)
        courier.send_due()
        assert the_delivery(database).state == state
    with pytest.raises(ConflictError, match="sent meanwhile"), database.write() as session:
        deliveries.retry(session, dead.id)


def test_a_sender_that_dies_in_the_middle_is_followed_by_another(database: Database, system: OtherSystem) -> None:
    """When its lease has run out, not before; what the dead one notes then changes nothing."""
    queue(database, "u")
    with database.write() as session:
        held = deliveries.claim(session, owner="dead", seconds=60)
    assert held is not None
    other = Courier(database, hooked(system))

    assert other.send_due() == (0, 0)
    make_due(database)
    assert other.send_due() == (1, 0)
    with database.write() as session:
        deliveries.note_failed(session, held, owner="dead", error="too late", pause=None)
    assert (the_delivery(database).state, the_delivery(database).attempts) == ("sent", 2)
    assert len(system.stored) == 1


def test_many_senders_at_once_send_each_case_once(database: Database, system: OtherSystem) -> None:
    """Whatever they agree on, they agree in the database."""
    queue(database, *map(str, range(12)))
    start = threading.Barrier(4)

    def send(_: int) -> int:
        start.wait()
        return Courier(database, hooked(system)).send_due()[0]

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 12
    assert len({request[2]["webhook-id"] for request in system.requests}) == len(system.requests) == 12


def test_what_is_given_up_is_not_sent(database: Database, system: OtherSystem) -> None:
    """Unless somebody sends it right now."""
    queue(database, "u")
    number = the_delivery(database).id
    with database.write() as session:
        deliveries.claim(session, owner="busy", seconds=60)
    with pytest.raises(ConflictError, match="right now"), database.write() as session:
        deliveries.give_up(session, number, author="ann")
    make_due(database)
    with database.write() as session:
        deliveries.give_up(session, number, author="ann")

    assert Courier(database, hooked(system)).send_due() == (0, 0)
    assert the_delivery(database).last_error == "given up by ann"


def test_a_receiver_that_is_not_set_up_any_more_is_named(database: Database) -> None:
    """Its deliveries wait, and die at last."""
    queue(database, "u")
    assert Courier(database, load_settings()).send_due() == (0, 1)
    assert the_delivery(database).last_error == "webhook is not set up any more"


def test_a_fault_of_ours_does_not_end_the_thread(
    database: Database, system: OtherSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails one delivery, and the others go out."""
    queue(database, "broken", "fine")
    read = case_content.read_case

    def break_once(session: object, case_id: int) -> object:
        monkeypatch.setattr(module, "read_case", read)
        raise KeyError("x")

    monkeypatch.setattr(module, "read_case", break_once)
    assert Courier(database, hooked(system)).send_due() == (1, 1)
    with database.read() as session:
        states = dict(session.execute(select(DeliveryRow.state, DeliveryRow.last_error)).tuples().all())
    assert states == {"sent": None, "waiting": "KeyError on our side; the log says more"}


def test_the_thread_sends_what_is_queued_later(database: Database, system: OtherSystem) -> None:
    """By itself, and sooner when it is woken; without a receiver there is no thread."""
    arrived = threading.Event()
    taken = system.take

    def take(method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        arrived.set()
        return taken(method, path, body)

    system.take = take  # type: ignore[method-assign]
    courier = Courier(database, hooked(system))
    courier.start()
    queue(database, "u")
    courier.wake()
    assert arrived.wait(20)
    courier.stop()

    assert the_delivery(database).state == "sent"
    idle = Courier(database, load_settings())
    idle.start()
    idle.stop()
    assert "send-deliveries" not in {thread.name for thread in threading.enumerate()}
