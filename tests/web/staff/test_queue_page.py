"""States of a text beside its label, the tabs that list them, and the queue as a list."""

import re
from html import unescape

import pytest
from clients import ask, card, draw, label, post
from flask.testing import FlaskClient
from sqlalchemy import update

from helpdesk.records import faq, labels, now_answered
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow

PERU, CHAD, TUNNEL = "what is the capital of peru", "what is the capital of chad", "tunnel to the company is dead"


def heading(page: str) -> str:
    """The message of a card."""
    found = re.search(r'<h1 class="message">([^<]+)', page)
    return unescape(found[1]) if found else ""


def listed(page: str) -> list[str]:
    """The texts of the queue page, in order."""
    return [unescape(text) for text in re.findall(r'<a href="/desk\?[^"]*item=\d+[^"]*">([^<]+)</a><small>', page)]


def count(page: str, tab: str) -> str:
    """What a tab says it has."""
    found = re.search(rf'>{tab}\s*<span class="count">([\d,]+)', page)
    assert found, tab
    return found[1]


def test_what_is_put_off_comes_last_and_is_found(ann: FlaskClient, bob: FlaskClient) -> None:
    """For others at the end, for oneself when all else is done; it is no label, in no count."""
    first, second = ask(ann, PERU, CHAD)
    assert heading(ann.get("/desk").text) == PERU
    label(ann, first, "skip")
    page = ann.get("/desk").text

    assert heading(page) == CHAD
    assert "0 labels for tonight" in page
    assert (count(page, "All"), count(page, "Later"), count(page, "Done")) == ("2", "1", "0")
    assert listed(bob.get("/desk/queue").text) == [CHAD, PERU]
    label(ann, second, "out_of_scope")
    page = ann.get("/desk").text
    assert "You put off all that is left" in page
    assert heading(ann.get("/desk?kind=later").text) == PERU
    assert heading(bob.get(f"/desk?item={first}").text) == PERU


def test_what_is_put_off_waits_in_the_audit_sample_too(ann: FlaskClient, records: Database) -> None:
    """Putting off is not labelling: the sample still has it, at its end."""
    ids = ask(ann, PERU, CHAD)
    draw(records)
    first = heading(ann.get("/desk?kind=audit").text)
    label(ann, ids[[PERU, CHAD].index(first)], "skip")
    page = ann.get("/desk?kind=audit").text

    assert heading(page) == ({PERU, CHAD} - {first}).pop()
    assert count(page, "Audit") == "2"


def test_not_a_question_is_a_label_that_teaches_nothing(ann: FlaskClient, records: Database) -> None:
    """It leaves the queue and has its tab; tonight learns nothing of it."""
    (message,) = ask(ann, "lorem ipsum dolor")
    label(ann, message, "not_a_question")
    page = ann.get("/desk?kind=not_a_question").text

    assert heading(page) == "lorem ipsum dolor"
    assert (count(page, "All"), count(page, "Not a question")) == ("0", "1")
    assert "0 labels for tonight" in page
    assert "You labelled this not a question." in page
    with records.read() as session:
        assert labels.labels_since(session, None) == 0


def test_a_flag_has_a_note_that_the_next_one_reads(ann: FlaskClient, bob: FlaskClient) -> None:
    """It leaves the queue for its tab until somebody says what the message means."""
    (message,) = ask(ann, PERU)
    assert label(ann, message, "flag", note="  ").status_code == 400
    label(ann, message, "flag", note="legal must see this <b>")
    page = bob.get(f"/desk?kind=flagged&item={message}").text

    assert heading(page) == PERU
    assert "ann flagged this: legal must see this &lt;b&gt;" in page
    assert "All caught up" in bob.get("/desk").text
    label(bob, message, "out_of_scope")
    assert count(bob.get("/desk").text, "Flagged") == "0"


