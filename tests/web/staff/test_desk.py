"""Login and the labelling desk, by HTTP as a browser without JavaScript would."""

import re
from datetime import timedelta

import pytest
from clients import ask, card, draw, label, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD
from sqlalchemy import select, update

from helpdesk.records import faq, labels, nights, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow, Label
from helpdesk.web.policy import PUBLIC
from helpdesk.web.staff import desk


def labelled(records: Database) -> list[tuple[str, str, str | None]]:
    """(normalised text, kind, intent) of every label that counts."""
    with records.read() as session:
        found = labels.active_labels(session)
        return [(label.normalised, label.kind, label.intent.slug if label.intent else None) for label in found]


KEPT = (
    "inbox.reply",
    "labelling.label",
    "labelling.new_faq",
    "golden.add",
    "faq_entry.create",
    "faq_entry.save",
    "faq_phrasings.split",
)


def test_every_other_page_needs_a_login(app: Flask, client: FlaskClient) -> None:
    """A route is either public, as `test_policy` lists them, or sends strangers to the login."""
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], "policy", PUBLIC) == PUBLIC:
            continue
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        data = {"csrf_token": token(client)} if method == "POST" else None
        response = client.open(path, method=method, data=data)
        if rule.endpoint in KEPT:  # what was typed is kept meanwhile
            assert response.status_code == 401, path
            assert 'name="password"' in response.text, path
            continue
        assert response.status_code == 302, path
        assert response.headers["Location"].startswith("/login"), path


@pytest.mark.parametrize("path", ["/", "/login", "/desk", "/nothing", "/static/style.css", "/livez"])
def test_every_page_forbids_what_it_does_not_need(client: FlaskClient, path: str) -> None:
    """A strict policy everywhere, error pages included."""
    policy = client.get(path).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_form_without_its_token_is_refused(ann: FlaskClient) -> None:
    """Another site cannot label in somebody's name."""
    (message_id,) = ask(ann, "what is the capital of peru")

    assert ann.post(f"/desk/{message_id}/label", data={"label": "skip"}).status_code == 400


def test_the_card_shows_message_count_suggestions_and_reason(ann: FlaskClient) -> None:
    """What one needs to decide."""
    ask(ann, "tunnel to the company is dead", "Tunnel to the company is dead!")
    page = ann.get("/desk").text

    assert "Tunnel to the company is dead!" in page
    assert "2 times" in page
    assert "Why does the VPN not connect?" in page
    assert "like “" in page
    assert "version 1" in page


def test_the_card_offers_others_where_only_one_had_a_chance(ann: FlaskClient, records: Database) -> None:
    """What the log left out for its confidence is found by meaning."""
    (message_id,) = ask(ann, "tunnel to the company is dead")
    offered = re.compile(r'name="label" value="intent:(\w+)"')
    several = offered.findall(ann.get(f"/desk?item={message_id}").text)
    with records.write() as session:
        (row,) = session.scalars(select(DecisionRow)).all()
        row.ranking = row.ranking[:1]
    filled = offered.findall(ann.get(f"/desk?item={message_id}").text)

    assert len(several) > 1
    assert filled[0] == several[0]
    assert set(filled) >= set(several)
    assert len(filled) == len(set(filled)) <= 5


def test_a_card_of_a_text_that_redaction_made_too_long(ann: FlaskClient, records: Database) -> None:
    """It waits like any other, blind or not, and a search that long finds what its beginning means."""
    (message_id,) = ask(ann, "tunnel to the company is dead " + "a@b.co " * 270)
    with records.write() as session:
        (row,) = session.scalars(select(DecisionRow)).all()
        row.ranking = row.ranking[:1]
    pages = [ann.get(f"/desk?item={message_id}"), ann.get(f"/desk?item={message_id}&q={'vpn ' * 600}")]
    draw(records)
    pages.append(ann.get(f"/desk?item={message_id}"))

    assert [page.status_code for page in pages] == [200] * 3
    assert all('value="intent:vpn"' in page.text for page in pages)


def test_the_card_of_a_choice_offers_what_was_chosen_from(ann: FlaskClient, records: Database) -> None:
    """And nothing that only the word is like."""
    (message_id,) = ask(ann, "both")
    with records.write() as session:
        (row,) = session.scalars(select(DecisionRow)).all()
        row.ranking = [{"intent": slug, "confidence": 1.0} for slug in ("vpn", "password")]
        row.kind, row.reason = "answer", "two_choices"
    offered = re.findall(r'name="label" value="intent:(\w+)"', ann.get(f"/desk?item={message_id}").text)

    assert offered == ["vpn", "password"]


