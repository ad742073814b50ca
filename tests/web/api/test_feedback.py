"""What customers say of replies: recorded, counted, shown and queued; it labels nothing."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from helpdesk.records import labels, queue, queue_counts
from helpdesk.records.database import Database
from helpdesk.records.queue import Wanted
from helpdesk.records.tables import AskedText, DecisionRow, FeedbackRow, Label


def asked(client: FlaskClient, text: str = "forgot my password", sender: str = "s") -> int:
    """The id of a message that was answered."""
    reply: Any = client.post("/api/v1/messages", json={"session_id": sender, "text": text}).json
    return int(reply["message_id"])


def rate(client: FlaskClient, message: int, sender: str = "s", **said: Any) -> Any:
    """What the API says to a piece of feedback."""
    return client.post(f"/api/v1/messages/{message}/feedback", json={"session_id": sender, **said})


def test_the_last_word_of_the_sender_counts(client: FlaskClient, records: Database) -> None:
    """One row a message."""
    message = asked(client)
    said: list[dict[str, Any]] = [{"helpful": True}, {"chosen": "vpn"}, {"none_of_these": True}, {"helpful": False}]

    answers = [rate(client, message, **one).json for one in said]

    assert [answer["feedback"] for answer in answers] == ["helpful", "chosen", "none_of_these", "not_helpful"]
    with records.read() as session:
        row = session.scalars(select(FeedbackRow)).one()
        assert (row.message_id, row.said, row.chosen) == (message, "not_helpful", None)


@pytest.mark.parametrize(
    ("sender", "said", "status", "words"),
    [
        ("other", {"helpful": True}, 404, "of this session"),
        ("s", {}, 400, "0 of helpful, chosen and none_of_these"),
        ("s", {"helpful": True, "chosen": "vpn"}, 400, "2 of helpful"),
        ("s", {"helpful": "yes"}, 400, "helpful is 'yes'"),
        ("s", {"chosen": "nothing such"}, 409, "chosen is 'nothing such'"),
        ("s", {"none_of_these": False}, 400, "none_of_these is False"),
        ("", {"helpful": True}, 400, "session_id is empty"),
    ],
)
def test_what_is_no_feedback_is_refused(
    client: FlaskClient, records: Database, sender: str, said: dict[str, Any], status: int, words: str
) -> None:
    """With what was expected, and nothing is stored; a message of somebody else is not there."""
    response = rate(client, asked(client), sender, **said)

    assert (response.status_code, words in response.get_json(force=True)["detail"]) == (status, True)
    assert rate(client, 10**30, helpful=True).status_code == 404
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(FeedbackRow)) == 0


def test_a_thumb_down_queues_the_text_once_and_labels_nothing(client: FlaskClient, records: Database) -> None:
    """Though it was answered surely; a thumb up of the same sender takes it back, and a label ends it."""
    first, second = asked(client, "my password is gone"), asked(client, "my password is gone", "t")
    with records.write() as session:
        session.execute(update(DecisionRow).values(kind="answer", confidence=0.99))
        session.execute(update(AskedText).values(kind="answer", confidence=0.99))
    waiting: list[list[str]] = []
    thumbs = ((first, "s", False), (second, "t", False), (first, "s", True), (second, "t", True))
    for message, sender, helpful in thumbs:
        rate(client, message, sender, helpful=helpful)
        with records.read() as session:
            found = queue.items(session, review_below=0.8, limit=9, wanted=Wanted(reason=queue.THUMBS_DOWN))
            counted = queue_counts.count_items(session, review_below=0.8, wanted=Wanted(reason=queue.THUMBS_DOWN))
            waiting.append([item.text for item in found])
            assert counted == len(found)
            assert session.scalar(select(func.count()).select_from(Label)) == 0

    assert waiting == [["my password is gone"]] * 3 + [[]]


def test_a_labelled_text_is_not_queued_again(ann: FlaskClient, records: Database) -> None:
    """Another thumb down changes nothing."""
    message = asked(ann)
    rate(ann, message, helpful=False)
    with records.write() as session:
        known = labels.read_neighbours(session, message)
        given: dict[str, Any] = {"kind": "intent", "intent": "password", "staff_id": 1, "holdout_share": 0.0}
        labels.label_message(session, message, **given, known=known)
    rate(ann, message, helpful=False)

    with records.read() as session:
        assert queue.items(session, review_below=0.8, limit=9) == []


def test_staff_see_what_customers_said(app: Flask, ann: FlaskClient, records: Database) -> None:
    """On the card, in the queue's list and its filter, in the conversation, in the report and its file."""
    for sender, helpful in (("a", True), ("b", False), ("c", False)):
        rate(ann, asked(ann, sender=sender), sender, helpful=helpful)
    message = asked(ann, sender="d")
    rate(ann, message, "d", chosen="vpn")
    with records.read() as session:
        conversation = queue.find_item(session, message).conversation_id

    card = ann.get(f"/desk?item={message}").text
    assert "1 helpful, 2 not helpful" in card
    assert "thumbs down" in card
    assert "forgot my password" in ann.get("/desk/queue?reason=thumbs_down").text
    assert "Why does the VPN not connect?” was meant" in ann.get(f"/desk/conversations/{conversation}").text
    report = ann.get("/desk/report?sort=not_helpful").text
    assert "Customers rated 3 replies: 1 helpful, 2 not helpful" in report
    rows = ann.get("/desk/report/faqs.csv").text.splitlines()
    assert rows[0].endswith(",helpful,not helpful")
    assert next(row for row in rows if row.startswith("password")).endswith(",1,2")
    assert "not helpful,2," in ann.get("/desk/report/outcomes.csv").text
