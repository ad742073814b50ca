"""Reports are frozen and typed; those that older versions wrote still open."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from helpdesk.records.files.reports import REPORTS, write_report
from helpdesk.records.night_report import SCHEMA_VERSION, NightReport

SHARE = {"rows": 10, "right": 8, "share": 0.8, "low": 0.5, "high": 0.94}
SIDE = {"kind": "incumbent", "accuracy": SHARE, "in_scope": SHARE, "out_of_scope": SHARE}
OLD = {
    "started": "2026-11-01T02:30:00+00:00",
    "rows": 400,
    "verdict": "promoted",
    "promoted": 3,
    "promoted_kind": "refreshed",
    "verdicts": {"refreshed": {"promote": True, "reasons": ["not worse"], "blamed": []}},
    "candidates": {
        "refreshed": {
            "second_looks": ["label:7"],
            "thresholds": {"thresholds": {"answer": 0.7, "clarify": 0.8}, "coverage": 0.6, "answered": 60},
            "a_fact_of_long_ago": 1,
        }
    },
    "difference": {"without": "annotator=bob", "rows": 2, "some_rows": ["label:1"], "changes": {}},
    "explanation": {"sides": [SIDE, SIDE | {"kind": "refreshed"}], "intents": {}, "confusions": {}},
}


def test_a_report_of_an_older_version_opens() -> None:
    """Under the names of today; it has no schema version of its own."""
    report = NightReport.model_validate(OLD)

    assert report.schema_version == 1
    assert report.candidates["refreshed"].relabel_requests == ("label:7",)
    assert report.explanation is not None
    assert [column.kind for column in report.explanation.versions] == ["incumbent", "refreshed"]
    assert report.impact is not None
    assert report.impact.rows == 2
    assert "version 3 (refreshed) is in service" in report.as_text()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """By the newest schema."""
    report = NightReport.model_validate(OLD | {"schema_version": SCHEMA_VERSION})
    path = write_report(tmp_path, report)

    assert path.parent == tmp_path / REPORTS
    assert NightReport.model_validate_json(path.read_text()) == report


def test_a_report_cannot_be_changed() -> None:
    """What was stored is what happened."""
    report = NightReport(started="2026-11-01T02:30:00+00:00")

    with pytest.raises(ValidationError, match="frozen"):
        report.verdict = "promoted"