def test_a_flag_on_a_labelled_text_keeps_its_label(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """Both stand; a new label answers the flag, and undoing that raises it again."""
    (message,) = ask(ann, PERU)
    label(ann, message, "out_of_scope")
    label(bob, message, "flag", note="are you sure?")
    with records.read() as session:
        assert [row.kind for row in labels.active_labels(session)] == ["out_of_scope"]
    page = ann.get("/desk?kind=flagged").text
    assert heading(page) == PERU
    assert "bob flagged this: are you sure?" in page
    label(ann, message, "intent:vpn")
    assert count(ann.get("/desk").text, "Flagged") == "0"
    post(ann, "/desk/labels/3/undo")
    assert count(ann.get("/desk").text, "Flagged") == "1"
    with records.read() as session:
        assert [row.kind for row in labels.active_labels(session)] == ["out_of_scope"]


def test_a_lost_session_keeps_the_note(ann: FlaskClient) -> None:
    """As it keeps everything that is typed."""
    (message,) = ask(ann, PERU)
    form = dict(re.findall(r'name="(csrf_token|seen)" value="([^"]+)"', ann.get(f"/desk?item={message}").text))
    ann.delete_cookie("session")
    page = ann.post(f"/desk/{message}/label", data=form | {"label": "flag", "note": "look at this"}).text

    assert 'name="again-note" value="look at this"' in page


def test_every_fifth_card_is_of_the_audit_sample(ann: FlaskClient, records: Database) -> None:
    """Blind, whatever was decided; so the sample gets labelled by whoever works through the queue."""
    countries = ("peru", "chad", "iran", "mali", "togo", "cuba")
    ids = ask(ann, *(f"what is the capital of {country}" for country in countries), "forgot my password")
    draw(records)
    blind = []
    for _ in range(6):
        page = ann.get("/desk").text
        blind.append('class="card panel blind' in page)
        message = int(re.findall(r'action="/desk/(\d+)/label', page)[0])
        label(ann, message, "out_of_scope")

    assert blind == [False, False, False, False, True, False]
    assert len(ids) == 7


def test_the_list_is_filtered_and_sorted(ann: FlaskClient) -> None:
    """By words, decision, confidence and date; what is chosen stays in the address of every card."""
    ask(ann, PERU, CHAD, TUNNEL, TUNNEL, PERU, CHAD, PERU)
    page = ann.get("/desk/queue?sort=count").text
    assert listed(page) == [PERU, CHAD, TUNNEL]
    assert listed(ann.get("/desk/queue?sort=newest").text) == [PERU, CHAD, TUNNEL]
    page = ann.get("/desk/queue?text=capital&sort=newest").text
    assert listed(page) == [PERU, CHAD]
    assert "2 texts" in page
    assert 'href="/desk?item=7&amp;text=capital&amp;sort=newest"' in page
    card = ann.get("/desk?item=7&text=capital&sort=newest").text
    assert 'action="/desk/7/label?text=capital&amp;sort=newest"' in card
    assert 'data-next="6"' in card
    assert listed(ann.get("/desk/queue?until=2001-01-01").text) == []
    assert listed(ann.get("/desk/queue?high=0").text) == []


@pytest.mark.parametrize("bad", ["sort=best", "since=yesterday", "low=-1", "high=101", "faq=nope"])
def test_a_filter_that_is_none_is_explained(ann: FlaskClient, bad: str) -> None:
    """Nothing is guessed."""
    said = ann.get(f"/desk/queue?{bad}")
    assert said.status_code in (400, 404)
    assert bad.split("=")[1] in said.text


def test_ticked_rows_are_labelled_as_suggested(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """In one press; what somebody else labelled meanwhile stays as they said, and is told."""
    ids = ask(ann, TUNNEL, "the tunnel is closed today", PERU)
    page = ann.get("/desk/queue").text
    rows = re.findall(r'name="row" value="([^"]+)"', page)
    assert len(rows) == 3
    label(bob, ids[1], "out_of_scope")
    wanted = [row for row in rows if int(row.split(":")[0]) in ids[:2]]
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    said = ann.post("/desk/queue", data={"csrf_token": token, "row": wanted}, follow_redirects=True).text

    assert "1 labelled as suggested. 1 not: “the tunnel is closed today”: bob labelled this" in unescape(said)
    with records.read() as session:
        found = {row.normalised: row.intent.slug if row.intent else None for row in labels.active_labels(session)}
    assert found == {TUNNEL: wanted[0].split(":")[2], "the tunnel is closed today": None}
    bad = {"csrf_token": token, "row": [rows[2], "x"]}
    assert ann.post("/desk/queue", data=bad).status_code == 400
    with records.read() as session:
        assert len(labels.active_labels(session)) == 2, "all rows are read before one is labelled"
    assert ann.post("/desk/queue", data={"csrf_token": token}).status_code == 400


def test_what_is_labelled_says_whether_it_is_live(ann: FlaskClient) -> None:
    """A label counts for the version that is built after it."""
    (message,) = ask(ann, PERU)
    label(ann, message, "out_of_scope")
    page = ann.get("/desk/queue?kind=done").text

    assert listed(page) == [PERU]
    assert "not yet live" in page


def test_a_page_that_is_not_there_is_the_last_one(ann: FlaskClient) -> None:
    """What is left of a long list may be short."""
    ask(ann, PERU)
    page = ann.get("/desk/queue?page=999999").text
    assert listed(page) == [PERU]


def test_a_list_whose_session_ended_leads_back_to_itself(ann: FlaskClient) -> None:
    """By the login; nothing is labelled."""
    ask(ann, PERU)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', ann.get("/desk/queue?sort=count").text)[0]
    ann.delete_cookie("session")
    origin = {"Referer": "http://localhost/desk/queue?sort=count", "Origin": "http://localhost"}
    said = ann.post("/desk/queue", data={"csrf_token": token, "row": ["1:0:vpn"]}, headers=origin)
    assert said.headers["Location"] == "/login?next=/desk/queue?sort%3Dcount"


def test_a_labellers_new_faq_waits_for_an_editor(bob: FlaskClient, records: Database) -> None:
    """Whoever may not change the FAQ answers nobody with it."""
    (message,) = ask(bob, PERU)
    form = card(bob, message) | {"question": "Which capital?", "answer": "Lima."}
    said = bob.post(f"/desk/{message}/faq", data=form, follow_redirects=True).text
    assert "saved as a draft, an editor can publish it" in said
    with records.read() as session:
        assert faq.find_intent(session, "which_capital").status == "draft"


def test_a_card_shows_the_conversation_and_what_was_chosen(ann: FlaskClient, records: Database) -> None:
    """Two messages before and two after, with what became of each."""
    said: list[str] = [
        "first of all",
        "hello computer box",
        TUNNEL,
        "is anybody there now",
        "please do answer",
        "bye all",
    ]
    ids = ask(ann, *said)
    page = unescape(ann.get(f"/desk?item={ids[2]}").text)

    quoted = re.findall(r"<q>([^<]+)</q>", page)
    assert quoted == [*said[:2], *said[3:5]]


def test_enter_accepts_only_what_would_be_answered(ann: FlaskClient, records: Database) -> None:
    """Below the threshold nothing is preselected."""
    doubted, known = ask(ann, PERU, "forgot my password")
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=None))
    assert 'class="card panel"' in ann.get(f"/desk?item={doubted}").text
    page = ann.get(f"/desk?item={known}").text
    assert 'class="card panel sure"' in page
    assert "<kbd>Enter</kbd>" in page


