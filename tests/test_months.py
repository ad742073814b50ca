"""The benchmark of played months: its table comes from the file of arms, and nothing is played twice."""

import json
from pathlib import Path

import pytest
from measured import append, digest
from months import ROOT, main

NIGHTS = 2


def words(folder: Path) -> list[str]:
    """A command line that wants two arms of one seed."""
    known = ["--results", str(folder / "months.jsonl"), "--full", "banking77=0.9"]
    return ["--folder", str(folder), "--only", "banking77", "--seeds", "1", "--nights", str(NIGHTS), "--show", *known]


def remember(folder: Path, arm: str, *accuracies: float, code: str | None = None) -> None:
    """An arm that was played before."""
    nights = [
        {"accuracy": value, "labels": 40 * n, "coverage": 0.7, "wrong_rate": 0.02, "verdict": "promoted"}
        for n, value in enumerate(accuracies[1:], 1)
    ]
    code = code or digest(sorted((ROOT / "helpdesk").rglob("*.py")), f"{NIGHTS} nights")
    record = {"case": "banking77", "arm": arm, "seed": 0, "code": code, "nights": nights, "significant_regressions": 0}
    summary = {"start_accuracy": accuracies[0], "end_accuracy": accuracies[-1]}
    append(folder / "months.jsonl", record | summary)


def test_arms_are_shown_with_what_their_labels_were_worth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line an arm; the queue's order needed half of the labels."""
    remember(tmp_path, "helpdesk", 0.8, 0.86, 0.86)
    remember(tmp_path, "random_order", 0.8, 0.83, 0.86)

    main(words(tmp_path))

    shown = capsys.readouterr().out
    assert "| banking77 (1) | helpdesk | 80.0% | 86.0% | 60.0% | 0 | 70.0% | 2.0% | 2 |" in shown
    assert "labels ratio, banking77, seed 0: 0." in shown


def test_arms_of_other_code_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They say nothing about what there is now."""
    remember(tmp_path, "helpdesk", 0.8, 0.86, 0.86, code="older")

    main([*words(tmp_path), "--json"])

    assert json.loads(capsys.readouterr().out) == []


def test_an_unknown_case_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the ones there are."""
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path), "--only", "nosie"])

    assert "nosie is unknown; expected some of banking77, noise" in capsys.readouterr().err
