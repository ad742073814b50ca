"""The data doctor finds what was planted, and nothing in a clean FAQ."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from faqs import Embedder, dataset, starter

from helpdesk.cli.main import cli
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.learning.data_check.check import check_data, read_data
from helpdesk.learning.data_check.findings import ERROR, HINT, WARNING, Data, Finding, Published
from helpdesk.learning.data_check.label_checks import check_labels, label_quality, out_of_sample
from helpdesk.learning.data_check.text_checks import check_texts
from helpdesk.progress import Quiet
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry, store_entries
from helpdesk.settings import Settings

THIN, LONE, HUGE, MERGED = "parking", "canteen", "vpn_slow", "odds_and_ends"
HALVES = ("printer_problem", "roaming")


def data(rows: Dataset, embedder: Embedder, *, unanswered: Sequence[str] = ()) -> Data:
    """The dataset as the doctor sees it; an entry has an answer unless it is named."""
    entries = [
        Published(slug, question, "" if slug in unanswered else "So.") for slug, question in rows.questions.items()
    ]
    return Data(tuple(entries), rows, embedder.encode(rows.texts))


def examine(checked: Data) -> list[Finding]:
    """All checks."""
    return [*check_texts(checked), *check_labels(checked, seed=0)]


def moved(rows: Dataset, wrong: dict[int, str]) -> Dataset:
    """The dataset with some rows in other intents."""
    train = (replace(row, intent=wrong.get(n, row.intent)) for n, row in enumerate(rows.train))
    return replace(rows, train=tuple(train))


@pytest.fixture
def settings(real_settings: Settings) -> Settings:
    """A home of the real model: what texts mean is what these tests are about."""
    return real_settings


@pytest.fixture(scope="module")
def planted(embedder: Embedder) -> list[Finding]:
    """The starter FAQ with one fault of each kind, examined once."""
    clean = starter()
    rows = [(row.text, MERGED if row.intent in HALVES else row.intent) for row in clean.train]
    rows += [("my account is locked", "vpn_setup")]
    rows += [("vpn is very slow todays", "vpn_slow"), ("vpn is very slow today", "wifi_connect")]
    rows += [("where may i park my car", THIN), ("parking space for visitors", THIN), ("what is for lunch today", LONE)]
    rows += [(f"the vpn is slow in room {number} on the {number % 9}th floor", HUGE) for number in range(100)]
    rows += [("new toner for the copier", "out_of_office"), ("someone stole my notebook on the train", "scan_to_email")]
    rows += [(f"{text} today", "laptop_copy") for text, intent in rows if intent == "laptop_slow"]
    questions = {intent: clean.questions.get(intent, intent.replace("_", " ")) for _, intent in rows}
    questions["laptop_copy"] = "My laptop is slow, what can I do about it?"
    questions["laptop_slow"] = "My laptop is slow. What can I do about it?"
    return examine(data(dataset(rows, questions=questions), embedder, unanswered=["roomless", "malware"]))


@pytest.mark.parametrize(
    ("check", "severity", "slugs", "text"),
    [
        ("identical text", ERROR, {"account_locked", "vpn_setup"}, "my account is locked"),
        ("near-identical texts", WARNING, {"vpn_slow", "wifi_connect"}, "vpn is very slow today"),
        ("too few phrasings", WARNING, {THIN}, None),
        ("too few phrasings", ERROR, {LONE}, None),
        ("imbalance", WARNING, {HUGE}, None),
        ("probable label error", WARNING, {"scan_to_email", "device_lost"}, "someone stole my notebook on the train"),
        ("duplicate entries", WARNING, {"laptop_copy", "laptop_slow"}, None),
        ("merge", HINT, {"laptop_copy", "laptop_slow"}, None),
        ("split", HINT, {MERGED}, None),
        ("no answer", WARNING, {"malware"}, None),
    ],
)
def test_each_planted_fault_is_found(
    planted: list[Finding], check: str, severity: str, slugs: set[str], text: str | None
) -> None:
    """By the check that is there for it, with the entries and texts that are to blame."""
    found = [f for f in planted if f.check == check and set(f.slugs) == slugs]

    assert [f.severity for f in found] == [severity]
    assert text is None or text in found[0].texts
    assert found[0].problem
    assert found[0].advice


def test_the_halves_of_a_split_are_what_was_thrown_together(planted: list[Finding]) -> None:
    """Three texts of each."""
    (found,) = [f for f in planted if f.check == "split" and f.slugs == (MERGED,)]
    own = {row.text: row.intent for row in starter().train}
    sides = [own[text] for text in found.texts]

    assert len(set(sides[:3])) == len(set(sides[3:])) == 1
    assert set(sides) == set(HALVES)


def test_a_clean_faq_has_no_finding(settings: Settings, records: Database) -> None:
    """Five entries of five phrasings with answers."""
    checkup = check_data(settings, records, progress=Quiet())

    assert checkup.findings == ()
    assert (checkup.entries, checkup.phrasings) == (5, 25)


def test_the_starter_faq_has_no_error_and_little_to_doubt(embedder: Embedder) -> None:
    """What ships is in order: of 967 phrasings under one in fifty is doubted."""
    found = examine(data(starter(), embedder))

    assert {f.check for f in found} <= {"probable label error", "split"}
    assert all(f.severity != ERROR for f in found)
    assert len(found) < 20


def test_flipped_labels_are_found(embedder: Embedder) -> None:
    """Of 48 phrasings moved to any other entry two thirds are named, and few others."""
    clean = starter()
    random = np.random.default_rng(0)
    rows = random.choice(len(clean.train), size=48, replace=False)
    wrong = {int(n): str(random.choice([i for i in clean.intents if i != clean.train[n].intent])) for n in rows}
    checked = data(moved(clean, wrong), embedder)
    named = [f.rows[0] for f in check_labels(checked, seed=0) if f.check == "probable label error"]
    flipped = {clean.train[n].id for n in wrong}

    assert len(flipped & set(named)) >= 0.67 * len(flipped)
    assert len(flipped & set(named)) >= 0.8 * len(named)
    quality = label_quality(checked, out_of_sample(checked, seed=0))
    assert np.median(quality[list(wrong)]) < 0.05 < 0.5 < np.median(quality)


def test_an_entry_of_two_rows_is_not_called_mislabelled(embedder: Embedder) -> None:
    """Out of fold its own phrasings cannot speak for it."""
    clean = starter()
    rows = (Row("phrasing:x", "my badge does not open", "badge"), Row("phrasing:y", "printer is jammed a", "badge"))
    thin = replace(clean, train=(*clean.train, *rows), questions={**clean.questions, "badge": "Badge?"})

    assert not [f for f in check_labels(data(thin, embedder), seed=0) if "badge" in f.slugs[:1]]


@pytest.mark.parametrize("each", [1, 2])
def test_two_entries_of_hardly_any_phrasings_are_called_thin(embedder: Embedder, each: int) -> None:
    """There is nothing to measure them with, and that is what is said."""
    rows = [(f"{text} {n}", text) for text in ("pager", "badge") for n in range(each)]
    found = examine(data(dataset(rows, questions={"pager": "Pager?", "badge": "!"}), embedder))

    assert [(f.check, f.severity) for f in found] == [("too few phrasings", ERROR if each == 1 else WARNING)] * 2


def test_new_phrasings_are_encoded_and_stored_vectors_used(
    settings: Settings, records: Database, embedder: Embedder
) -> None:
    """Whatever the order, each row has the vector of its own text."""
    with records.write() as session:
        store_entries(session, [Entry("vpn", phrasings=("tunnel is down",))], author="test")
    read = read_data(settings, records, progress=lambda *_: None)

    assert "tunnel is down" in read.dataset.texts
    nearest = (read.vectors @ embedder.encode(read.dataset.texts).T).argmax(axis=1)
    assert [read.dataset.texts[n] for n in nearest] == list(read.dataset.texts)


def check(settings: Settings, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """Run `helpdesk data check` in a home."""
    monkeypatch.setenv("HELPDESK_HOME", str(settings.home))
    return CliRunner().invoke(cli, ["data", "check", *words])


def test_the_exit_code_follows_the_severity(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors fail, warnings only when asked for, and nothing fails on demand."""
    clean = check(settings, monkeypatch, "--fail-on", "warning")
    _plant(records, "pager", "I need a pager", "pager for the night shift")
    warned = [check(settings, monkeypatch, "--fail-on", word).exit_code for word in ("error", "warning")]
    _plant(records, "wifi", "cannot connect to the vpn")
    failed = check(settings, monkeypatch)

    assert (clean.exit_code, warned) == (0, [0, 1])
    assert "0 errors, 0 warnings, 0 hints" in clean.output
    assert failed.exit_code == 1
    assert "ERROR: identical text (1)" in failed.output
    assert '"cannot connect to the vpn" is a phrasing of 2 entries' in failed.output
    assert check(settings, monkeypatch, "--fail-on", "never").exit_code == 0


def test_the_findings_as_json(settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, with the rows they are about."""
    _plant(records, "wifi", "cannot connect to the vpn")
    found: dict[str, Any] = json.loads(check(settings, monkeypatch, "--json").stdout)

    assert found["counts"]["error"] == 1
    assert found["checks"]["identical text"] == 1
    (identical,) = [f for f in found["findings"] if f["check"] == "identical text"]
    assert set(identical["slugs"]) == {"vpn", "wifi"}
    assert all(row.startswith("phrasing:") for row in identical["rows"])


def _plant(records: Database, slug: str, *texts: str) -> None:
    with records.write() as session:
        entry = Entry(slug, question=texts[0] if slug == "pager" else None, answer="So.", phrasings=texts)
        store_entries(session, [entry], author="test")
