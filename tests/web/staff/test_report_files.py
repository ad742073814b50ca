"""The report's tables as files, and the days it can be asked for."""

import csv
import io
import re
from datetime import date

import pytest
from clients import ask, draw, log_in, post
from flask import Flask
from flask.testing import FlaskClient

from helpdesk.records.files.spreadsheets import write_table
from helpdesk.records.traffic import Outcomes
from helpdesk.web.staff import report_period
from helpdesk.web.staff.report_files import TABLES
from helpdesk.web.staff.volume_chart import draw_volume

PERU = "=what is the capital of peru"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """Somebody who is logged in."""
    client = app.test_client()
    assert log_in(client).status_code == 303
    return client


def rows(client: FlaskClient, name: str, query: str = "") -> list[list[str]]:
    """A file's rows."""
    answer = client.get(f"/desk/report/{name}.csv{query}")
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_a_file_from_the_first_day_on(ann: FlaskClient, name: str) -> None:
    """With its headings, and as many cells in each row."""
    ask(ann, "forgot my password", PERU)
    post(ann, "/desk/golden", "/desk/golden", text="forgot my password", promise="never")
    head, *body = rows(ann, name)

    assert all(len(row) == len(head) for row in body)
    assert f'href="/desk/report/{name}.csv?days=30"' in ann.get("/desk/report").text


def test_the_files_say_what_the_page_says(ann: FlaskClient) -> None:
    """Counts of the same period; what a spreadsheet would run is not run."""
    ask(ann, "forgot my password", "forgot my password", PERU)
    post(ann, "/desk/golden", "/desk/golden", text="forgot my password", promise="never")

    assert rows(ann, "volume")[1][1:] == ["3", "2", "0", "1", "0", "0"]
    assert rows(ann, "outcomes")[1] == ["answered directly", "2", "0.6667"]
    assert rows(ann, "gaps")[1][:2] == [f"'{PERU}", "1"]
    assert rows(ann, "faqs")[1][:6] == ["password", "How do I reset my password?", "published", "2", "0", "0"]
    assert rows(ann, "golden")[1][1:4] == ["none of our FAQs", "broken", "answer"]
    assert rows(ann, "volume", "?channel=telegraph")[1:] == []
    assert "0 of 1 are kept by the version in service" in ann.get("/desk/report").text


def test_control_characters_and_formulas_are_only_text() -> None:
    """Whatever somebody typed into the chat."""
    assert write_table(["a"], [("=1+1\u202e",), (None,), (0.5,)]) == '\ufeffa\r\n\'=1+1\\u202e\r\n""\r\n0.5000\r\n'


def test_a_table_that_is_not_there_is_not_found(ann: FlaskClient) -> None:
    """The answer lists those that are."""
    answer = ann.get("/desk/report/money.csv")

    assert answer.status_code == 404
    assert "expected one of volume, outcomes" in answer.text


def test_a_gap_becomes_a_draft_at_the_press_of_a_button(ann: FlaskClient) -> None:
    """And is labelled with it; until it is published it is still unanswered."""
    (gap,) = ask(ann, "where is the gym")
    page = ann.get("/desk/report").text
    form = re.search(rf'action="/desk/{gap}/faq">(.*?)</form>', page, re.DOTALL)
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1]))
    said = ann.post(f"/desk/{gap}/faq", data=fields)

    assert said.status_code == 303
    assert rows(ann, "gaps")[1][0] == "where is the gym"
    assert "where is the gym <small>draft</small>" in re.sub(r"</?a[^>]*>", "", ann.get("/desk/report").text)


def test_missing_audit_labels_are_counted_and_one_click_away(ann: FlaskClient, app: Flask) -> None:
    """No estimate is invented before there is one."""
    ask(ann, "forgot my password", "vpn not connecting")
    draw(app.extensions["helpdesk"].database)
    page = ann.get("/desk/report").text

    assert "<b>No estimate yet.</b> Of 2 audited answers 2 have no label." in page
    assert '<a href="/desk?kind=audit">Label them</a>' in page


@pytest.mark.parametrize(
    ("asked", "first", "last", "words"),
    [
        ({}, "2026-02-17", "2026-03-18", "The last 30 days"),
        ({"days": "7"}, "2026-03-12", "2026-03-18", "The last 7 days"),
        ({"days": "this-week"}, "2026-03-16", "2026-03-18", "This week"),
        ({"days": "last-week"}, "2026-03-09", "2026-03-15", "Last week"),
        ({"from": "2026-01-01", "to": "2026-01-31"}, "2026-01-01", "2026-01-31", "From 1 Jan 2026 to 31 Jan 2026"),
        ({"to": "2026-01-30"}, "2026-01-01", "2026-01-30", "From 1 Jan 2026 to 30 Jan 2026"),
    ],
)
def test_periods_are_whole_days(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], first: str, last: str, words: str
) -> None:
    """On a Wednesday; both ends are counted, and an address asks for the same again."""
    wednesday = report_period.moments(date(2026, 3, 18), None)[0]
    monkeypatch.setattr(report_period, "now", lambda: wednesday)
    found = report_period.chosen(asked)

    assert (str(found.first), str(found.last), found.words) == (first, last, words)
    assert report_period.chosen(found.query) == found
    assert found.period.since == report_period.moments(found.first, None)[0]


@pytest.mark.parametrize("query", ["days=8", "from=x", "to=0001-01-01", "from=2026-02-01&to=2026-01-01", "sort=x"])
def test_a_period_that_is_none_is_refused(ann: FlaskClient, query: str) -> None:
    """By its value."""
    assert ann.get(f"/desk/report?{query}").status_code == 400


@pytest.mark.parametrize(("last", "bars", "each"), [("2026-01-01", 1, 1), ("2026-03-31", 90, 1), ("2026-12-31", 53, 7)])
def test_the_bars_have_every_message_once(last: str, bars: int, each: int) -> None:
    """A bar a day, or a week when there are many; none outside the chart."""
    days = {date(2026, 1, 1): Outcomes(2, 1, 0, 0, 0), date.fromisoformat(last): Outcomes(4, 0, 1, 0, 0)}
    found = draw_volume(days, first=date(2026, 1, 1), last=date.fromisoformat(last))

    assert (len(found.bars), found.each) == (bars, each)
    assert sum(bar.outcomes.messages for bar in found.bars) == sum(one.messages for one in days.values())
    assert found.bars[-1].left + found.bars[-1].width <= 100
