"""Import by page: look at what would change, confirm once. By HTTP and in a browser, both without JavaScript."""

import io
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from clients import log_in, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select, update
from werkzeug.serving import make_server
from werkzeug.test import TestResponse
from workbooks import workbook

from helpdesk.records import faq, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.roles import Role
from helpdesk.records.tables import AuditLogRow, Example, Intent, Phrasing, Staff, Upload, UploadedFile

PAGE = "/desk/faq/import"
COMPANY = [("Frage", "Antwort"), *((f"How do I reset device {n}?", f"Press button {n}.") for n in range(300))]
MIXED = """intent;question;answer;phrasing;owner
vpn;Why does the VPN not connect?;Reboot the VPN client.;vpn not connecting;bob
wlan;How do I join the office Wi-Fi?;Choose the network Office.;wifi not working;bob
phone;Where is my phone?;Ask Bob.;printer not working;bob
;;no entry;;bob
"""


def upload(client: FlaskClient, *files: tuple[str, bytes]) -> TestResponse:
    """Send the form with these (name, content)."""
    sent = [(io.BytesIO(content), name) for name, content in files]
    return client.post(PAGE, data={"csrf_token": token(client, PAGE), "files": sent})


def confirm(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    """Press the button of a preview; `fields`: in place of what the page offers."""
    page = client.get(path).text
    form = dict(re.findall(r'name="(csrf_token|seen|encoding|separator)" value="([^"]*)"', page))
    ticked: dict[str, object] = {"rename": re.findall(r'name="rename" value="([^"]+)" form="confirm" checked', page)}
    return client.post(path, data=form | ticked | fields)


def counts(page: str) -> dict[str, str]:
    """How many rows each outcome has."""
    return dict(re.findall(r'#(\w+)"><b>([\d,]+)</b>', page))


def entries(records: Database) -> dict[str, tuple[str, str]]:
    """(answer, status) of each entry."""
    with records.read() as session:
        return {i.slug: (i.answer, i.status) for i in session.scalars(select(Intent))}


def test_a_workbook_of_a_company_becomes_published_entries(ann: FlaskClient, records: Database) -> None:
    """300 rows of question and answer; nothing is written before it is confirmed; confirmed twice, it is there once."""
    before = entries(records)
    path = upload(ann, ("FAQ 2026.xlsx", workbook(COMPANY))).headers["Location"]
    page = ann.get(path).text

    assert counts(page) == {"new": "300"}
    assert "Read as sheet Sheet." in page
    assert "Show all 300" in page
    assert "How do I reset device 299?" in ann.get(f"{path}?show=new&page=2").text
    assert entries(records) == before
    answers = [confirm(ann, path, seen="0"), confirm(ann, path), confirm(ann, path, seen="0")]
    assert [answer.status_code for answer in answers] == [409, 303, 303]
    assert "300 intents (300 new)" in ann.get(path).text
    assert entries(records) == before | {
        f"how_do_i_reset_device_{n}": (f"Press button {n}.", "published") for n in range(300)
    }
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(UploadedFile)) == 0
        (logged,) = session.scalars(select(AuditLogRow).where(AuditLogRow.action == "faq.imported"))
        assert (logged.author, logged.subject) == ("ann", "FAQ 2026.xlsx")
        assert set(session.scalars(select(Phrasing.author).join(Intent).where(Intent.slug.like("how_do_%")))) == {"ann"}


def test_the_preview_shows_every_outcome(ann: FlaskClient, records: Database) -> None:
    """Old and new, what is kept, what is left out and why; ticks decide."""
    path = upload(ann, ("faq.csv", MIXED.encode())).headers["Location"]
    page = ann.get(path).text

    assert counts(page) == {
        "bad": "1", "renamed": "1", "changed": "1", "new": "1", "dropped": "6", "shared": "1", "ignored": "1",
    }  # fmt: skip
    for text in (
        "<del>Restart the VPN client.</del> <ins>Reboot the VPN client.</ins>",
        "intent is empty",
        "wifi becomes wlan",
        "&#34;printer not working&#34; is a phrasing of printer and phone: it is asked which one is meant",
        "column owner",
    ):
        assert text in page
    confirm(ann, path, rename=[], dropped="remove")
    stored = entries(records)
    assert "wifi" in stored
    assert stored["vpn"] == ("Reboot the VPN client.", "published")
    with records.read() as session:
        assert [p.text for p in faq.find_intent(session, "vpn").phrasings] == [
            "vpn not connecting", "Why does the VPN not connect?",
        ]  # fmt: skip


