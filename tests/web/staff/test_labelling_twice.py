"""A form that is sent twice, late, or beside somebody else: nothing is lost, doubled or undone."""

import re

from clients import ask, card, label, post
from flask.testing import FlaskClient
from sqlalchemy import select

from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.tables import Intent, Label


def given(records: Database) -> list[tuple[str, str, bool]]:
    """(who, what, whether it counts) of every label, oldest first."""
    with records.read() as session:
        rows = session.scalars(select(Label).order_by(Label.id))
        return [(r.staff.name, r.intent.slug if r.intent else r.kind, r.undone_at is None) for r in rows]


def test_a_form_sent_twice_stores_one_label(ann: FlaskClient, records: Database) -> None:
    """And both times the answer is the same."""
    (message_id,) = ask(ann, "what is the capital of peru")
    drawn = card(ann, message_id)
    answers = [label(ann, message_id, "intent:vpn", **drawn) for _ in range(2)]

    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [(303, "/desk")] * 2
    assert given(records) == [("ann", "vpn", True)]
    assert "Labelled as “Why does the VPN not connect?”." in ann.get("/desk").text


def test_a_late_request_does_not_bring_back_what_was_undone(ann: FlaskClient, records: Database) -> None:
    """It says so; a new card labels as ever."""
    (message_id,) = ask(ann, "what is the capital of peru")
    drawn = card(ann, message_id)
    label(ann, message_id, "skip", **drawn)
    post(ann, "/desk/labels/1/undo")
    label(ann, message_id, "skip", **drawn)

    assert "does not count any more" in ann.get("/desk").text
    assert given(records) == [("ann", "skip", False)]
    label(ann, message_id, "skip")
    assert given(records) == [("ann", "skip", False), ("ann", "skip", True)]


