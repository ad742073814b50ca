"""What a label or an edit would change, as pages and as a part of the card."""

import re
from html import unescape

from clients import ask
from flask.testing import FlaskClient

from helpdesk.records import golden
from helpdesk.records.database import Database

PERU = "what is the capital of peru"


def words(client: FlaskClient, path: str) -> str:
    """A page without its spaces."""
    return " ".join(unescape(client.get(path).text).split())


def test_the_receipt_tells_what_changes_and_what_breaks(ann: FlaskClient, records: Database) -> None:
    """As a page, and as a part that the card asks for."""
    first, _, _ = ask(ann, PERU, PERU, "hello there")
    with records.write() as session:
        golden.add(session, PERU, intent=None, author="test")
    page = words(ann, f"/desk/{first}/receipt?faq=vpn")
    part = words(ann, f"/desk/{first}/receipt?faq=vpn&fragment=1")

    for shown in (page, part):
        assert (
            "2</b> of 3 messages (1 of the 2 texts asked most in the last 30 days) would be decided otherwise" in shown
        )
        assert f"Breaks a golden phrase: “{PERU}” is never answered." in shown
    assert '<td class="text">hands over</td><td class="text">“Why does the VPN not connect?”</td>' in page
    assert "<html" not in part
    assert ann.get(f"/desk/{first}/receipt?faq=nope").status_code == 400
    assert ann.get("/desk/999/receipt?faq=vpn").status_code == 404


def test_the_receipt_names_the_phrasing_that_speaks_against(ann: FlaskClient) -> None:
    """A text that is nearly one of another entry."""
    (message,) = ask(ann, "forgot my password now")
    shown = words(ann, f"/desk/{message}/receipt?faq=vpn")
    assert "Speaks against “forgot my password” of “How do I reset my password?”" in shown


def test_an_edit_of_the_faq_is_looked_at_before(ann: FlaskClient) -> None:
    """Deleting and merging; what makes no sense is explained."""
    ask(ann, "forgot my password", "vpn login error")
    assert "1</b> of 2 messages" in words(ann, "/desk/faq/what-if?edit=delete&faq=vpn")
    assert "1</b> of 2 messages" in words(ann, "/desk/faq/what-if?edit=merge&faq=vpn&into=wifi")
    assert ann.get("/desk/faq/what-if?edit=split&faq=vpn&question=What&phrasing=1").status_code == 400
    form = ann.get("/desk/faq/2/merge").text
    assert 'formaction="/desk/faq/what-if?edit=merge&amp;faq=vpn" formtarget="_blank"' in form
    token = re.findall(r'name="csrf_token" value="([^"]+)"', form)[0]
    said = ann.post("/desk/faq/what-if?edit=merge&faq=vpn", data={"csrf_token": token, "into": "wifi"})
    assert "1</b> of 2 messages" in said.text
    assert ann.get("/desk/faq/what-if?edit=burn&faq=vpn").status_code == 400
    assert ann.get("/desk/faq/what-if?edit=delete&faq=nope").status_code == 400
