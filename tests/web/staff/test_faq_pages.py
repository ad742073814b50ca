"""The FAQ pages, by HTTP as a browser without JavaScript would."""

import re
from html import unescape

import pytest
from clients import ask, label, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD, STAFF
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from helpdesk.records import faq, faq_history, golden
from helpdesk.records.data_checks import store_data_check
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import AuditLogRow, Intent, Phrasing, Staff
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

LIST, NEW = "/desk/faq", "/desk/faq/new"


def number(records: Database, slug: str) -> int:
    """The number of an entry."""
    with records.read() as session:
        return session.scalars(select(Intent.id).where(Intent.slug == slug)).one()


def path(records: Database, slug: str, *more: object) -> str:
    """An address of an entry's."""
    return "/".join(map(str, (LIST, number(records, slug), *more)))


def fields(page: str) -> dict[str, str]:
    """What the entry's form holds."""
    form = re.search(r'<form [^>]*id="edit".*?</form>', page, re.DOTALL)
    assert form
    inputs = re.findall(r'<input [^>]*name="(\w+)" value="([^"]*)"', form[0])
    areas = re.findall(r'<textarea name="(\w+)"[^>]*>\n(.*?)</textarea>', form[0], re.DOTALL)
    return {name: unescape(value) for name, value in [*inputs, *areas]}


def save(client: FlaskClient, at: str, page: str | None = None, **typed: str) -> TestResponse:
    """Send an entry's form as the page has it, with what is typed over it."""
    return client.post(at, data=fields(page or client.get(at).text) | typed)


def entry(records: Database, slug: str) -> Intent:
    """An entry as it is stored."""
    with records.read() as session:
        return faq.find_intent(session, slug)


def press(client: FlaskClient, at: str, **sent: str) -> TestResponse:
    """Send a form of an entry's page."""
    page = client.get("/".join(at.split("/")[:4])).text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen
    return post(client, at, LIST + "/new", **{"seen": seen[1], **sent})


def test_an_entry_is_made_finished_and_published(ann: FlaskClient, records: Database) -> None:
    """Every page says what became of it; tags and lines are taken apart."""
    made = save(ann, NEW, question="Where is the gym?", tags="sport, , house", phrasings="gym\n\nfitness room")
    assert made.status_code == 303
    at = made.headers["Location"]
    page = ann.get(at).text
    assert "Saved as a draft." in page
    assert "fitness room" in page
    refused = save(ann, at, do="publish")
    assert (refused.status_code, "needs an answer" in refused.text) == (400, True)
    assert save(ann, at, answer="In the cellar.\r\nLeft.", do="publish").status_code == 303

    found = entry(records, "where_is_the_gym")
    assert (found.status, found.answer, found.tags) == ("published", "In the cellar.\nLeft.", ["sport", "house"])
    assert "Nothing was different." in ann.post(at, data=fields(ann.get(at).text), follow_redirects=True).text


def test_the_list_is_searched_filtered_and_paged(ann: FlaskClient, records: Database) -> None:
    with records.write() as session:
        entries = [Entry(f"e{n:03}", f"E {n}?", "<b>So.</b>", tags=("t<1>",)) for n in range(60)]
        faq.store_entries(session, entries, author="file")
    first = ann.get(LIST).text
    after = re.search(r'after=([^"]+)">Next page', first)
    assert after
    assert f"after={after[1]}" in first
    assert "How do I reset my password?" in ann.get(f"{LIST}?after={after[1]}").text
    assert "How do I reset my password?" in ann.get(f"{LIST}?q=FORGOT my").text
    assert "Nothing like that" in ann.get(f"{LIST}?q=nowhere&state=draft").text
    assert "t&lt;1&gt;" in first