def test_a_new_faq_sent_twice_is_one_faq(ann: FlaskClient, records: Database) -> None:
    """Neither a second entry nor an error."""
    (message_id,) = ask(ann, "the coffee machine is broken")
    form = card(ann, message_id) | {"question": "Coffee machine broken?", "answer": "Call facilities."}
    answers = [ann.post(f"/desk/{message_id}/faq", data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert given(records) == [("ann", "coffee_machine_broken", True)]
    assert "is published" in ann.get("/desk").text


def test_what_somebody_else_said_meanwhile_is_shown_first(
    ann: FlaskClient, bob: FlaskClient, records: Database
) -> None:
    """Nothing is written; the page has a button for either, without JavaScript."""
    (message_id,) = ask(ann, "what is the capital of peru")
    drawn = card(ann, message_id)
    label(bob, message_id, "intent:vpn")
    page = label(ann, message_id, "intent:wifi", **drawn)

    assert page.status_code == 409
    assert "bob labelled this “Why does the VPN not connect?” just now." in page.text
    assert 'href="/desk">Keep it and go on' in page.text
    assert "Replace it with “How do I join the office Wi-Fi?”" in page.text
    assert given(records) == [("bob", "vpn", True)]

    shown = dict(fields(page.text))
    assert ann.post(f"/desk/{message_id}/label", data=shown).status_code == 303
    assert given(records) == [("bob", "vpn", False), ("ann", "wifi", True)]


def test_a_new_faq_of_what_was_labelled_meanwhile_keeps_what_was_typed(
    ann: FlaskClient, bob: FlaskClient, records: Database
) -> None:
    """No entry is made before the person says so."""
    (message_id,) = ask(ann, "the coffee machine is broken")
    form = card(ann, message_id) | {"question": "Coffee “machine” broken?", "answer": "Call\nfacilities."}
    label(bob, message_id, "out_of_scope")
    page = ann.post(f"/desk/{message_id}/faq", data=form)

    assert page.status_code == 409
    assert 'value="Coffee “machine” broken?"' in page.text
    assert ">\nCall\nfacilities.</textarea>" in page.text
    assert "bob labelled this none of our FAQs" in page.text
    with records.read() as session:
        assert session.scalar(select(Intent).where(Intent.slug == "coffee_machine_broken")) is None
    assert ann.post(f"/desk/{message_id}/faq", data=form | dict(fields(page.text))).status_code == 303
    with records.read() as session:
        assert faq.find_intent(session, "coffee_machine_broken").answer == "Call\nfacilities."


def test_what_was_typed_is_kept_when_it_cannot_be_saved(ann: FlaskClient, records: Database) -> None:
    """Such as an entry that there is already, or a question that says nothing."""
    (message_id,) = ask(ann, "the coffee machine is broken")
    for question, status, why in (
        ("VPN", 409, "There is an intent"),
        ("???", 400, "Question"),
        ("x" * 2001, 400, "2001"),
    ):
        form = card(ann, message_id) | {"question": question, "answer": "A long answer."}
        page = ann.post(f"/desk/{message_id}/faq", data=form)
        assert page.status_code == status
        assert why in page.text
        assert f'value="{question}"' in page.text
        assert ">\nA long answer.</textarea>" in page.text
    assert given(records) == []


def test_agreeing_is_no_conflict(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """Both words are kept, the newer one counts."""
    (message_id,) = ask(ann, "what is the capital of peru")
    drawn = card(ann, message_id)
    label(bob, message_id, "intent:vpn")

    assert label(ann, message_id, "intent:vpn", **drawn).status_code == 303
    assert given(records) == [("bob", "vpn", False), ("ann", "vpn", True)]


def test_two_keys_on_one_card_ask_which_is_meant(ann: FlaskClient, records: Database) -> None:
    """The second one may come from a card that the browser kept."""
    (message_id,) = ask(ann, "what is the capital of peru")
    drawn = card(ann, message_id)
    label(ann, message_id, "intent:vpn", **drawn)
    page = label(ann, message_id, "intent:wifi", **drawn)

    assert page.status_code == 409
    assert "You labelled this “Why does the VPN not connect?” just now." in page.text
    assert given(records) == [("ann", "vpn", True)]


def fields(page: str) -> list[tuple[str, str]]:
    """The hidden fields of a page's last form."""
    return re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page)


def test_undo_names_its_label(ann: FlaskClient, records: Database) -> None:
    """Of two windows each takes back what it shows; a second time it says so."""
    one, two = ask(ann, "what is the capital of peru", "where is the gym")
    label(ann, one, "intent:vpn")
    (first,) = undo_buttons(ann.get("/desk").text)
    label(ann, two, "intent:wifi")
    assert post(ann, first).headers["Location"] == f"/desk?item={one}"
    assert "Undone: “Why does the VPN not connect?”." in ann.get("/desk").text
    assert given(records) == [("ann", "vpn", False), ("ann", "wifi", True)]

    assert post(ann, first).status_code == 303
    assert "That was undone already." in ann.get("/desk").text
    assert given(records) == [("ann", "vpn", False), ("ann", "wifi", True)]


def test_what_one_labelled_is_listed_with_a_button_for_each(
    ann: FlaskClient, bob: FlaskClient, records: Database
) -> None:
    """The list is linked from the desk, and undo leads back to it."""
    one, two, three = ask(ann, "what is the capital of peru", "where is the gym", "who pays the coffee")
    for message_id in (one, two, three):
        label(ann, message_id, "intent:vpn")
    label(bob, one, "intent:wifi")
    assert 'href="/desk/mine"' in ann.get("/desk").text
    page = ann.get("/desk/mine").text

    assert page.index("who pays the coffee") < page.index("where is the gym") < page.index("capital of peru")
    assert "bob labelled it “How do I join the office Wi-Fi?” since" in page
    assert undo_buttons(page) == ["/desk/labels/3/undo?from=mine", "/desk/labels/2/undo?from=mine"]
    assert post(ann, undo_buttons(page)[1]).headers["Location"] == "/desk/mine"
    assert given(records)[:3] == [("ann", "vpn", False), ("ann", "vpn", False), ("ann", "vpn", True)]

    late = post(ann, "/desk/labels/1/undo")
    assert late.status_code == 409
    assert "bob labelled this “How do I join the office Wi-Fi?” just now, after your “Why does the VPN" in late.text
    assert post(ann, "/desk/labels/4/undo").status_code == 404, "somebody else's"


def test_a_card_tells_who_labelled_it(ann: FlaskClient, bob: FlaskClient) -> None:
    """With an undo for whoever did."""
    (message_id,) = ask(ann, "what is the capital of peru")
    label(bob, message_id, "intent:wifi")
    for reader, who, buttons in ((ann, "bob", 0), (bob, "You", 2)):  # bob's page says what he just did, too
        page = reader.get(f"/desk?item={message_id}").text
        assert f"{who} labelled this “How do I join the office Wi-Fi?”." in page
        assert len(undo_buttons(page)) == buttons


def undo_buttons(page: str) -> list[str]:
    """Where a page's undo buttons lead."""
    return re.findall(r'action="(/desk/labels/[^"]+)"', page)
