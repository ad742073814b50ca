"""Candidates that are not fit to serve, as real files; and the near misses beside them."""

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from gate_cases import objections
from homes import LENIENT

from helpdesk.learning.bundles.retention import prune
from helpdesk.learning.calibration.measurement import Measurement
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.case import Case, Limits
from helpdesk.learning.gate.context import gather_context
from helpdesk.learning.gate.rules import Objection, Rule
from helpdesk.learning.gate.smoke_checks import SmokeCheckError, examine_encoder, measure_cost
from helpdesk.learning.gate.verdict import judge
from helpdesk.learning.night import attempts
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.channels import convert
from helpdesk.learning.training.train import TAKEN, WANTED, Tuned
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.matching.bundle_store import open_store
from helpdesk.matching.encoder import TOKENIZER, Encoder
from helpdesk.matching.networks import CHANNELS
from helpdesk.progress import Quiet
from helpdesk.records import golden, versions
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry, store_entries
from helpdesk.records.night_report import NightReport
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import break_candidate, promote_always

pytestmark = pytest.mark.slow

TEXTS = [f"{verb} my {thing}" for verb in ("reset", "order", "repair", "find") for thing in ("badge", "phone", "desk")]


def first_bundle(home: Path) -> Bundle:
    """The only bundle of a home."""
    (path,) = (home / "bundles").iterdir()
    return open_bundle(path)


def harmless(folder: Path) -> None:
    """A file that nothing reads."""
    (folder / "notes.txt").write_text("fine")


def with_nan(folder: Path) -> None:
    """A layer of the network is not a number."""
    import torch

    model = load_base(str(folder), threads=1)
    torch.nn.init.constant_(model[0].auto_model.embeddings.LayerNorm.weight, math.nan)  # type: ignore[union-attr,arg-type]
    shutil.rmtree(folder / CHANNELS, ignore_errors=True)
    assert convert(model, folder)


def without_words(folder: Path) -> None:
    """The tokenizer knows none of the words it knew."""
    tokenizer = json.loads((folder / TOKENIZER).read_text())
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {
        word if word.startswith("[") else f"[lost{number}]": number for word, number in vocabulary.items()
    }
    (folder / TOKENIZER).write_text(json.dumps(tokenizer))


def torn(folder: Path) -> None:
    """The tokenizer's file ends too early."""
    (folder / TOKENIZER).write_text((folder / TOKENIZER).read_text()[:100])


def with_a_word_in_ten_lost(folder: Path) -> None:
    """The tokenizer has to spell a tenth of its words out."""
    tokenizer = json.loads((folder / TOKENIZER).read_text())
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {
        f"[lost{number}]" if number % 10 == 0 and len(word) > 2 and not word.startswith("[") else word: number
        for word, number in vocabulary.items()
    }
    (folder / TOKENIZER).write_text(json.dumps(tokenizer))


PLANTED: list[tuple[Callable[[Path], None], str, str]] = [
    (with_nan, "not_finite", "vectors that are not of unit length"),
    (without_words, "tokenizer", "the tokenizer is broken: "),
    (torn, "broken", "the encoder does not open"),
]


def spoilt(bundle: Bundle, folder: Path, spoil: Callable[[Path], None]) -> Path:
    """A copy of a bundle's encoder with something done to it."""
    shutil.copytree(bundle.path / layout.ENCODER, folder)
    spoil(folder)
    return folder


@pytest.mark.parametrize(("spoil", "rule", "reason"), PLANTED)
def test_encoders_that_cannot_serve(
    spoil: Callable[[Path], None], rule: str, reason: str, tiny_home: Path, tmp_path: Path
) -> None:
    """Each with its own reason; the same encoder unspoilt passes."""
    bundle = first_bundle(tiny_home)
    examine_encoder(spoilt(bundle, tmp_path / "good", harmless), TEXTS, incumbent=bundle.encoder)
    with pytest.raises(SmokeCheckError, match=reason) as caught:
        examine_encoder(spoilt(bundle, tmp_path / "bad", spoil), TEXTS, incumbent=bundle.encoder)

    assert caught.value.objection.rule == rule