def test_a_concurrent_edit_is_shown_and_keeps_what_was_typed(ann: FlaskClient, app: Flask, records: Database) -> None:
    """Theirs and mine are beside each other; mine is saved over theirs only when asked for."""
    at = path(records, "vpn")
    mine = ann.get(at).text
    assert save(ann, at, answer="Theirs.").status_code == 303
    refused = save(ann, at, mine, answer="Mine & only mine.", phrasings="typed too")
    assert refused.status_code == 409
    assert "Changed meanwhile" in refused.text
    assert "Theirs." in refused.text
    kept = fields(refused.text)
    assert (kept["answer"], kept["phrasings"]) == ("Mine & only mine.", "typed too")
    assert entry(records, "vpn").answer == "Theirs."

    assert ann.post(at, data=kept).status_code == 303
    assert entry(records, "vpn").answer == "Mine & only mine."


def test_what_is_typed_about_a_deleted_entry_can_be_made_anew(ann: FlaskClient, records: Database) -> None:
    at = path(records, "vpn")
    mine = ann.get(at).text
    press(ann, f"{at}/delete")
    page = save(ann, at, mine, answer="A long answer.")
    assert page.status_code == 409
    assert "saved, this is a new one" in page.text
    assert fields(page.text)["answer"] == "A long answer."
    assert save(ann, NEW, page.text).status_code == 303


@pytest.mark.parametrize("form", ["entry", "new entry", "split", "golden"])
def test_a_lost_session_loses_nothing(ann: FlaskClient, records: Database, form: str) -> None:
    """After the login the form is there with what was typed, and can be sent."""
    long = "Write to <facilities>.\n" + "Then “wait”. " * 500
    at, typed = {
        "entry": (path(records, "vpn"), {"question": "VPN?", "answer": long, "phrasings": "a b\nc d"}),
        "new entry": (NEW, {"question": "Gym?", "answer": long, "phrasings": "a b\nc d"}),
        "split": (path(records, "vpn", "split"), {"question": "Tunnel?", "answer": long}),
        "golden": ("/desk/golden", {"text": "what is “this”", "promise": "always:vpn"}),
    }[form]
    page = ann.get(at).text
    sent = dict(re.findall(r'name="(csrf_token|seen)" value="([^"]+)"', page)) | typed
    if form == "split":
        sent["phrasing"] = str(re.findall(r'name="phrasing" value="(\d+)"', page)[1])
    ann.delete_cookie("session")
    lost = ann.post(at, data=sent)
    assert lost.status_code == 401
    carried = re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', lost.text)
    back = ann.post("/login", data={n: unescape(v) for n, v in carried} | {"name": STAFF, "password": PASSWORD})
    assert back.status_code == 200
    for text in typed.values():
        assert all(line in unescape(back.text) for line in text.removeprefix("always:").splitlines())
    again = sent | {"csrf_token": token(ann, at), "do": "save+anyway"}
    assert ann.post(at, data=again).status_code == 303
    if form == "golden":
        with records.read() as session:
            assert [phrase.intent for phrase in golden.read(session)] == ["vpn"]


def test_phrasings_are_listed_with_their_origin_and_removed(ann: FlaskClient, records: Database) -> None:
    """Also when the button is pressed twice; labels are taken back."""
    (message,) = ask(ann, "the tunnel is shut")
    label(ann, message, "intent:vpn")
    at = path(records, "vpn")
    page = ann.get(at).text
    remove = re.search(r'action="([^"]+/remove)">.*?name="text" value="vpn login error"', page)
    assert remove
    where = remove[1].rsplit('action="', 1)[-1]
    assert "the tunnel is shut" in page
    for said in ("Removed “vpn login error”", "was removed already"):
        assert post(ann, where, at, text="vpn login error").headers["Location"] == at
        assert said in ann.get(at).text
    taken = re.search(r'action="([^"]+/labels/\d+/remove)"', page)
    assert taken
    for said in ("waits to be labelled again", "was taken back already"):
        post(ann, taken[1], at)
        assert said in ann.get(at).text
    assert "vpn login error" not in ann.get(at).text