def test_the_card_shows_which_part_of_a_message_asks(ann: FlaskClient, records: Database) -> None:
    """As the log keeps it."""
    ask(ann, "the tunnel is closed")
    with records.write() as session:
        decision = session.scalars(select(DecisionRow)).one()
        first, *others = decision.ranking
        decision.ranking = [first | {"understood": "tunnel closed"}, *others]

    assert "asked by “tunnel closed”" in ann.get("/desk").text


def test_one_press_labels_and_goes_on(ann: FlaskClient, records: Database) -> None:
    """303 to the next card; the text leaves the queue."""
    first, _ = ask(ann, "tunnel to the company is dead", "what is the capital of peru")
    response = label(ann, first, "intent:vpn")

    assert response.status_code == 303
    page = ann.get("/desk").text
    assert '<h1 class="message">what is the capital of peru' in page
    assert page.count("tunnel to the company is dead") == 1, "only as what was said before"
    assert "1 label for tonight" in page
    assert labelled(records) == [("tunnel to the company is dead", "intent", "vpn")]


@pytest.mark.parametrize("kind", ["out_of_scope", "skip"])
def test_what_went_to_somebody_else_meanwhile_gives_way_to_what_waits(
    ann: FlaskClient, records: Database, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The queue is read anew, and nobody is told that nothing waits. What another one only put off is shown."""
    monkeypatch.setattr(desk, "SIDE_LIST", 1)
    first, second = ask(ann, "what is the capital of peru", "what is the capital of chad")
    with records.write() as session:
        bob = staff.add_staff(session, "bob", password=PASSWORD).id
        session.execute(update(DecisionRow).values(inclusion_probability=None))
    read = desk._read_queue

    def read_and_lose(tab: str, named: int | None) -> desk._Queue:
        found = read(tab, named)
        monkeypatch.setattr(desk, "_read_queue", read)
        with records.write() as session:
            lost = found.candidates[0].message_id
            labels.label_message(session, lost, kind=kind, staff_id=bob, holdout_share=0.0)
        return found

    monkeypatch.setattr(desk, "_read_queue", read_and_lose)
    page = ann.get("/desk").text

    assert "Nothing waits here" not in page
    assert f"/desk/{first}/label" in page or f"/desk/{second}/label" in page


@pytest.mark.parametrize("kind", ["out_of_scope", "skip"])
def test_none_of_our_faqs_and_skip_are_labels_too(ann: FlaskClient, records: Database, kind: str) -> None:
    """Both are one press."""
    (message_id,) = ask(ann, "what is the capital of peru")
    label(ann, message_id, kind)

    assert labelled(records) == [("what is the capital of peru", kind, None)]


def test_undo_shows_the_message_again(ann: FlaskClient, records: Database) -> None:
    """Unlimited, one's own."""
    (message_id,) = ask(ann, "what is the capital of peru")
    label(ann, message_id, "skip")
    response = post(ann, "/desk/labels/1/undo")

    assert response.headers["Location"] == f"/desk?item={message_id}"
    assert labelled(records) == []


def test_a_new_faq_is_made_from_a_message(ann: FlaskClient, records: Database) -> None:
    """With an answer it is published, without one it waits as a draft; the message is labelled with it."""
    first, second = ask(ann, "the coffee machine is broken", "where is the gym")
    post(ann, f"/desk/{first}/faq", seen="0", question="Coffee machine broken?", answer="Call facilities.")
    post(ann, f"/desk/{second}/faq", seen="0", question="Where is the gym?", answer="")

    with records.read() as session:
        assert faq.find_intent(session, "coffee_machine_broken").status == "published"
        assert faq.find_intent(session, "where_is_the_gym").status == "draft"
    assert {intent for _, _, intent in labelled(records)} == {"coffee_machine_broken", "where_is_the_gym"}


def test_a_new_faq_says_which_entry_has_its_question(ann: FlaskClient) -> None:
    """It is published all the same, and asked about."""
    (message_id,) = ask(ann, "what is the capital of peru")
    form = card(ann, message_id) | {"question": "VPN not connecting!", "answer": "Lima."}
    ann.post(f"/desk/{message_id}/faq", data=form)
    said = ann.get("/desk").text

    assert "is a phrasing of vpn and vpn_not_connecting: it is asked which one is meant" in said


def test_another_faq_is_found_by_meaning(ann: FlaskClient) -> None:
    """Search works without JavaScript, by a plain form."""
    (message_id,) = ask(ann, "what is the capital of peru")
    page = ann.get(f"/desk?item={message_id}&q=wireless").text

    assert 'value="intent:wifi"' in page


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/desk/{id}/label", {"label": "intent:nope"}, 404),
        ("/desk/{id}/label", {"label": "intent"}, 400),
        ("/desk/{id}/label", {}, 400),
        ("/desk/{id}/label", {"label": "shrug"}, 400),
        ("/desk/999/label", {"label": "skip"}, 404),
        ("/desk/99999999999999999999/label", {"label": "skip"}, 404),
        ("/desk/{id}/faq", {"question": "???"}, 400),
        ("/desk/{id}/faq", {"question": "x" * 2001}, 400),
        ("/desk/{id}/label", {"label": "skip", "seen": "1"}, 400),
        ("/desk/{id}/label", {"label": "skip", "seen": "9" * 30}, 400),
        ("/desk/{id}/label", {"label": "skip", "seen": "-1"}, 400),
        ("/desk/{id}/label", {"label": "skip", "seen": ""}, 400),
    ],
)
def test_bad_forms_are_explained_and_store_nothing(
    ann: FlaskClient, records: Database, path: str, fields: dict[str, str], status: int
) -> None:
    """A page for people, no trace in the tables."""
    (message_id,) = ask(ann, "what is the capital of peru")

    response = post(ann, path.format(id=message_id), **({"seen": "0"} | fields))

    assert response.status_code == status
    assert "<h1>" in response.text
    with records.read() as session:
        assert session.scalars(select(Label)).all() == []