def test_a_tokenizer_that_lost_some_words_passes(tiny_home: Path, tmp_path: Path) -> None:
    """The rows decide about that."""
    bundle = first_bundle(tiny_home)

    folder = spoilt(bundle, tmp_path / "few", with_a_word_in_ten_lost)
    vocabulary = json.loads((bundle.path / layout.ENCODER / TOKENIZER).read_text())["model"]["vocab"]
    texts = [*TEXTS, *(word for word in vocabulary if word.isalpha())]
    examine_encoder(folder, texts, incumbent=bundle.encoder)

    assert not np.allclose(Encoder(folder).encode(texts), bundle.encoder.encode(texts))


def slower(candidate: Bundle, incumbent: Bundle, *, texts: list[str], bound: float) -> list[Objection]:
    """What the rule on time says to measured costs."""
    case = Case(cost=measure_cost(candidate, incumbent, texts=texts), limits=Limits(slowdown=bound))
    return objections(case, Rule.SLOWER)


def larger(candidate: Bundle, incumbent: Bundle, *, bound: float) -> list[Objection]:
    """What the rule on size says."""
    case = Case(cost=measure_cost(candidate, incumbent, texts=TEXTS[:1]), limits=Limits(growth=bound))
    return objections(case, Rule.LARGER)


class Sleeping:
    """An encoder that takes so many seconds for whatever it is given."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def encode(self, texts: list[str]) -> None:
        """Sleep."""
        time.sleep(self._seconds)


def test_ten_times_slower_is_refused_and_half_as_slow_again_is_not(tiny_home: Path, small_home: Path) -> None:
    """What one message takes, against a bound of three; a difference that nobody notices passes."""

    def found(before: float, after: float) -> list[str]:
        old, new = (
            replace(bundle, encoder=cast("Encoder", Sleeping(seconds)))
            for bundle, seconds in ((first_bundle(tiny_home), before), (first_bundle(small_home), after))
        )
        return [o.rule for o in slower(new, old, texts=TEXTS, bound=3.0)]

    assert found(0.003, 0.03) == ["slower"]
    assert found(0.01, 0.015) == []
    assert found(0.0, 0.0005) == []


def test_slower_and_larger(tiny_home: Path, small_home: Path) -> None:
    """The real model in place of a tiny one is refused for both, the other way round it is welcome."""
    tiny, real = first_bundle(tiny_home), first_bundle(small_home)

    long = [f"{text} {' '.join(TEXTS)}" for text in TEXTS]

    assert [o.rule for o in slower(real, tiny, texts=long, bound=1.5)] == ["slower"]
    assert slower(tiny, real, texts=long, bound=1.5) == []
    assert [o.rule for o in larger(real, tiny, bound=3.0)] == ["larger"]
    assert larger(tiny, real, bound=3.0) == []
    (objection,) = larger(real, tiny, bound=1.0)
    ratio = float(objection.reason.split()[0])
    assert larger(real, tiny, bound=1.01 * ratio + 0.1) == []
    assert [o.rule for o in larger(real, tiny, bound=0.99 * ratio - 0.1)] == ["larger"]


def test_as_large_as_its_phrasings_need(tiny_home: Path) -> None:
    """Size is for as many phrasings, and the bound itself is allowed."""
    tiny = first_bundle(tiny_home)

    assert larger(tiny, tiny, bound=1.0) == []
    assert slower(tiny, tiny, texts=TEXTS, bound=1.0) == []


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A copy of the tiny home: what these nights learn does not matter."""
    home = Path(shutil.copytree(tiny_home, tmp_path / "home"))
    return load_settings(home=home, base_model=str(tiny_base), **LENIENT)


def night(settings: Settings, records: Database, *, finetune: bool = False) -> NightReport:
    """One run."""
    return run_night(settings, records, plan=Plan(minutes=0.05, finetune=finetune), progress=Quiet())