def test_states_names_and_history_by_page(ann: FlaskClient, records: Database) -> None:
    """Each change is in the history with its author and can be gone back to."""
    at = path(records, "vpn")
    press(ann, f"{at}/state", status="archived")
    assert entry(records, "vpn").status == "archived"
    press(ann, f"{at}/state", status="draft")
    press(ann, f"{at}/state", status="published")
    press(ann, f"{at}/rename", name="Virtual Network")
    assert "another entry already" in unescape(press(ann, f"{at}/rename", name="wifi").text + ann.get(at).text)
    save(ann, at, answer="Something else.")
    page = ann.get(f"{at}/history").text
    for action in ("archived", "restored", "published", "renamed", "edited"):
        assert f"<b>{action}</b> by ann" in page
    assert "<del>Restart the VPN client.</del>" in page
    versions = re.findall(r'name="version" value="(\d+)"', page)
    assert post(ann, f"{at}/revert", f"{at}/history", version=versions[0], seen=newest(records, at)).status_code == 303
    assert entry(records, "vpn").answer == "Restart the VPN client."
    assert press(ann, f"{at}/state", status="gone").status_code == 400
    with records.read() as session:
        log = session.scalars(select(AuditLogRow.action).where(AuditLogRow.author == STAFF)).all()
    assert log[-3:] == ["faq.renamed", "faq.edited", "faq.reverted"]


def newest(records: Database, at: str) -> str:
    """The last change of the entry at an address."""
    with records.read() as session:
        return str(faq_history.newest(session, int(at.split("/")[3])))


def test_a_late_button_asks_first(ann: FlaskClient, records: Database) -> None:
    """It says what was changed, and is pressed all the same or not."""
    at = path(records, "vpn")
    seen = newest(records, at)
    save(ann, at, answer="Newer.")
    page = post(ann, f"{at}/state", at, status="draft", seen=seen)
    assert page.status_code == 409
    assert "Newer." in page.text
    assert entry(records, "vpn").status == "published"
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert ann.post(f"{at}/state", data=sent).status_code == 303
    assert entry(records, "vpn").status == "draft"


def test_entries_are_merged_and_split_by_page(ann: FlaskClient, records: Database) -> None:
    at = path(records, "vpn")
    page = ann.get(f"{at}/split").text
    ticked = re.search(r'name="phrasing" value="(\d+)"\s*> vpn login error', page)
    assert ticked
    nothing = press(ann, f"{at}/split", question="Login?", answer="So.")
    assert (nothing.status_code, "nothing is ticked" in nothing.text.lower()) == (400, True)
    made = press(ann, f"{at}/split", question="Login?", answer="So.", phrasing=ticked[1])
    assert made.status_code == 303
    assert [p.text for p in entry_phrasings(records, "login")] == ["vpn login error", "Login?"]
    assert press(ann, f"{at}/merge", into="nowhere").status_code == 409
    assert press(ann, f"{at}/merge", into="vpn").status_code == 409
    assert press(ann, f"{at}/merge", into="login").headers["Location"] == path(records, "login")
    assert len(entry_phrasings(records, "login")) == 6
    assert ann.get(at).status_code == 404


def entry_phrasings(records: Database, slug: str) -> list[Phrasing]:
    """An entry's phrasings, oldest first."""
    with records.read() as session:
        return list(faq.find_intent(session, slug).phrasings)


def test_a_deletion_says_what_it_costs_and_keeps_the_labels(ann: FlaskClient, records: Database) -> None:
    """They are listed until they are moved; the entry comes back from its history."""
    (message,) = ask(ann, "the tunnel is shut")
    label(ann, message, "intent:vpn")
    at = path(records, "vpn")
    page = ann.get(f"{at}/delete").text
    assert "<b>5</b> phrasings go with it" in page
    assert "<b>1</b> label names it" in page
    assert press(ann, f"{at}/delete", labels_to="nowhere").status_code == 409
    assert press(ann, f"{at}/delete").headers["Location"] == LIST
    assert "1 label left" in ann.get(LIST).text
    gone = "/desk/faq/labels-without-entry"
    listed = ann.get(gone).text
    assert "the tunnel is shut" in listed
    (ticked,) = re.findall(r'name="label" value="(\d+)"', listed)
    assert post(ann, gone, gone, label=ticked, into="nowhere").headers["Location"] == gone
    assert "Nothing was moved" in ann.get(gone).text
    post(ann, gone, gone, label=ticked, into="wifi")
    assert "1 label moved to “How do I join the office Wi-Fi?”" in ann.get(gone).text
    back = re.findall(r'name="version" value="(\d+)"', ann.get(f"{at}/history").text)
    assert post(ann, f"{at}/revert", f"{at}/history", version=back[0], seen=newest(records, at)).status_code == 303
    assert (entry(records, "vpn").status, len(entry_phrasings(records, "vpn"))) == ("draft", 5)