def test_a_rename_is_offered_and_done(ann: FlaskClient, records: Database) -> None:
    """Ticked from the start; the old name goes on meaning the entry."""
    path = upload(ann, ("faq.csv", MIXED.encode())).headers["Location"]
    confirm(ann, path)

    with records.read() as session:
        assert faq.find_intent(session, "wifi").slug == "wlan"


def test_a_wrong_encoding_is_put_right_without_uploading_again(ann: FlaskClient, records: Database) -> None:
    """What was chosen counts for what is stored, too."""
    path = upload(ann, ("faq.csv", "question;answer\nкак дела?;так, и так\n".encode("cp1251"))).headers["Location"]

    assert "как дела" not in ann.get(path).text
    chosen = f"{path}?encoding=cp1251&separator=semicolon"
    assert "как дела" in ann.get(chosen).text
    page = ann.get(chosen).text
    form = dict(re.findall(r'name="(csrf_token|seen|encoding|separator)" value="([^"]*)"', page))
    assert ann.post(path, data=form).status_code == 303
    assert entries(records)["как_дела"] == ("так, и так", "published")


def test_what_changed_meanwhile_is_compared_again(ann: FlaskClient, records: Database) -> None:
    """Nothing is written; the page says so and shows the new comparison."""
    path = upload(ann, ("faq.csv", b"intent,answer\nvpn,Call us.\n")).headers["Location"]
    page = ann.get(path).text
    form = dict(re.findall(r'name="(csrf_token|seen)" value="([^"]*)"', page))
    with records.write() as session:
        faq.store_entries(session, [faq.Entry("vpn", answer="Wait.")], author="bob")
    answer = ann.post(path, data=form)

    assert answer.status_code == 409
    assert "Somebody changed the FAQ meanwhile; nothing was written." in answer.text
    assert "<del>Wait.</del> <ins>Call us.</ins>" in answer.text
    assert entries(records)["vpn"][0] == "Wait."


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0rest", "an old Excel or Word file; save it as CSV UTF-8 or .xlsx"),
        ("faq.csv", b"a,b\n1,2\n", "names no column; put a row with the names above it"),
        ("faq.csv", b"question,answer\nx,\x81\n", "name another encoding"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(ann: FlaskClient, name: str, content: bytes, told: str) -> None:
    """The page still offers encoding and separator, and a way back."""
    page = ann.get(upload(ann, (name, content)).headers["Location"]).text

    assert told in page
    assert 'name="encoding"' in page
    assert "choose another file" in page


def test_several_files_of_rasa_are_one_import(ann: FlaskClient) -> None:
    """Examples of one, answers of the other."""
    nlu = b"nlu:\n- intent: hours\n  examples: |\n    - when are you [open](state)\n"
    domain = b"responses:\n  utter_hours:\n  - text: Nine to five.\n"
    page = ann.get(upload(ann, ("nlu.yml", nlu), ("domain.yml", domain)).headers["Location"]).text

    assert counts(page) == {"new": "1"}
    assert "Nine to five." in page


def test_an_upload_is_its_owner_s_for_a_day(app: Flask, ann: FlaskClient, records: Database) -> None:
    """Others do not see it; it can be discarded; it is forgotten with the next upload."""
    with records.write() as session:
        staff.add_staff(session, "bob", password=PASSWORD, role=Role.EDITOR)
    bob = app.test_client()
    log_in(bob, name="bob")
    first, second = (upload(ann, ("faq.csv", MIXED.encode())).headers["Location"] for _ in range(2))

    assert bob.get(first).status_code == 404
    assert f'href="{first}"' in ann.get(PAGE).text
    assert post(ann, f"{first}/discard", PAGE).status_code == 303
    assert ann.get(first).status_code == 404
    with records.write() as session:
        session.execute(update(Upload).values(until=now() - timedelta(seconds=1)))
    assert ann.get(second).status_code == 404
    upload(ann, ("faq.csv", MIXED.encode()))
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 1


def test_only_this_route_takes_more_than_64_kib(ann: FlaskClient, client: FlaskClient) -> None:
    """Up to 8 MiB; what is larger is told, and so is no file at all."""
    half = b"question,answer\n" + b"x" * 5_000_000

    assert upload(ann, ("faq.csv", half)).status_code == 303
    too_much = upload(ann, ("a.csv", half), ("b.csv", half))
    assert too_much.status_code == 413
    assert "expected at most 8 MiB" in too_much.text
    assert post(ann, "/desk/golden", text="x" * 70_000, promise="never").status_code == 413
    nothing = upload(ann, ("", b""))
    assert nothing.status_code == 400
    assert "there was no file" in nothing.text


def test_importing_takes_an_editor(ann: FlaskClient, records: Database) -> None:
    """Reading the FAQ does not."""
    with records.write() as session:
        session.execute(update(Staff).values(role=Role.LABELLER))

    assert ann.get(PAGE).status_code == 403
    assert ann.get("/desk/faq/export.csv").status_code == 200


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_a_download_imported_again_changes_nothing(ann: FlaskClient, form: str) -> None:
    """Excel knows the CSV by its mark."""
    answer = ann.get(f"/desk/faq/export.{form}")
    page = ann.get(upload(ann, (f"faq.{form}", answer.data)).headers["Location"]).text

    assert f".{form}" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf") == (form == "csv")
    assert counts(page) == {"unchanged": "5"}
    assert "Nothing changes" in page


@pytest.fixture
def browser_page(browser: Browser, app: Flask, ann: FlaskClient) -> Iterator[Page]:
    """A page of somebody who is logged in, in a browser without JavaScript."""
    cookie = ann.get_cookie("session")
    assert cookie is not None
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=url, java_script_enabled=False)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": url}])
    yield context.new_page()
    context.close()
    server.shutdown()
    thread.join()


