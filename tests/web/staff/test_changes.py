"""What last night's versions decide otherwise: on the labelling page, and on the report page."""

import re
from collections.abc import Sequence

import pytest
from clients import ask, draw, label
from flask.testing import FlaskClient
from nights import answer, flip, night_report
from sqlalchemy import select, update

from helpdesk.records import flips, nights
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.files.reports import REPORTS
from helpdesk.records.night_report import DecisionSummary, FlipReport
from helpdesk.records.tables import Label, Night
from helpdesk.settings import Settings
from helpdesk.web.staff.changes import change_note, said

NOTE = "The new model would answer “How do I join the office Wi-Fi?” instead of “Why does the VPN not connect?”."
QUESTIONS = {"vpn": "VPN?", "wifi": "Wi-Fi?"}


def flipped(records: Database, *found: FlipReport) -> None:
    """Last night's flips."""
    with records.write() as session:
        flips.store(session, now(), found)


def reported(records: Database, settings: Settings, *found: FlipReport) -> None:
    """A report of the last night, with these flips."""
    with records.write() as session:
        started = now().replace(microsecond=0)
        session.execute(update(Night).values(started_at=started))
        nights.keep_report(session, night_report(started.isoformat(), *found))


def words(client: FlaskClient, path: str = "/desk/report") -> str:
    """The text of a page, white space folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", client.get(path).text).split())


def first_card(client: FlaskClient) -> str:
    """The message that waits first."""
    found = re.search(r'<h1 class="message"[^>]*>(.*?)</h1>', client.get("/desk").text, flags=re.DOTALL)
    assert found
    return found[1].strip()


def test_a_sure_answer_that_flips_is_the_first_card_and_says_why(ann: FlaskClient, records: Database) -> None:
    """Before everything that was not answered, until it is labelled."""
    _, sure = ask(ann, "what is the capital of peru", "vpn not connecting")
    assert first_card(ann) == "what is the capital of peru"
    flipped(records, flip("vpn not connecting", 1))
    page = words(ann, "/desk")

    assert f"would change last {now():%d %b}" in page
    assert f"{NOTE} Which is right?" in page
    assert "low confidence" not in page
    assert 'value="intent:wifi"' in ann.get("/desk").text
    label(ann, sure, "intent:vpn")
    page = words(ann, "/desk")
    assert "what is the capital of peru" in page
    assert "The new model" not in page


def test_a_label_that_the_bot_contradicts_is_put_forward_once_more(ann: FlaskClient, records: Database) -> None:
    """The card says what was said; the same key again and it is gone."""
    (message,) = ask(ann, "vpn not connecting")
    label(ann, message, "intent:wifi")
    with records.write() as session:
        row = session.scalars(select(Label.id)).one()
        nights.add_figures(session, nights.last_night(session).id, relabel_requests=[f"label:{row}"])  # type: ignore[union-attr]
    page = words(ann, "/desk")

    assert "relabel request" in page
    assert "It was labelled “How do I join the office Wi-Fi?”, and something speaks against it." in page
    card = ann.get("/desk").text
    assert 'value="intent:wifi"' in card
    assert "<meter" not in card  # blind
    assert 'value="skip"' not in card  # it would take the first label back
    label(ann, message, "intent:wifi")
    assert "It was labelled" not in words(ann, "/desk")


def test_an_audited_message_does_not_show_that_it_flips(ann: FlaskClient, records: Database) -> None:
    """Blind means blind, whether it is next or was asked for by its number."""
    (message,) = ask(ann, "vpn not connecting")
    draw(records)
    before = ann.get("/desk?kind=audit").text
    flipped(records, flip("vpn not connecting", 1))

    for path in ("/desk?kind=audit", f"/desk?kind=audit&item={message}"):
        page = ann.get(path).text
        card = page[page.index("<article") :]
        assert "The new model" not in card
        assert "would change" not in card
        assert re.findall(r'value="intent:(\w+)"', page) == re.findall(r'value="intent:(\w+)"', before)


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (answer("vpn"), answer("wifi"), "would answer “Wi-Fi?” instead of “VPN?”."),
        (answer("vpn"), answer(None, "clarify"), "would ask which FAQ is meant instead of answering “VPN?”."),
        (answer("vpn"), answer(None, "fallback"), "would hand it over instead of answering “VPN?”."),
        (answer(None, "fallback"), answer("wifi"), "would answer “Wi-Fi?” instead of handing it over."),
        (answer(None, "clarify"), answer("gone"), "would answer “gone” instead of asking which FAQ is meant."),
        (answer("vpn"), answer("vpn"), "Both models answer “VPN?” first, but not the same second question"),
    ],
)
def test_a_change_is_one_sentence(before: DecisionSummary, after: DecisionSummary, note: str) -> None:
    """For every kind of decision; a FAQ that is gone keeps its short name."""
    assert note in change_note(before, after, QUESTIONS)


@pytest.mark.parametrize(
    ("decision", "short"),
    [(answer("vpn"), "“VPN?”"), (answer(None, "clarify"), "asks back"), (answer(None, "fallback"), "hands over")],
)
def test_a_decision_is_a_few_words(decision: DecisionSummary, short: str) -> None:
    """For a cell of a table."""
    assert said(decision, QUESTIONS) == short


def test_the_report_shows_the_versions_side_by_side(ann: FlaskClient, records: Database, settings: Settings) -> None:
    """Figures with intervals, reasons, FAQs by their questions, confusions, traffic."""
    reported(records, settings)
    page = words(ann)

    assert "incumbent refreshed retrained Labelled rows right 57.1% 25.0% to 84.2%, of 7 85.7%" in page
    assert "Difference, in points – +33.3 -32.5 to +82.5 3 gained, 1 lost against incumbent" in page
    assert "Answered directly 70.0% 70.0% – … of those wrong 4.1% 4.1% – Calibration error 2.3% 2.3% –" in page
    assert "promote Refreshed: not worse than the version in service" in page
    assert "refuse Retrained: intent vpn worked and no longer does; no net gain" in page
    assert "Proof of intent : “forgot my password”, and 2 more" in page
    assert "Proof of no_gain" not in page
    assert "FAQs that gain +2 Why does the VPN not connect? 1 → 3 right of 3 +1 out of scope" in page
    assert "FAQs that lose -1 How do I join the office Wi-Fi? 2 → 1 right of 2" in page
    assert "2 → 0 Why does the VPN not connect? → How do I join the office Wi-Fi?" in page
    assert "Of 1,200 recent messages it would decide 5.0% otherwise and answer 72% directly (70% now)." in page


def test_the_report_lists_the_flips_most_asked_first(ann: FlaskClient, records: Database, settings: Settings) -> None:
    """Unlabelled ones that are still stored, as text, with a link to label them; nothing that the policy forbids."""
    asked = ask(ann, "<b>vpn</b> down", "wifi down")
    found = [
        flip("<b>vpn</b> down", 9),
        flip("erased meanwhile", 5),
        flip("wifi down", 2, after=answer(None, "fallback")),
        flip("wifi down", 1, truth="wifi"),
    ]
    reported(records, settings, *found)
    page = ann.get("/desk/report").text

    rows = re.findall(
        r'<a href="/desk\?item=(\d+)">([^<]+)</a></td><td class="text">([^<]+)</td><td class="text">([^<]+)</td>', page
    )
    vpn, wifi = "“Why does the VPN not connect?”", "“How do I join the office Wi-Fi?”"
    assert rows == [
        (str(asked[0]), "&lt;b&gt;vpn&lt;/b&gt; down", vpn, wifi),
        (str(asked[1]), "wifi down", vpn, "hands over"),
    ]
    assert not re.search(r"<script(?![^>]* src=)", page)
    assert "style=" not in page


@pytest.mark.parametrize("left", [[], ["{"], ["[]"], ['{"verdicts": {}}'], ['{"explanation": {"sides": [{}]}}']])
def test_without_anything_to_compare_the_report_leaves_it_out(
    ann: FlaskClient, records: Database, settings: Settings, left: Sequence[str]
) -> None:
    """No report on this host, a damaged one, one of an older release, a night with nothing new."""
    folder = settings.home / REPORTS
    for path in folder.iterdir():
        path.unlink()
    with records.read() as session:
        night = nights.last_night(session)
        assert night is not None
        name = f"{night.started_at:%Y-%m-%dT%H%M%SZ}.json"
    for text in left:
        (folder / name).write_text(text)
    response = ann.get("/desk/report")

    assert response.status_code == 200
    assert "side by side" not in response.text


def test_small_talk_and_wishes_are_shown_plainly(ann: FlaskClient) -> None:
    """On their card, which somebody may look up, and as an outcome of their own on the report page."""
    greeting, wish = ask(ann, "hello there", "i want to talk to a person")

    assert "It was greeted back." in words(ann, f"/desk?item={greeting}")
    assert "The person asked for a person." in words(ann, f"/desk?item={wish}")
    assert "1 message, and 1 of small talk" in words(ann)
    assert "1 of them asked for a person" in words(ann)
