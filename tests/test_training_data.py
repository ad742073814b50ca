"""The starter FAQ is whole, varied, and hard enough to measure with."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from odd import DEVELOPMENT, half, read

from helpdesk.records.files.faq_files import read_faq, read_labelled
from helpdesk.settings import resource
from helpdesk.text import normalise

FOLDER = resource("training_data")
OUT_OF_SCOPE = "out_of_scope"


def rows(name: str) -> list[dict[str, str]]:
    """A file's rows."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_faq_has_enough_of_everything() -> None:
    """At least 40 intents with 6 to 20 phrasings, a question and a useful answer each, no text in two intents."""
    found = read_faq(FOLDER / "faq.csv")

    assert found.bad_rows == []
    assert len(found.entries) >= 40
    assert all(6 <= len(entry.phrasings) <= 20 for entry in found.entries)
    assert all(entry.question and len(entry.answer or "") > 80 for entry in found.entries)
    texts = Counter(normalise(text) for entry in found.entries for text in entry.phrasings)
    assert max(texts.values()) == 1


def test_the_evaluation_messages_are_hard() -> None:
    """A TF-IDF nearest neighbour over questions and phrasings finds fewer than 75% of the intents."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = [(t, e.slug) for e in read_faq(FOLDER / "faq.csv").entries for t in (*e.phrasings, e.question or "")]
    asked = [row for row in read_labelled(FOLDER / "evaluation.csv") if row[1] != OUT_OF_SCOPE]
    vectorizer = TfidfVectorizer().fit([text for text, _ in known])
    similarity = vectorizer.transform([t for t, _ in asked]) @ vectorizer.transform([t for t, _ in known]).T
    nearest = similarity.toarray().argmax(axis=1)
    hits = [known[n][1] == intent for n, (_, intent) in zip(nearest, asked, strict=True)]

    assert len(asked) >= 300
    assert sum(hits) / len(hits) < 0.75


def test_evaluation_phrasings_and_out_of_scope_share_no_text() -> None:
    """What is measured on was not learnt."""
    asked = {normalise(text) for text, _ in read_labelled(FOLDER / "evaluation.csv")}
    known = {normalise(text) for entry in read_faq(FOLDER / "faq.csv").entries for text in entry.phrasings}
    outside = [normalise(row["text"]) for row in rows("out_of_scope.csv")]

    assert len(set(outside)) == len(outside) >= 80
    assert not asked & known
    assert not (asked | known) & set(outside)


def test_every_evaluation_label_is_an_intent() -> None:
    """And every intent is measured."""
    slugs = {entry.slug for entry in read_faq(FOLDER / "faq.csv").entries}

    assert {intent for _, intent in read_labelled(FOLDER / "evaluation.csv")} == slugs | {OUT_OF_SCOPE}


@pytest.mark.parametrize(
    ("name", "columns", "least"),
    [
        ("odd_messages.csv", ["text", "kind", "expected", "intents"], 300),
        ("odd_messages_other.csv", ["text", "kind", "expected", "intents", "language"], 120),
    ],
)
def test_the_odd_messages_are_many_and_new(name: str, columns: list[str], least: int) -> None:
    """Nothing is there twice or was learnt, and either half is large enough to measure with."""
    found = [normalise(row["text"]) for row in rows(name)]
    known = {normalise(text) for entry in read_faq(FOLDER / "faq.csv").entries for text in entry.phrasings}
    known |= {normalise(row["text"]) for row in rows("out_of_scope.csv")}
    development = sum(half(text) == DEVELOPMENT for text in found)

    assert list(rows(name)[0]) == columns
    assert len(set(found)) == len(found) >= least
    assert not set(found) & known
    assert 0.4 * len(found) <= development <= 0.6 * len(found)


@pytest.mark.parametrize("name", ["odd_messages.csv", "odd_messages_other.csv"])
def test_the_odd_messages_name_as_many_entries_as_they_expect(name: str) -> None:
    """One, two, none, or those that may be offered; each is in the FAQ."""
    slugs = {entry.slug for entry in read_faq(FOLDER / "faq.csv").entries}
    counts = {"answer": {1}, "human": {1}, "both": {2}, "none": {0}, "smalltalk": {0}, "offer": set(range(1, 9))}

    assert [row for row in read(name) if len(set(row.intents)) not in counts[row.expected]] == []
    assert {intent for row in read(name) for intent in row.intents} <= slugs


def test_every_kind_of_odd_message_is_measured() -> None:
    """At least 15 messages each; the other languages have 40 each."""
    kinds = Counter(row.kind for row in read("odd_messages.csv"))
    languages = Counter(row.language for row in read("odd_messages_other.csv"))

    assert len(kinds) == 16
    assert min(kinds.values()) >= 15
    assert set(kinds) == {row.kind for row in read("odd_messages_other.csv")}
    assert languages == {"de": 40, "fr": 40, "es": 40}


@pytest.mark.parametrize(
    ("name", "columns", "least"),
    [
        ("pairs_scored.csv", ["text_a", "text_b", "similarity"], 36),
        ("pairs_labelled.csv", ["text_a", "text_b", "similar"], 36),
        ("pairs_positive.csv", ["text_a", "text_b"], 36),
        ("triplets.csv", ["anchor", "positive", "negative"], 36),
        ("unlabelled.csv", ["text"], 36),
    ],
)
def test_the_other_kinds_of_rows_are_there(name: str, columns: list[str], least: int) -> None:
    """A few dozen of each, complete."""
    found = rows(name)

    assert list(found[0]) == columns
    assert len(found) >= least
    assert all(all(row.values()) for row in found)


def test_scores_are_from_0_to_1_and_use_the_range() -> None:
    """Graded, not only alike and not alike."""
    scores = [float(row["similarity"]) for row in rows("pairs_scored.csv")]

    assert min(scores) >= 0
    assert max(scores) <= 1
    assert sum(0.2 < score < 0.8 for score in scores) >= 15


def test_the_readme_of_the_data_lists_every_file() -> None:
    """A newcomer finds each explained."""
    text = Path(FOLDER / "README.md").read_text()

    assert all(f"`{path.name}`" in text for path in FOLDER.glob("*.csv"))