def test_chat_text_is_text(ann: FlaskClient) -> None:
    """Markup is shown, not run; hidden characters are made visible."""
    ask(ann, "<script>alert(1)</script> \u202e where is peru")
    page = ann.get("/desk").text

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\\u202e" in page


def test_the_tabs_keep_one_kind(ann: FlaskClient) -> None:
    """ "No answer" shows only fallbacks."""
    ask(ann, "what is the capital of peru")

    assert "what is the capital of peru" in ann.get("/desk?kind=fallback").text
    assert "All caught up" in ann.get("/desk?kind=clarify").text


def test_an_audited_message_is_shown_blind(ann: FlaskClient, records: Database) -> None:
    """A sure answer waits in the audit tab: five choices and nothing of what was decided, nor how sure it was."""
    (message_id,) = ask(ann, "forgot my password")
    draw(records)
    page = ann.get("/desk?kind=audit").text

    assert "forgot my password" in page
    assert 'Audit\n        <span class="count">1</span>' in page
    card = page[page.index("<article") : page.index("</article")]
    for revealing in (
        "<meter",
        "like “",
        "version 1",
        "low confidence",
        "no answer</span>",
        "Enter",
        "found",
        "answered",
    ):
        assert revealing not in card, revealing
    choices = re.findall(r'value="intent:(\w+)"', card)
    assert len(choices) == 5
    again = ann.get(f"/desk?kind=audit&item={message_id}").text
    assert choices == re.findall(r'value="intent:(\w+)"', again), "a choice keeps its key"


def test_the_order_of_blind_choices_follows_no_ranking(ann: FlaskClient, records: Database) -> None:
    """Over messages that mean the same, the likely FAQ stands anywhere."""
    words = ("please", "now", "again", "today", "quickly", "somehow", "really", "at home")
    ids = ask(ann, *(f"forgot my password {word}" for word in words))
    draw(records)
    pages = [ann.get(f"/desk?kind=audit&item={number}").text for number in ids]

    assert len({re.findall(r'value="intent:(\w+)"', page).index("password") for page in pages}) > 2


def test_an_audit_label_trains_and_leads_to_the_next_audited_message(ann: FlaskClient, records: Database) -> None:
    """Like any other label, within its tab; undo stays there too."""
    ask(ann, "forgot my password", "paper jam in the printer")
    draw(records)
    page = ann.get("/desk?kind=audit").text
    action = re.search(r'action="(/desk/\d+/label\?kind=audit)"', page)
    assert action
    response = post(ann, action[1], label="intent:wifi", seen="0")

    assert response.headers["Location"] == "/desk?kind=audit"
    assert [kind for _, kind, _ in labelled(records)] == ["intent"]
    assert 'Audit\n        <span class="count">1</span>' in ann.get("/desk?kind=audit").text
    assert "kind=audit" in post(ann, "/desk/labels/1/undo?kind=audit").headers["Location"]


def test_a_message_nothing_is_known_of_has_blind_choices_too(ann: FlaskClient, records: Database) -> None:
    """Else their absence would tell that it was handed over."""
    ask(ann, "what is the capital of peru")
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=0.5, ranking=[]))

    assert ann.get("/desk?kind=audit").text.count('value="intent:') == 5


def test_the_desk_says_what_the_last_night_did(ann: FlaskClient, records: Database) -> None:
    """Age and verdict, and an alarm when it failed."""
    assert "version 1 (first) went into service" in ann.get("/desk").text
    with records.write() as session:
        failed = {"verdict": "failed", "reason": "OSError: disk full", "refusals": {}, "labels": 0, "figures": {}}
        nights.add_night(session, started_at=now(), finished_at=now() - timedelta(hours=3), version_id=1, **failed)
    page = ann.get("/desk").text

    assert "3 hours ago" in page
    assert "it failed" in page
    assert "disk full" in page
    assert 'role="alert"' in page