def test_a_message_is_tried(ann: FlaskClient, records: Database) -> None:
    """On the page and as a part of it; nothing is logged."""
    at = path(records, "vpn")
    for page in (ann.get(f"{at}?try=vpn not connecting").text, ann.get("/desk/faq/try?try=vpn not connecting").text):
        assert "Would be answered" in page
        assert "Restart the VPN client." in page
    assert "<html" not in ann.get("/desk/faq/try?try=vpn").text
    assert "no letters or digits" in ann.get(f"{at}?try=???").text
    assert "cannot be tried" in ann.get(f"{at}?try={'x' * 5000}").text


def test_a_text_of_another_entry_is_warned_of(ann: FlaskClient, records: Database, live: LiveMatcher) -> None:
    """While it is typed, when it is saved, on the entry's page and by the check, which removes it."""
    at = path(records, "wifi")
    found = post(ann, "/desk/faq/alike", at, question="", phrasings="VPN not connecting!", entry=at.split("/")[-1])
    assert "is a phrasing, too" in found.text
    assert "Why does the VPN not connect?" in found.text
    form = fields(ann.get(at).text) | {"phrasings": "VPN not connecting!", "do": "save"}
    asked = ann.post(at, data=form)
    assert asked.status_code == 409
    assert "Others have this too" in asked.text
    assert fields(asked.text)["phrasings"] == "VPN not connecting!"
    assert len(entry_phrasings(records, "wifi")) == 5
    saved = ann.post(at, data=form | {"do": "save+anyway"}, follow_redirects=True)
    assert "has this text too" in saved.text
    assert "Texts that others have too" in saved.text
    check = ann.get("/desk/faq/check").text
    assert "Same text in several entries" in check
    remove = re.search(r'action="([^"]+)"><input[^>]+><input[^>]+value="VPN not connecting!"', check)
    assert remove
    assert post(ann, unescape(remove[1]), at, text="VPN not connecting!").headers["Location"] == "/desk/faq/check"
    assert "Same text in several entries" not in ann.get("/desk/faq/check").text


def test_the_check_shows_faults_and_what_the_last_one_found(
    ann: FlaskClient, records: Database, settings: Settings
) -> None:
    """With what mends them; of what is gone meanwhile nothing is offered."""
    with records.write() as session:
        entries = [Entry("one", "Same?", "So."), Entry("two", "same", "So."), Entry("bare", phrasings=("bare text",))]
        faq.store_entries(session, entries, author="file")
    assert "What the last check found" in ann.get("/desk/faq/check").text
    row = f"phrasing:{entry_phrasings(records, 'vpn')[0].id}"
    finding = {
        "check": "near-identical texts", "severity": "warning", "problem": "1 pair nearly agrees", "advice": "merge",
        "slugs": ["vpn", "gone"], "texts": ["a", "b"], "rows": [row, "phrasing:999"],
    }  # fmt: skip
    with records.write() as session:
        store_data_check(session, {"entries": 2, "phrasings": 9, "findings": [finding]}, rows_hash="")
    page = ann.get("/desk/faq/check").text
    for title in ("Same question twice", "No answer", "Fewer than 3 phrasings", "1 pair nearly agrees"):
        assert title in page
    assert "phrasings/999" not in page
    archive = re.search(r'action="([^"]+state[^"]*)"><input[^>]+><input[^>]+name="seen" value="(\d+)"', page)
    assert archive
    sent = post(ann, unescape(archive[1]), LIST + "/new", seen=archive[2], status="archived")
    assert sent.headers["Location"] == "/desk/faq/check"


