"""What a bundle says of messages typed differently: measured when it is built, sealed, summed up, printed."""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from helpdesk.cli.main import cli
from helpdesk.errors import BundleError, NotFoundError
from helpdesk.learning.data.perturbations import PERTURBATIONS
from helpdesk.learning.robustness.exam import OUT_OF_FOLD, EvaluationItem, EvaluationSet, UnseenScorer
from helpdesk.learning.robustness.measure import measure_kinds, measure_negation
from helpdesk.matching.bundle import ROBUSTNESS, read_manifest
from helpdesk.matching.decide import Thresholds
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import INTENT_FEATURES, SCOPE_FEATURES, Scorer
from helpdesk.records.database import Database
from helpdesk.records.files.faq_files import read_faq
from helpdesk.settings import Settings

ANIMALS = ("my bird", "a fish", "the lion", "one frog")


def words(texts: Sequence[str]) -> Vectors:
    """A child's encoder: which of four animals a text names. Blind to order, case and every other word."""
    known = ("bird", "fish", "lion", "frog")
    vectors = (
        np.array([[float(word in re.findall(r"\w+", text)) for word in known] for text in texts], dtype=np.float32)
        + 1e-3
    )
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def exam() -> EvaluationSet:
    """Four messages of four intents, judged by their nearest phrasing."""
    vectors, intents = words(ANIMALS), np.arange(4, dtype=np.int32)
    intent_weights, scope_weights = np.zeros(len(INTENT_FEATURES)), np.zeros(len(SCOPE_FEATURES))
    intent_weights[INTENT_FEATURES.index("nearest")], scope_weights[SCOPE_FEATURES.index("one")] = 10.0, 20.0
    scorer = Scorer(
        head=np.zeros_like(vectors),
        bias=np.zeros(4, dtype=np.float32),
        centroids=vectors,
        density=np.zeros(4, dtype=np.float32),
        out_of_scope=np.empty((0, vectors.shape[1]), dtype=np.float32),
        words=np.empty(0, dtype=np.uint32),
        letters=np.empty(0, dtype=np.uint32),
        intent_weights=intent_weights,
        scope_weights=scope_weights,
    )
    unseen = UnseenScorer(words, scorer, vectors, intents)
    questions = tuple(EvaluationItem(text, name, 0) for text, name in zip(ANIMALS, "abcd", strict=True))
    return EvaluationSet(OUT_OF_FOLD, questions, (unseen,), ("a", "b", "c", "d"), Thresholds(0.9, 0.5))


def test_what_a_kind_does_is_told_apart() -> None:
    """An encoder of whole words loses mistyped ones, and does not notice order, case and fillers."""
    found = {kind.kind: kind for kind in measure_kinds(exam(), seed=0)}

    assert set(found) == set(PERTURBATIONS) - {"negation"}
    assert found["case"].same_text == found["case"].pairs == 4
    assert found["typo"].answer_rate.after < found["typo"].answer_rate.before == 1.0
    for kind in ("case", "filler", "word order"):
        assert found[kind].accuracy.change == found[kind].answer_rate.change == 0.0


def test_a_deaf_encoder_gives_negated_messages_the_same_answer() -> None:
    """And the report says so, without calling it right or wrong."""
    found = measure_negation(exam(), seed=0)

    assert (found.answered, found.same_answer, found.other_answer, found.hedged) == (4, 4, 0, 0)


def report(settings: Settings, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """Run `helpdesk report` in a home."""
    monkeypatch.setenv("HELPDESK_HOME", str(settings.home))
    return CliRunner().invoke(cli, ["report", *words])


def test_every_bundle_carries_its_report_and_a_summary_in_the_manifest(settings: Settings) -> None:
    """Sealed like every other file."""
    (bundle,) = settings.bundles.iterdir()
    manifest = read_manifest(bundle)
    stored = json.loads((bundle / ROBUSTNESS).read_text())

    assert ROBUSTNESS in manifest["files"]
    assert stored["source"] == OUT_OF_FOLD
    assert stored["messages"] == 12
    assert {"slice", "verdict", "pairs", "accuracy", "answer_rate"} <= set(stored["fairness"][0])
    assert manifest["report"]["fairness"][0]["slice"] == stored["fairness"][0]["slice"]
    assert set(manifest["report"]["robustness"]["changes"]) == set(PERTURBATIONS) - {"negation"}


def test_the_report_is_printed_in_words_and_tables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the version in service, or one that is named."""
    said = report(settings, monkeypatch).output

    assert said == report(settings, monkeypatch, "1").output
    assert "version 1 (first), measured on 12 messages" in said
    assert "word order" in said
    assert "name: Arabic" in said
    assert "negation: of " in said


def test_the_report_as_json_and_its_phrasings_as_a_file_to_import(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phrasings of every weak slice, ready for `faq import`."""
    (bundle,) = settings.bundles.iterdir()
    stored = json.loads((bundle / ROBUSTNESS).read_text())
    stored["fairness"][0] |= {"verdict": "weak", "add": [{"intent": "vpn", "text": "omar here, vpn fails"}]}
    (bundle / ROBUSTNESS).unlink()
    (bundle / ROBUSTNESS).write_text(json.dumps(stored))
    path = settings.home / "add.csv"
    path.write_text(report(settings, monkeypatch, "--phrasings").output)

    assert json.loads(report(settings, monkeypatch, "--json").output)["fairness"] == stored["fairness"]
    assert "omar here, vpn fails" in next(e.phrasings for e in read_faq(path).entries if e.slug == "vpn")
    assert "weak: name: Arabic, English names against Arabic names" in report(settings, monkeypatch).output


def test_a_version_without_a_report_is_explained(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that was removed, and a version that never was."""
    (bundle,) = settings.bundles.iterdir()
    (bundle / ROBUSTNESS).unlink()

    assert isinstance(report(settings, monkeypatch).exception, BundleError)
    assert isinstance(report(settings, monkeypatch, "9").exception, NotFoundError)
