"""The labels of staff as a file: who, when, what, whether it counts; safe in a spreadsheet."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from clients import log_in
from commands import run
from flask import Flask

from helpdesk.records import conversations, faq, labels, staff, undo
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.records.files.label_export import export_labels
from helpdesk.records.roles import Role
from helpdesk.settings import Settings

DECIDED: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.2, "out_of_scope": 0.5, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
FORMULA = '=HYPERLINK("http://bad.example","Müller")'


def fill(database: Database) -> None:
    """Three labels by somebody, the last one undone."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", question="-VPN?", answer="So.")], author="test")
        zoe = staff.add_staff(session, "Zoë", password="correct horse", role=Role.LABELLER).id
        for text, kind, intent in (
            (FORMULA, "intent", "vpn"),
            ("weather", "out_of_scope", None),
            ("odd", "out_of_scope", None),
        ):
            message = conversations.log_message(
                session, text, channel="rest", sender="u", external_id=None, decision=DECIDED
            )
            label = labels.label_message(session, message, kind=kind, intent=intent, staff_id=zoe, holdout_share=0.0)
        session.flush()
        undo.undo(session, label.id, staff_id=zoe)


def test_a_file_of_labels_says_who_said_what_and_whether_it_counts(database: Database) -> None:
    """The same rows in both forms, oldest first."""
    fill(database)
    with database.read() as session:
        table, listed = export_labels(session, "csv"), json.loads(export_labels(session, "json"))
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))

    assert [(row["person"], row["decision"], row["intent"], row["counts"]) for row in rows] == [
        ("Zoë", "intent", "vpn", "yes"),
        ("Zoë", "out_of_scope", "", "yes"),
        ("Zoë", "out_of_scope", "", "no"),
    ]
    assert [(row["text"], row["intent"], row["question"], row["counts"]) for row in listed] == [
        (FORMULA, "vpn", "-VPN?", True),
        ("weather", None, None, True),
        ("odd", None, None, False),
    ]
    assert listed[2]["ended"] is not None
    assert rows[0]["at"] == listed[0]["at"]


def test_excel_opens_the_labels_as_they_are_meant(database: Database) -> None:
    """With the mark by which it knows UTF-8, and without a cell that it would compute."""
    fill(database)
    with database.read() as session:
        table = export_labels(session, "csv")
    cells = [cell for row in csv.reader(io.StringIO(table.decode("utf-8-sig"))) for cell in row]

    assert table.startswith(b"\xef\xbb\xbf")
    assert f"'{FORMULA}" in cells
    assert "'-VPN?" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_desk_and_the_command_give_the_same_file(app: Flask, settings: Settings, tmp_path: Path, form: str) -> None:
    """To editors; the page of one's own labels leads there."""
    database = open_database(settings)
    fill(database)
    database.close()
    client = app.test_client()
    log_in(client)

    given = client.get(f"/desk/labels/export.{form}")

    assert given.status_code == 200
    assert "labels-2" in given.headers["Content-Disposition"]
    assert f'href="/desk/labels/export.{form}"' in client.get("/desk/mine").text
    run(settings, "labels", "export", str(tmp_path / f"labels.{form}"))
    assert (tmp_path / f"labels.{form}").read_bytes() == given.data
    assert client.get("/desk/labels/export.exe").status_code == 404
