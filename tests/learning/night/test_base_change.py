"""A changed `HELPDESK_BASE_MODEL`: what a run says and does."""

from pathlib import Path

import pytest
from fakes import tiny_model

from helpdesk.learning.night.base_change import base_before, sees_capitals
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.matching.bundle import read_manifest
from helpdesk.new_home import set_up
from helpdesk.progress import Quiet
from helpdesk.records import faq, versions
from helpdesk.records.database import Database
from helpdesk.records.night_report import NightReport
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def changed(settings: Settings, tmp_path: Path) -> Settings:
    """The tiny home, and a base model of another architecture and size, whose tokenizer is cased."""
    other = tiny_model(tmp_path / "other", "distilbert", dim=16, cased=True)
    return settings.model_copy(update={"base_model": str(other)})


def night(settings: Settings, records: Database, *, finetune: bool) -> NightReport:
    """One short run."""
    plan = Plan(minutes=0.05, finetune=finetune, max_steps=2)
    return run_night(settings, records, plan=plan, progress=Quiet())


def base_of_serving(settings: Settings, records: Database) -> str:
    """What the manifest of the version in service names."""
    with records.read() as session:
        current = versions.current(session)
    assert current is not None
    return str(read_manifest(settings.bundles / current.directory)["base_model"])


def test_a_night_that_fine_tunes_says_that_it_starts_from_the_new_one(changed: Settings, records: Database) -> None:
    """And that capitals tell it nothing; the candidate is judged like any other."""
    report = night(changed, records, finetune=True)
    said = report.as_text()

    assert f"this night fine-tunes from {changed.base_model!r} and compares the result with what serves" in said
    assert "is given everything in small letters" in said
    assert "retrained" in report.verdicts


def test_a_run_without_fine_tuning_keeps_the_encoder_and_its_base(
    settings: Settings, changed: Settings, records: Database
) -> None:
    """A refreshed version names the base model that its encoder came from, not what is set."""
    with records.write() as session:
        faq.store_entries(session, [faq.Entry("vpn", phrasings=("the tunnel is down",))], author="ann")
    report = night(changed, records, finetune=False)

    assert report.promoted_kind == "refreshed"
    assert f"without fine-tuning it stays; the next run that fine-tunes starts from {changed.base_model!r}" in (
        report.as_text()
    )
    assert base_of_serving(settings, records) == settings.base_model


def test_the_same_base_model_needs_no_word(settings: Settings, records: Database) -> None:
    """Nor one under its other name."""
    assert "HELPDESK_BASE_MODEL" not in night(settings, records, finetune=False).as_text()
    assert not [said for said in set_up(settings, records, starter_faq=False, progress=Quiet()) if "base model" in said]
    assert base_before({"base_model": "all-MiniLM-L6-v2"}, "sentence-transformers/all-MiniLM-L6-v2") is None


def test_setting_up_a_home_again_says_so_too(changed: Settings, records: Database) -> None:
    """Nothing is built: what serves goes on serving."""
    said = list(set_up(changed, records, starter_faq=False, progress=Quiet()))

    assert ["without fine-tuning it stays" in line for line in said].count(True) == 1


def test_a_cased_tokenizer_is_recognised(tmp_path: Path) -> None:
    """The packaged one folds case itself."""
    for name, cased in (("plain", False), ("cased", True)):
        model = load_base(str(tiny_model(tmp_path / name, "distilbert", cased=cased)), threads=1)
        save_serving_files(model, tmp_path / f"{name}-served")

        assert sees_capitals(tmp_path / f"{name}-served") is cased