@pytest.mark.parametrize(("spoil", "rule", "reason"), PLANTED)
def test_a_night_that_trained_rubbish_keeps_what_serves(
    spoil: Callable[[Path], None],
    rule: str,
    reason: str,
    settings: Settings,
    records: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refusal with the reason in words, not a crash."""
    encoder = spoilt(first_bundle(settings.home), tmp_path / "spoilt", spoil)
    monkeypatch.setattr(
        attempts, "tune", lambda *_, **__: Tuned(encoder, Measurement(2, {}, ()), {TAKEN: 1, WANTED: 1})
    )
    report = night(settings, records, finetune=True)

    assert report.verdict == "kept"
    assert report.verdicts["retrained"].objections[0].rule == rule
    assert reason in report.verdicts["retrained"].reasons[0]
    assert f"retrained: refuse: {report.verdicts['retrained'].reasons[0]}" in report.as_text()
    with records.read() as session:
        assert versions.current(session).version_id == 1  # type: ignore[union-attr]


def test_a_bundle_that_does_not_open_is_refused(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors that are not finite after the build: the incumbent stays, and the night says why."""
    with records.write() as session:
        store_entries(session, [Entry("vpn", phrasings=("tunnel is shut",))], author="ann")
    sealed = layout.seal

    def seal_nan(directory: Path, facts: dict[str, object]) -> str:
        vectors = np.load(directory / layout.VECTORS)
        vectors[0] = np.nan
        np.save(directory / layout.VECTORS, vectors)
        return sealed(directory, facts)

    monkeypatch.setattr(layout, "seal", seal_nan)
    report = night(settings, records)

    assert (report.verdict, report.promoted) == ("kept", None)
    assert "it cannot serve: vectors that are not finite" in report.verdicts["refreshed"].reasons[0]


def test_versions_of_late_stand_beside_the_incumbent_and_the_best_are_spared(
    settings: Settings, records: Database
) -> None:
    """What served within 30 nights and is still on disk is asked; pruning leaves what it is told to leave."""
    for text in ("tunnel is shut", "tunnel is gone", "tunnel is ill", "tunnel is late", "tunnel is far"):
        with records.write() as session:
            store_entries(session, [Entry("vpn", phrasings=(text,))], author="ann")
            row = versions.add_version(
                session, text, kind="first", parent_id=None, rows_hash="", verdict="promote", report={}
            )
            versions.promote(session, row.id, reason="", author="test")
        (settings.bundles / text).mkdir()
    with records.write() as session:
        versions.promote(session, 1, reason="", author="test")
    (incumbent,) = (path for path in settings.bundles.iterdir() if (path / layout.MANIFEST).is_file())
    with records.read() as session:
        dataset = read_dataset(session)
    context = gather_context(settings, records, dataset, open_bundle(incumbent), 1, without=None, tries=2)
    best_versions = context.best_versions
    prune(open_store(settings), records, spared=(2,))

    assert context.tries == 2
    assert set(context.earlier) == {2, 3, 4, 5, 6}
    assert best_versions == (1,)  # the others do not open
    assert (settings.bundles / "tunnel is shut").exists()
    assert not (settings.bundles / "tunnel is gone").exists()


def test_worse_than_what_served_the_night_before_last(settings: Settings, records: Database) -> None:
    """A broken version got past without a gate; the next broken one is no worse than it, but than the first."""
    for gated in (False, True):
        with records.write() as session:
            store_entries(session, [Entry("vpn", phrasings=(f"tunnel is shut, gate {gated}",))], author="ann")
        gate = judge if gated else promote_always
        plan = Plan(minutes=0.05, finetune=False)
        report = run_night(settings, records, plan=plan, progress=Quiet(), gate=gate, finish=break_candidate)
        assert report.promoted == (None if gated else 2)

    rules = [objection.rule for objection in report.verdicts["refreshed"].objections]
    assert "worse_than_best" in rules
    assert "worse" not in rules


def test_a_golden_phrase_holds_a_night_back_until_it_is_removed(settings: Settings, records: Database) -> None:
    """A phrasing makes the bot answer what it must never answer; without the promise it may."""
    with records.write() as session:
        promise = golden.add(session, "can you marry me", intent=None, author="ann")
        store_entries(session, [Entry("vpn", phrasings=("can you marry me",))], author="mallory")
    refused = night(settings, records)
    with records.write() as session:
        golden.remove(session, promise, author="ann")
    allowed = night(settings, records)

    assert refused.promoted is None
    assert refused.verdicts["refreshed"].reasons == (
        f"golden phrase {promise} must never be answered and would be answered with vpn",
    )
    assert allowed.promoted_kind == "refreshed"