def test_what_is_answered_now_has_its_tab(ann: FlaskClient, records: Database) -> None:
    """With the answer as its suggestion; ticked texts are labelled so, or put back."""
    ids = ask(ann, PERU, CHAD)
    with records.write() as session:
        scored = now_answered.texts_to_score(session, review_below=0.8, limit=9)
        now_answered.store_answers(session, scored, {text.text_key: ("vpn", 0.97) for text in scored})
    page = ann.get("/desk/queue?kind=answered").text
    assert (count(page, "All"), count(page, "Now answered")) == ("0", "2")
    assert sorted(listed(page)) == sorted([PERU, CHAD])
    card = ann.get(f"/desk?kind=answered&item={ids[0]}").text
    assert "it is answered with “Why does the VPN not connect?” now" in card
    form = {"csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]}
    assert ann.post("/desk/queue/back", data=form).status_code == 400
    rows = {row.split(":")[0]: row for row in re.findall(r'name="row" value="([^"]+)"', page)}
    said = ann.post("/desk/queue/back", data=form | {"row": [rows[str(ids[0])]]}, follow_redirects=True).text
    assert "1 put back" in said
    assert (count(said, "All"), count(said, "Now answered")) == ("1", "1")
    ann.post("/desk/queue?kind=answered", data=form | {"row": [rows[str(ids[1])]]})
    assert count(ann.get("/desk").text, "Now answered") == "0"
    assert "labelled as suggested" not in ann.get("/desk/queue?kind=answered").text


def test_texts_of_one_meaning_are_labelled_at_once(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """As one thing, whatever was suggested for each; what others labelled meanwhile is named."""
    ids = ask(ann, "tunnel tunnel tunnel", "tunnel tunnel", "box box box box", PERU)
    page = ann.get("/desk/queue?view=meaning").text
    groups = [re.findall(r'name="row" value="(\d+):', form) for form in page.split("<form ")]
    (together,) = [group for group in groups if str(ids[0]) in group]
    assert str(ids[1]) in together
    assert sorted(int(number) for group in groups for number in group) == sorted(ids)
    label(bob, ids[1], "out_of_scope")
    form = {"csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', page)[0], "as": "intent:vpn"}
    rows = [f"{number}:0:" for number in ids[:2]]
    assert ann.post("/desk/queue", data=form | {"row": rows, "as": "nonsense"}).status_code == 400
    said = ann.post("/desk/queue?view=meaning", data=form | {"row": rows}, follow_redirects=True).text

    assert "1 labelled. 1 not: “tunnel tunnel”: bob labelled this none of our FAQs." in unescape(said)
    assert 'name="as"' in said
    with records.read() as session:
        assert {row.message_id: row.kind for row in labels.active_labels(session)} == {
            ids[0]: "intent",
            ids[1]: "out_of_scope",
        }