def test_a_merged_entry_leaves_its_history(ann: FlaskClient, records: Database) -> None:
    """Under the entry that it is part of, to read."""
    press(ann, path(records, "vpn", "merge"), into="wifi")
    at = path(records, "wifi", "history")
    assert f'href="{at}?of=vpn"' in ann.get(at).text
    page = ann.get(f"{at}?of=vpn").text
    assert "Restart the VPN client." in page
    assert "Go back to this" not in page
    assert ann.get(f"{at}?of=laptop").status_code == 404


def test_pages_take_as_many_queries_for_many_as_for_few(ann: FlaskClient, app: Flask, records: Database) -> None:
    """The list, an entry, its history and the check."""
    counted: list[str] = []
    engine = app.extensions["helpdesk"].database.engine
    event.listen(engine, "before_cursor_execute", lambda *said: counted.append(said[2]))

    def count(place: str) -> int:
        counted.clear()
        assert ann.get(place).status_code == 200
        return len(counted)

    places = [LIST, path(records, "vpn"), path(records, "vpn", "history"), "/desk/faq/check"]
    before = [count(place) for place in places]
    with records.write() as session:
        many = [Entry(f"e{n}", f"E {n}?", phrasings=("the same text",)) for n in range(60)]
        faq.store_entries(session, many, author="file")
    for n in range(30):
        with records.write() as session:
            faq.store_entries(session, [Entry("vpn", phrasings=(f"vpn {n} is slow",))], author="file")

    assert [count(place) for place in places] == before


def test_viewers_read_and_change_nothing(ann: FlaskClient, records: Database) -> None:
    """No buttons, and refused where one is pressed all the same."""
    at = path(records, "vpn")
    with records.write() as session:
        session.execute(update(Staff).values(role="viewer"))
    page = ann.get(at).text
    assert '<fieldset class="stack" disabled>' in page
    assert "/remove" not in page
    assert "Delete …" not in page
    for place in (at, f"{at}/state", f"{at}/delete", f"{at}/split", NEW, "/desk/faq/alike"):
        assert post(ann, place, "/desk/faq/1").status_code == 403
    for place in (LIST, at, f"{at}/history", "/desk/faq/check", "/desk/faq/labels-without-entry"):
        assert ann.get(place).status_code == 200


def test_chat_text_is_text(ann: FlaskClient, records: Database) -> None:
    """Nothing that somebody typed becomes markup, and controls are seen."""
    nasty = "<script>x</script> \u202e up?"
    at = save(ann, NEW, question=nasty, answer=nasty, phrasings=f"{nasty} 2").headers["Location"]
    for place in (at, LIST, f"{at}/history", f"{at}/split", f"{at}/merge", f"{at}/delete"):
        page = ann.get(place).text
        assert "<script>x" not in page
        assert "style=" not in page
        assert "\\u202e" in page


def test_a_text_of_another_entry_is_moved(ann: FlaskClient, records: Database) -> None:
    """In one press; what the other entry is about, its question, stays with it."""
    at = path(records, "wifi")
    texts = "VPN not connecting!\nWhy does the VPN not connect?"
    form = fields(ann.get(at).text) | {"phrasings": texts, "do": "save+move"}
    said = ann.post(at, data=form, follow_redirects=True).text

    vpn, wifi = ({phrasing.normalised for phrasing in entry_phrasings(records, slug)} for slug in ("vpn", "wifi"))
    assert "vpn not connecting" not in vpn
    assert "why does the vpn not connect" in vpn
    assert {"vpn not connecting", "why does the vpn not connect"} <= wifi
    assert unescape(said).count("has this text too") == 1
    again = ann.post(at, data=fields(ann.get(at).text) | {"phrasings": "", "answer": "Ask us.", "do": "save"})
    assert again.status_code == 303, "what was settled is not asked about again"
