"""The comparison judges all systems alike, measures nothing twice, and keeps its rivals strangers to ours."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from compare import main
from job import Job, measure
from labelled_sets import load
from search import crossover, phrasings
from systems import OURS, RIVALS, SYSTEMS, fingerprint, judge

COSTS = {"seconds": 1.0, "cpu_seconds": 2.0, "peak_memory_mb": 300.0, "message_ms": 4.0, "message_cpu_ms": 3.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data sets of a few rows."""
    (tmp_path / "banking77").mkdir()
    (tmp_path / "banking77" / "train_5.csv").write_text("text,category\nlost my card,card\nwrong pin,pin\n")
    (tmp_path / "banking77" / "test.csv").write_text("text,category\ncard is gone,card\n")
    (tmp_path / "clinc150").mkdir()
    train = [[f"{intent} {n}", intent] for n in range(12) for intent in ("alarm", "taxes")]
    clinc = {"train": train, "test": [["wake me", "alarm"]], "oos_test": [["who sang it", "oos"]]}
    (tmp_path / "clinc150" / "data_full.json").write_text(json.dumps(clinc))
    return tmp_path


def words(folder: Path) -> list[str]:
    """A command line that compares one system on one set."""
    only = ["--only", "tfidf_linear", "--data", "banking77-5"]
    return ["--folder", str(folder), "--results", str(folder / "results.jsonl"), "--envs", str(folder / "envs"), *only]


def remember(folder: Path) -> None:
    """A figure of that system on that set, measured before."""
    code = fingerprint("tfidf_linear", *load("banking77-5", folder))
    record = {"system": "tfidf_linear", "data": "banking77-5", "seed": 0, "code": code, "accuracy": 0.6543, **COSTS}
    (folder / "results.jsonl").write_text(json.dumps(record) + "\n")


def test_what_was_measured_is_not_measured_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row comes from the results file; nothing is installed."""
    remember(folder)

    main(words(folder))

    row = "| BANKING77 5-shot | TF-IDF + linear | 65.4 (no seed) |  | 1 (2) | 300 | 4.0 (3.0) |"
    assert row in capsys.readouterr().out
    assert not (folder / "envs").exists()


def test_figures_of_other_rows_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed data set makes them out of date, and that is said."""
    remember(folder)
    (folder / "banking77" / "test.csv").write_text("text,category\npin is wrong,pin\n")

    main([*words(folder), "--show"])

    output = capsys.readouterr()
    assert "TF-IDF" not in output.out
    assert "1 figures of other code or rows left out" in output.err


def test_few_shot_rows_of_clinc_are_the_first_of_each_intent(folder: Path) -> None:
    """Ten of each, in file order, and the out-of-scope messages among the test rows."""
    train, test = load("clinc150-10", folder)

    assert [text for text, intent in train if intent == "alarm"] == [f"alarm {n}" for n in range(10)]
    assert len(train) == 20
    assert test == [("wake me", "alarm"), ("who sang it", "oos")]


def test_the_other_few_shot_set_of_clinc_is_drawn_the_same_way_each_time(folder: Path) -> None:
    """Ten of each again, but not the first."""
    train, test = load("clinc150-10-drawn", folder)

    assert (train, test) == load("clinc150-10-drawn", folder)
    assert sum(intent == "alarm" for _, intent in train) == 10
    assert {text for text, intent in train if intent == "alarm"} != {f"alarm {n}" for n in range(10)}


def test_out_of_scope_messages_count_for_the_auroc_alone() -> None:
    """Accuracy is over the others, whatever was named for these."""
    figures = judge(["a", "b", "a"], [0.9, 0.8, 0.1], ["a", "a", "oos"])

    assert figures == {"accuracy": 0.5, "oos_auroc": 1.0}


def test_a_system_that_loses_messages_is_refused() -> None:
    """As many decisions as messages, or no figure."""
    with pytest.raises(RuntimeError, match="1 intents"):
        judge(["a"], [0.9], ["a", "b"])


def test_a_rival_decides_every_message_in_order() -> None:
    """Also more than fit in a batch, and the job's rows reach it."""
    job = Job([("hello", "greeting")], [str(n) for n in range(300)], model="", seed=0, threads=1)

    result = measure(job, lambda job: lambda texts: [(text + job.intents[0], 0.5) for text in texts])

    assert result["intents"] == [f"{n}greeting" for n in range(300)]
    assert result.keys() - {"intents", "confidences"} == COSTS.keys()


@pytest.mark.parametrize("name", sorted(SYSTEMS.keys() - OURS.keys()))
def test_a_rival_imports_nothing_of_ours_and_pins_what_it_imports(name: str) -> None:
    """It runs in its own environment, with the same packages next year; no index is named."""
    tree = ast.parse((RIVALS / f"{name}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    pins = [line for line in (RIVALS / f"{name}.txt").read_text().splitlines() if not line.startswith("#")]

    assert not {module for module in imported if module and module.split(".")[0] in {"helpdesk", "accuracy", "home"}}
    assert pins
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)


def test_made_up_phrasings_are_as_alike_as_real_ones() -> None:
    """Unit vectors; the 10 nearest have a mean cosine near BANKING77's, two of any near 0.22."""
    vectors = phrasings(1000, seed=0)
    similarities = np.sort(vectors @ vectors.T, axis=1)

    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert similarities.mean() == pytest.approx(0.22, abs=0.05)
    assert similarities[:, -11:-1].mean() == pytest.approx(0.67, abs=0.07)


def test_the_crossover_lies_between_two_sizes() -> None:
    """Where the straight lines meet; None when HNSW never overtakes."""
    slower = {"phrasings": 1000.0, "exact_ms": 1.0, "hnsw_ms": 2.0}
    faster = {"phrasings": 2000.0, "exact_ms": 4.0, "hnsw_ms": 3.0}

    assert crossover([slower, faster]) == 1500
    assert crossover([slower]) is None