@pytest.mark.browser
@pytest.mark.slow
def test_a_workbook_is_imported_by_keyboard_alone(browser_page: Page, records: Database, tmp_path: Path) -> None:
    """Without JavaScript: look, confirm. The dialogue that chooses a file is not ours."""
    (tmp_path / "faq.xlsx").write_bytes(workbook(COMPANY))
    browser_page.goto(PAGE)
    browser_page.locator("input[type=file]").set_input_files(tmp_path / "faq.xlsx")
    browser_page.locator("input[type=file]").focus()
    browser_page.keyboard.press("Tab")
    browser_page.keyboard.press("Enter")
    browser_page.get_by_role("heading", name="faq.xlsx").wait_for()
    browser_page.get_by_role("button", name="Import", exact=True).focus()
    browser_page.keyboard.press("Enter")
    browser_page.get_by_role("heading", name="Imported").wait_for()

    assert "300 intents (300 new)" in browser_page.get_by_role("status").inner_text()
    published = [status for slug, (_, status) in entries(records).items() if slug.startswith("how_do_i_reset_device")]
    assert published == ["published"] * 300


@pytest.mark.parametrize(("choice", "becomes"), [("examples", []), ("entries", ["oos"])])
def test_intents_outside_the_faq_are_offered_as_examples(
    ann: FlaskClient, records: Database, choice: str, becomes: list[str]
) -> None:
    """Whoever imports sees them apart, and may make entries of them all the same."""
    path = upload(ann, ("set.csv", b"text,intent\ntell me a joke,oos\nwhat a day,oos\nvpn how,remote\n")).location
    page = ann.get(path).text
    confirm(ann, path, outside=choice)

    assert counts(page)["outside"] == "1"
    assert "2 new examples of 2" in page
    assert 'name="outside" value="examples" form="confirm" checked' in page
    assert [slug for slug in entries(records) if slug in ("oos", "remote")] == [*becomes, "remote"]
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Example)) == (0 if becomes else 2)


def test_labelled_messages_are_redacted(ann: FlaskClient, records: Database) -> None:
    """Before they are shown, and as they are stored."""
    path = upload(
        ann, ("lab.csv", b"text,intent\nmy password is LAB1 thanks,lab\nmy password is LAB1 thanks,lab\n")
    ).location
    page = ann.get(path).text
    confirm(ann, path)

    assert "LAB1" not in page + ann.get(path).text
    with records.read() as session:
        texts = session.scalars(select(Phrasing.text).where(Phrasing.text.startswith("my password is"))).all()
    assert texts == ["my password is [secret] thanks"]
