"""What is on its way to other systems, as editors see it."""

import pytest
from clients import post
from flask import Flask
from flask.testing import FlaskClient
from other_systems import store_case, the_delivery
from sqlalchemy import update

from helpdesk.records import audit_log, deliveries, inbox
from helpdesk.records.database import Database
from helpdesk.records.tables import DeliveryRow

PAGE = "/desk/deliveries"


@pytest.fixture
def dead(records: Database) -> int:
    """A delivery that was tried in vain."""
    case_id = store_case(records)
    with records.write() as session:
        deliveries.queue_deliveries(session, case_id, ["zammad"])
        session.execute(update(DeliveryRow).values(state="dead", attempts=12, last_error="it answered <b>500</b>"))
    return the_delivery(records).id


def test_what_is_dead_is_shown_with_why_and_can_be_tried_again(ann: FlaskClient, records: Database, dead: int) -> None:
    """Or given up again; both are written down."""
    page = ann.get(PAGE).text
    assert "zammad" in page
    assert "it answered &lt;b&gt;500&lt;/b&gt;" in page
    assert "/desk/conversations/1" in page

    assert post(ann, f"{PAGE}/{dead}/retry", PAGE).status_code == 303
    assert the_delivery(records).state == "waiting"
    assert "is tried again" in ann.get(PAGE).text
    assert post(ann, f"{PAGE}/{dead}/give-up", PAGE).status_code == 303
    assert "given up by ann; before that: it answered" in ann.get(f"{PAGE}?state=dead").text
    again = post(ann, f"{PAGE}/{dead}/give-up", PAGE)
    assert "it is dead already" in ann.get(again.location).text
    with records.read() as session:
        noted = [row.action for row in audit_log.read_log(session, kind="delivery")]
    assert noted == ["delivery.given_up", "delivery.retried"]


def test_labellers_have_no_part_in_it(bob: FlaskClient, dead: int) -> None:
    assert bob.get(PAGE).status_code == 403
    assert post(bob, f"{PAGE}/{dead}/retry", "/desk").status_code == 403


def test_what_is_not_there_is_said(ann: FlaskClient, records: Database) -> None:
    """No delivery, another state, the end of a list."""
    store_case(records)
    assert "Nothing waits." in ann.get(PAGE).text
    assert ann.get(f"{PAGE}?state=lost").status_code == 400
    assert post(ann, f"{PAGE}/99999999999/retry", "/desk").status_code == 404
    assert ann.get(f"{PAGE}?state=sent&before=x").status_code == 200


def test_old_ones_are_on_further_pages(ann: FlaskClient, records: Database) -> None:
    for number in range(60):
        case_id = store_case(records, sender=str(number))
        with records.write() as session:
            deliveries.queue_deliveries(session, case_id, ["email"])
    page = ann.get(PAGE).text
    assert page.count("<tr><td") == 50
    assert ann.get(f"{PAGE}?state=waiting&before=11").text.count("<tr><td") == 10


@pytest.mark.parametrize(
    ("channel", "sender", "expected"),
    [
        ("slack", "T:C1:U", {"channel": "C1", "text": "Hello", "thread": None}),
        ("chatwoot", "1:42", {"sender": "1:42", "text": "Hello", "choices": None, "after": 0, "by_person": True}),
        ("rest", "u", None),
    ],
)
def test_what_a_person_writes_is_queued_for_the_chat_of_the_case(
    ann: FlaskClient, app: Flask, records: Database, channel: str, sender: str, expected: object
) -> None:
    """Once for each form; widgets ask for it themselves."""
    case_id = store_case(records, channel=channel, sender=sender)
    for _ in range(2):
        post(ann, f"/desk/inbox/{case_id}/reply", f"/desk/inbox/{case_id}", text="Hello", token="t" * 16)
    with records.read() as session:
        assert inbox.find_case(session, case_id).taken_by == "ann"
        found = [row.payload for row in session.query(DeliveryRow)]
    assert found == ([] if expected is None else [expected])


def test_the_metric_counts_every_state(client: FlaskClient, dead: int) -> None:
    text = client.get("/metrics").text
    assert 'helpdesk_deliveries{state="dead"} 1.0' in text
    assert 'helpdesk_deliveries{state="waiting"} 0.0' in text
