"""The report page: what it says is what the tables say, and it works without JavaScript."""

import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from homes import PASSWORD, STAFF
from sqlalchemy import update

from helpdesk.records import labels
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow, Message, Night
from helpdesk.web.staff.banner import as_banner
from helpdesk.web.staff.night_chart import GREEN, draw_nights
from helpdesk.web.staff.report import percent

QUESTIONS = ["forgot my password", "vpn not connecting", "paper jam in the printer", "which wlan do I choose"]
SVG = "{http://www.w3.org/2000/svg}"
PERU = "what is the capital of peru"


@pytest.fixture
def ann(client: FlaskClient) -> FlaskClient:
    """Somebody who is logged in."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert token
    form = {"csrf_token": token[1], "name": STAFF, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303
    return client


def ask(client: FlaskClient, *texts: str) -> list[int]:
    """Messages from a chat; their ids."""
    answers: list[Any] = [client.post("/webhooks/rest/webhook", json={"sender": "u", "message": t}).json for t in texts]
    return [answer[0]["custom"]["message_id"] for answer in answers]


def audit(records: Database, meanings: dict[int, str | None], *, probability: float = 0.5) -> None:
    """Draw every message into the sample, and label some: an intent, or None for none of the FAQs."""
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=probability))
        for message, intent in meanings.items():
            kind = "intent" if intent else "out_of_scope"
            labels.label_message(session, message, kind=kind, intent=intent, staff_id=1, holdout_share=0.3)


def words(client: FlaskClient) -> str:
    """The text of the report page, white space folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", client.get("/desk/report").text).split())


def a_night(**more: Any) -> Night:
    """A night's row that is not stored."""
    columns = {"started_at": now(), "finished_at": now(), "verdict": "kept", "reason": "nothing new", "version_id": 3}
    columns |= {"promoted_kind": None, "refusals": {}, "labels": 40, "holdout_rows": 20, "holdout_right": 15}
    columns |= {"coverage": 0.7, "wrong_share": 0.04, "wrong_low": 0.01, "wrong_high": 0.1, "figures": {}}
    return Night(**columns | more)


def test_an_empty_desk_has_a_report(ann: FlaskClient) -> None:
    """Dashes where nothing is known, no invented zeros."""
    page = words(ann)

    assert "Coverage – of the messages" in page
    assert "Wrong answers – No answers of these days were drawn into the audit sample" in page
    assert "not shown yet" in page
    assert "version 1 (first) went into service" in page


def test_the_figures_are_those_of_the_tables(ann: FlaskClient, records: Database) -> None:
    """4 of 5 answered; of 4 audited answers 3 are labelled and one of those is wrong; 1 of 5 is out of scope."""
    *answers, last, peru = ask(ann, *QUESTIONS, PERU)
    audit(records, {answers[0]: "password", answers[1]: "vpn", answers[2]: "laptop", peru: None})
    page = words(ann)

    assert "Coverage 80%" in page
    assert "Wrong answers 33%" in page
    assert "from 3 of 4 audited answers" in page
    assert "25% unlabelled" in page
    assert "from 4 of 5 audited messages" in page
    assert "Label 1 audited message" in page
    assert "1 not answered" in page
    assert f"no published FAQ has. 1 {PERU} Make a draft" in page
    assert "How do I reset my password? 1 0 0 0 of 0" in page
    assert "Why does the VPN not connect? 1 0 0 0 of 0" in page
    assert "The printer does not print. 1 0 1 0 of 0 How do I get a new laptop? once" in page
    assert last


def test_what_the_thresholds_rest_on_is_said(ann: FlaskClient) -> None:
    """An assumption about traffic, until the audit sample tells its share."""
    assert "Today's thresholds take 25% of the traffic to be out of scope (assumed)." in words(ann)


def test_messages_older_than_thirty_days_do_not_count(ann: FlaskClient, records: Database) -> None:
    """The window moves on."""
    ask(ann, *QUESTIONS)
    with records.write() as session:
        session.execute(update(Message).values(created_at=now() - timedelta(days=31)))

    assert "The last 30 days: 0 messages" in words(ann)


@pytest.mark.parametrize(("right", "wrong", "word"), [(20, 0, "kept"), (0, 4, "broken"), (1, 0, "not shown yet")])
def test_the_contract_is_checked_against_the_audit_sample(
    ann: FlaskClient, records: Database, right: int, wrong: int, word: str
) -> None:
    """At most 20% wrong with 50% assurance, as this FAQ's settings say."""
    ids = ask(ann, *(["forgot my password"] * right), *(["vpn not connecting"] * wrong))
    audit(records, {ids[0]: "password"} if right else {ids[0]: "laptop"})

    assert f"Contract {word} At most 20% of direct answers wrong, with 50% assurance" in words(ann)


