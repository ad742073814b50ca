"""`helpdesk simulate` as it is typed: JSON, words, and the drawn curve."""

import csv
import json
from pathlib import Path

import pytest
from bank import rows
from click.testing import CliRunner, Result

from helpdesk.cli.main import cli

pytestmark = pytest.mark.slow


def simulate(folder: Path, base: Path, *words: str, nights: int) -> Result:
    """The command on a tiny set; six labels and fifteen messages a night."""
    for name, found in zip(("train", "test"), rows(), strict=True):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "intent"), *found])
    files = ["--train", str(folder / "train.csv"), "--test", str(folder / "test.csv")]
    size = ["--start-shots", "3", "--labels-per-night", "6", "--messages-per-night", "15", "--fast"]
    size += ["--nights", str(nights)]
    variables = {"HELPDESK_BASE_MODEL": str(base), "HELPDESK_TRAIN_THREADS": "1", "HELPDESK_HOME": str(folder / "own")}
    return CliRunner().invoke(cli, ["simulate", *files, *size, *words], env=variables)


def test_the_curve_is_drawn_and_the_configured_home_untouched(tiny_base: Path, tmp_path: Path) -> None:
    """With a home the SVG lies in it; progress goes to standard error, JSON alone to standard output."""
    result = simulate(tmp_path, tiny_base, "--full-data", "0.9", "--json", "--home", str(tmp_path / "kept"), nights=2)
    found = json.loads(result.stdout)
    drawn = (tmp_path / "kept" / "curve.svg").read_text()

    assert result.exit_code == 0
    assert [row["night"] for row in found["nights"]] == [1, 2]
    assert found["full_data_accuracy"] == 0.9
    assert "helpdesk 2/2: " in result.stderr
    for words in ("right on the hidden test", "trained on all rows", "answered directly", "of them wrong"):
        assert words in drawn
    assert not (tmp_path / "own").exists()


def test_words_for_people(tiny_base: Path, tmp_path: Path) -> None:
    """The sums, a line each; baselines among them; nothing is left behind."""
    result = simulate(tmp_path, tiny_base, "--full-data", "skip", "--baselines", nights=1)

    assert result.exit_code == 0
    for words in ("start accuracy", "end accuracy", "significant regressions    0", "never retrain", "always promote"):
        assert words in result.stdout
    assert "gap closed" not in result.stdout


def test_what_cannot_be_an_accuracy(tiny_base: Path, tmp_path: Path) -> None:
    """It is named, with what is expected."""
    result = simulate(tmp_path, tiny_base, "--full-data", "93.86", nights=1)

    assert result.exit_code == 2
    assert "'93.86'; expected measure, skip or an accuracy from 0 to 1" in result.stderr
