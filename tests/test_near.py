"""The benchmark of near out-of-scope messages: what its sets hold, and its figures on messages judged by hand."""

import json
from pathlib import Path

import pytest
from accuracy import Judged
from near import draw, figures, main, summary

from helpdesk.text import OUT_OF_SCOPE


def judged(truth: str, none: float, *, best: str = "card", answered: bool = False) -> Judged:
    """A message with P(none of the intents), and half of the rest as confidence of the best intent."""
    return Judged(truth, (best,), answered, none, (1 - none) / 2)


INSIDE = [
    judged("card", 0.1, answered=True),
    judged("card", 0.2, answered=True),
    judged("pin", 0.3, answered=True),
    judged("card", 0.7),
]
NEAR = [judged(OUT_OF_SCOPE, 0.8), judged(OUT_OF_SCOPE, 0.6, answered=True)]


def test_figures_of_a_few_messages() -> None:
    """Three of four in scope answered, one of them wrongly; one of two out of scope answered."""
    found = figures(INSIDE, NEAR, [judged(OUT_OF_SCOPE, 0.9)])

    assert found["near_auroc"] == found["near_auroc_by_confidence"] == 7 / 8
    assert found["far_auroc"] == 1
    assert found["accuracy"] == found["coverage"] == 0.75
    assert found["recall_at_5"] == found["near_answered"] == 0.5
    assert found["wrong"] == 0.5
    assert found["wrong_at_60"] == pytest.approx(1 - 0.4 * 0.5 / (0.4 * 0.75 + 0.6 * 0.5), abs=1e-4)


def test_nothing_answered_and_nothing_far() -> None:
    """There is no share of nothing."""
    found = figures([INSIDE[3], INSIDE[3]], [NEAR[0]], [])

    assert found["far_auroc"] is found["wrong"] is found["wrong_at_60"] is None


def test_a_row_of_a_set() -> None:
    """Mean and standard deviation of the draws that have a figure."""
    row = summary("near-banking", [figures(INSIDE, NEAR, []), figures(INSIDE, [NEAR[0]], [])])

    assert row["draws"] == 2
    assert row["near_auroc"] == {"mean": 0.9375, "spread": 0.0884}
    assert row["far_auroc"] == {"mean": None, "spread": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sets of a few rows."""
    near, clinc = tmp_path / "clinc_near", tmp_path / "clinc150"
    near.mkdir()
    clinc.mkdir()
    (near / "banking_train.csv").write_text("text,intent\nmy bill,bill\nmy rate,rate\n")
    (near / "banking_valid_near.csv").write_text("text,intent\na bill,bill\na fee,oos\n")
    (near / "banking_test_near.csv").write_text("text,intent\nthe bill,bill\nthe fee,oos\n")
    (near / "banking_test_far.csv").write_text("text,intent\nthe bill,bill\nthe moon,oos\n")
    train = [[f"{intent} {n}", intent] for n in range(12) for intent in "abcde"]
    part = {"val": [[f"{intent} asked {n}", intent] for n in range(500) for intent in "abcde"]}
    others = {"oos_train": [["the sun", "oos"]], "oos_val": [["the sea", "oos"]]}
    (clinc / "data_full.json").write_text(json.dumps({"train": train, **part, **others}))
    return tmp_path


def test_near_rows_and_far_rows_are_told_apart(folder: Path) -> None:
    """Validation rows have no far ones, the test's far file gives only these."""
    asked, none = draw("near-banking", folder, seed=0, test=False)
    tested, far = draw("near-banking", folder, seed=0, test=True)

    assert sorted(asked.learn) == [("my bill", "bill"), ("my rate", "rate")]
    assert asked.ask == [("a bill", "bill"), ("a fee", "oos")]
    assert none == []
    assert tested.ask == [("the bill", "bill"), ("the fee", "oos")]
    assert far == [("the moon", "oos")]


def test_a_fifth_of_the_intents_is_withheld(folder: Path) -> None:
    """What is asked of them is near, the set's own out-of-scope rows are far; another draw withholds others."""
    gone = set()
    for seed in range(5):
        task, far = draw("clinc150", folder, seed=seed, test=False)
        learnt = {intent for _, intent in task.learn}
        gone |= set("abcde") - learnt

        assert len(task.learn) == 4 * 10
        assert {text.split()[0] for text, intent in task.ask if intent == "oos"} == set("abcde") - learnt
        assert far == [("the sun", "oos"), ("the sea", "oos")]
    assert len(gone) > 1


def test_an_unknown_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the ones there are."""
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path), "--only", "near-bankng"])

    assert "near-bankng is unknown; expected some of banking77, clinc150, near-banking" in capsys.readouterr().err