def test_the_nights_are_listed_newest_first_with_their_reasons(ann: FlaskClient, records: Database) -> None:
    """A kept and a failed night among them, and drift in words."""
    drift: dict[str, Any] = {
        "unfamiliar": {"level": 0.3, "now": [200, 80], "before": [100, 10], "expected": None},
        "stale": [],
    }
    drift |= {"calibration": {"rows": 0, "promised": 0, "right": 0, "p": 1.0}, "warnings": ["traffic is changing"]}
    drift |= {"intents": [{"intent": "vpn", "before": 0.1, "now": 0.3}], "clusters": []}
    (gym,) = ask(ann, "where is the <b>gym</b>")
    drift["clusters"] = [{"message_ids": [gym, 999], "texts": 3, "messages": 12, "nearest": "vpn", "similarity": 0.4}]
    figures = {"new_labels": {"rows": 8, "right": 4}, "drift": drift}
    with records.write() as session:
        for row in (
            a_night(version_id=1, figures=figures),
            a_night(verdict="failed", version_id=1, reason="disk full"),
        ):
            session.add(row)
    page, text = words(ann), ann.get("/desk/report").text

    assert page.index("disk full", page.index("Night by night")) < page.index("nothing new")
    assert "75% of 20" in page
    assert "50% of 8" in page
    assert "4.0% 1.0% to 10%" in page
    assert "Drift: traffic is changing." in page
    assert "40% of this month's messages are unfamiliar, 10% were the month before" in page
    assert "▲ Why does the VPN not connect? 10% → 30%" in page
    assert "12 where is the" in page
    assert "where is the &lt;b&gt;gym" in text


def test_the_page_needs_neither_script_nor_inline_style(ann: FlaskClient) -> None:
    """What the policy forbids is not there, so nothing is lost."""
    ask(ann, *QUESTIONS)
    page = ann.get("/desk/report").text

    assert not re.search(r"<script(?![^>]* src=)", page)
    assert "style=" not in page
    assert "<style" not in page
    assert 'href="/desk/report"' in ann.get("/desk").text


def test_the_curve_is_drawn_as_svg(ann: FlaskClient, records: Database) -> None:
    """From the stored nights, as a picture of its own."""
    with records.write() as session:
        session.add(a_night(version_id=1))
    response = ann.get("/desk/report/nights.svg")

    assert response.content_type.startswith("image/svg+xml")
    assert ElementTree.fromstring(response.text).tag.endswith("svg")


def test_the_curve_marks_promotions_refusals_and_failures_and_bears_gaps() -> None:
    """Nights without figures leave a gap; the same nights give the same picture; nothing in it is a style."""
    history = [
        a_night(verdict="promoted", promoted_kind="refreshed"),
        a_night(refusals={"retrained": ["no net gain"]}),
        a_night(verdict="failed", holdout_rows=None, coverage=None, wrong_share=None, wrong_low=None, wrong_high=None),
    ]
    picture = draw_nights(history, max_wrong_rate=0.05)

    assert picture == draw_nights(history, max_wrong_rate=0.05)
    assert "style" not in picture
    for word in ("promoted", "refused", "failed", "answered directly"):
        assert word in picture
    assert ElementTree.fromstring(draw_nights([], max_wrong_rate=0.05)).tag.endswith("svg")


@pytest.mark.parametrize("nights", [1, 30])
def test_the_curve_has_room_when_nothing_was_refused_and_nothing_failed(nights: int) -> None:
    """A mark that never occurs pressed the whole picture flat."""
    history = [a_night(verdict="promoted", promoted_kind="refreshed") for _ in range(nights)]
    root = ElementTree.fromstring(draw_nights(history, max_wrong_rate=0.05))
    heights = [float(text.attrib["y"]) for text in root.iter() if text.text in ("0%", "100%") and "y" in text.attrib]

    assert max(heights[:2]) - min(heights[:2]) > 100


def test_the_curve_is_true_to_scale() -> None:
    """A night's dot lies as far above 0% as its share says; the dashed line at the most that may be wrong."""
    root = ElementTree.fromstring(draw_nights([a_night(coverage=1.0, wrong_share=0.05)], max_wrong_rate=0.05))
    right, answered, wrong, _ = (float(dot.attrib["cy"]) for dot in root.iter(f"{SVG}circle"))
    zero, whole = (next(float(t.attrib["y"]) - 4 for t in root.iter() if t.text == share) for share in ("0%", "100%"))
    (limit,) = (path.attrib["d"] for path in root.iter(f"{SVG}path") if path.attrib.get("stroke-dasharray") == "5 4")

    assert (zero - right) / (zero - whole) == pytest.approx(0.75)
    assert answered == whole
    assert f" {wrong}L" in limit


def test_a_night_without_figures_is_a_gap() -> None:
    """No dot, and no line across it."""
    known, unknown = a_night(wrong_share=None), a_night(coverage=None, holdout_rows=None, wrong_share=None)
    root = ElementTree.fromstring(draw_nights([known, known, unknown, known], max_wrong_rate=0.05))
    lines = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.attrib["stroke"] == GREEN]

    assert [line.count("L") for line in lines if "-" not in line] == [1, 0]
    assert sum(dot.attrib["fill"] == GREEN for dot in root.iter(f"{SVG}circle")) == 3


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "–"), (0.0, "0%"), (0.004, "0.4%"), (0.0987, "9.9%"), (0.0999, "10%"), (0.634, "63%"), (1.0, "100%")],
)
def test_shares_are_written_for_people(share: float | None, shown: str) -> None:
    """Small ones keep a decimal, unknown ones are a dash."""
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("age", "verdict", "ago", "bad"),
    [
        (timedelta(seconds=5), "kept", "just now", False),
        (timedelta(minutes=1), "kept", "1 minute ago", False),
        (timedelta(hours=7, minutes=50), "kept", "7 hours ago", False),
        (timedelta(hours=7), "failed", "7 hours ago", True),
        (timedelta(days=3), "kept", "3 days ago", True),
    ],
)
def test_a_night_that_failed_or_is_long_ago_is_an_alarm(age: timedelta, verdict: str, ago: str, bad: bool) -> None:
    """A killed run leaves no row, so silence must be told too."""
    banner = as_banner(a_night(finished_at=now() - age, verdict=verdict))

    assert (banner.ago, banner.bad) == (ago, bad)
