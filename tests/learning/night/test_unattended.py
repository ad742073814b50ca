"""Nights that nobody watches: budgets, leases lost, versions changed meanwhile, reports, old bundles."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType

import pytest
from homes import LENIENT
from sqlalchemy import update

from helpdesk.errors import BudgetError, BusyError, ConflictError
from helpdesk.learning.bundles.build import is_outdated
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.context import contract_of
from helpdesk.learning.night import attempts, budget, report
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.progress import Quiet, Report, Reporter
from helpdesk.records import faq, heartbeats, nights, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.faq import Entry
from helpdesk.records.heartbeats import Heartbeat
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import HeartbeatRow, Lease
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings, load_settings
from helpdesk.web.staff.banner import as_banner

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A copy of the tiny home: what these nights learn does not matter."""
    home = Path(shutil.copytree(tiny_home, tmp_path / "home"))
    return load_settings(home=home, base_model=str(tiny_base), **LENIENT)


class Meanwhile:
    """Does something once, in the middle of the night."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def __enter__(self) -> Report:
        return self._report

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _report(self, stage: str, done: int, total: int) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


def teach(records: Database, *texts: str) -> None:
    """Phrasings that an editor added, so that there is something to refresh."""
    with records.write() as session:
        faq.store_entries(session, [Entry("vpn", phrasings=texts)], author="ann", source="edit")


def night(settings: Settings, records: Database, progress: Reporter | None = None) -> NightReport:
    """One run without fine-tuning."""
    return run_night(settings, records, plan=Plan(minutes=1, finetune=False), progress=progress or Quiet())


def serving(records: Database) -> int:
    """The version in service."""
    with records.read() as session:
        current = versions.current(session)
    assert current is not None
    return current.version_id


def on_disk(settings: Settings) -> list[str]:
    """The kinds of the bundles that are there, half-built ones included."""
    return sorted(path.name.rpartition("-")[0].rpartition("-")[2] for path in settings.bundles.iterdir())


def test_a_run_that_stood_still_while_another_took_over_promotes_nothing(settings: Settings, records: Database) -> None:
    """It says busy; what it built has no name and goes with the next night."""

    def steal() -> None:
        with records.write() as session:
            session.execute(update(Lease).values(owner="another", host="beta", process_id=7))

    teach(records, "tunnel is closed")
    with pytest.raises(BusyError, match="another one took over"):
        night(settings, records, Meanwhile(steal))
    assert serving(records) == 1
    assert on_disk(settings) == ["first", "refreshed"]

    with records.write() as session:
        session.execute(update(Lease).values(expires_at=now()))
    assert night(settings, records).promoted == 2
    assert on_disk(settings) == ["first", "refreshed"]


def test_a_version_put_in_service_meanwhile_stays(settings: Settings, records: Database) -> None:
    """The verdict was about another incumbent, so the night fails and says why."""

    def promote_by_hand() -> None:
        with records.write() as session:
            version = versions.add_version(
                session, "by-hand", kind="refreshed", parent_id=1, rows_hash="x", verdict="promote", report={}
            )
            versions.promote(session, version.id, reason="by hand", author="ann")

    teach(records, "tunnel is closed")
    with pytest.raises(ConflictError, match="version 2 was put in service while this night ran"):
        night(settings, records, Meanwhile(promote_by_hand))

    assert serving(records) == 2
    assert on_disk(settings) == ["first"]
    with records.read() as session:
        last = nights.last_night(session)
    assert last is not None
    assert last.verdict == "failed"


def test_bundles_that_cannot_be_removed_do_not_fail_a_night(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has promoted: they stay, and the log says so."""

    def refuse(path: Path, target: Path) -> Path:
        if "removed" in target.name:
            raise PermissionError(13, "Permission denied", str(path))
        return path.replace(target)

    monkeypatch.setattr(Path, "rename", refuse)
    for number, how in enumerate(("shut", "ill", "late", "far", "odd"), 2):
        teach(records, f"tunnel is {how}")
        assert night(settings, records).promoted == number
    assert len(on_disk(settings)) == 6

    monkeypatch.undo()
    teach(records, "tunnel is gone")
    assert night(settings, records).promoted == 7
    assert len(on_disk(settings)) in (4, 5), "the best of late may stay"


def test_a_bundle_that_is_removed_meanwhile_is_not_put_in_service(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opened a moment ago; what serves goes on serving."""
    teach(records, "tunnel is closed")
    assert night(settings, records).promoted == 2

    def open_then_remove(path: Path, *, whole: bool) -> Bundle:
        opened = open_bundle(path, whole=whole)
        shutil.rmtree(path)
        return opened

    monkeypatch.setattr("helpdesk.serving.promotion.open_bundle", open_then_remove)
    with pytest.raises(ConflictError, match="version 1 is too old to be kept"):
        put_in_service(settings, records, 1, reason=versions.ROLLBACK)
    assert serving(records) == 2


def test_a_rollback_stands_until_a_person_promotes_again(settings: Settings, records: Database) -> None:
    """What was rolled back would be built again from the same rows; and one label more must not let it back either."""
    teach(records, "tunnel is closed")
    assert night(settings, records).promoted == 2
    put_in_service(settings, records, 1, reason=versions.ROLLBACK)

    for text in (None, "tunnel is shut"):
        teach(records, *filter(None, [text]))
        held = night(settings, records)
        assert held.promoted is None
        assert [objection.rule for objection in held.verdicts["refreshed"].objections] == ["rolled_back"]
        assert "warning: version 1 serves because of a rollback" in held.as_text()
    assert serving(records) == 1
    with records.read() as session:
        newest = nights.last_night(session)
    assert newest is not None
    assert "helpdesk versions promote 1" in as_banner(newest).warnings[0]

    put_in_service(settings, records, 1, reason="promoted by hand")
    resumed = night(settings, records)
    assert resumed.promoted == 3
    assert resumed.warnings == ()


def test_a_fine_tuning_that_fails_does_not_throw_the_refreshed_away(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a refusal and a warning then; with nothing else to promote the night fails as ever."""

    def give_up(*_: object, **__: object) -> None:
        raise BudgetError("too much memory held")

    monkeypatch.setattr(attempts, "tune", give_up)
    plan = Plan(minutes=1)
    teach(records, "tunnel is closed")
    ended = run_night(settings, records, plan=plan, progress=Quiet())
    assert (ended.promoted, ended.promoted_kind, ended.verdict) == (2, "refreshed", "promoted")
    assert [objection.rule for objection in ended.verdicts["retrained"].objections] == ["failed"]
    assert "warning: retrained: it failed: BudgetError: too much memory held" in ended.as_text()

    with pytest.raises(BudgetError):
        run_night(settings, records, plan=plan, progress=Quiet())


def test_an_intent_of_a_single_phrasing_beside_one_other_can_be_fine_tuned(tmp_path: Path, tiny_base: Path) -> None:
    """Without the part that has the phrasing only one intent is left, which measures nothing and breaks nothing."""
    few = load_settings(home=tmp_path, base_model=str(tiny_base), **LENIENT)
    records = open_database(few)
    upgrade(records)
    texts = ("vpn is down", "tunnel is closed", "cannot connect from home", "remote access is broken")
    with records.write() as session:
        entries = [Entry("vpn", "How do I use the VPN?", "So.", phrasings=texts), Entry("badge", "Badge?", "There.")]
        faq.store_entries(session, entries, author="ann")
    assert night(few, records).promoted == 1
    ended = run_night(few, records, plan=Plan(minutes=1, max_steps=2), progress=Quiet())
    assert ended.verdict in {"kept", "promoted"}
    assert ended.candidates["retrained"].thresholds is not None
    assert not any("steps" in warning for warning in ended.warnings)
    ended = run_night(few, records, plan=Plan(minutes=1e-5), progress=Quiet())
    assert "warning: the 1e-05 minutes of fine-tuning were enough for 3 of 30 steps" in ended.as_text()


@pytest.mark.parametrize("change", [{"max_wrong_rate": 0.25}, {"assurance": 0.6}, {"clarify_level": 0.31}, {}])
def test_another_contract_is_fitted_the_next_night(
    settings: Settings, records: Database, change: dict[str, float]
) -> None:
    """Without new rows, too; and without any change nothing is built."""
    report = night(settings.model_copy(update=change), records)
    assert ("refreshed" in report.verdicts) == bool(change)


def test_a_label_that_is_a_week_old_counts_the_next_night(settings: Settings, records: Database) -> None:
    """The rows are the same, but the thresholds look at one more of them."""
    with records.read() as session:
        today = read_dataset(session)
    aged = replace(today, train=(replace(today.train[0], fresh=True), *today.train[1:]))
    manifest = open_bundle(next(settings.bundles.iterdir())).manifest
    contract = contract_of(settings)

    assert aged.rows_hash == today.rows_hash
    assert not is_outdated(manifest, today, settings, contract=contract)
    assert is_outdated(manifest, aged, settings, contract=contract)


def test_a_night_over_its_memory_budget_gives_up_clearly(settings: Settings, records: Database) -> None:
    """It names the stage, what it held and what was allowed; the version in service stays."""
    teach(records, "tunnel is closed")
    held = budget.resident_bytes() / 1e6
    tight = settings.model_copy(update={"train_memory_mb": int(held / 2)})

    with pytest.raises(BudgetError, match=r"refreshed: encoding: [\d,]+ MB of memory held; HELPDESK_TRAIN_MEMORY_MB"):
        night(tight, records)
    assert serving(records) == 1
    assert night(settings.model_copy(update={"train_memory_mb": int(held * 4)}), records).promoted == 2


def test_too_little_disk_is_told_before_anything_is_built(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bytes: what is free and what is needed, three times the bundle in service."""
    (incumbent,) = settings.bundles.iterdir()
    size = sum(path.stat().st_size for path in incumbent.rglob("*") if path.is_file())
    usage = shutil.disk_usage(settings.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    teach(records, "tunnel is closed")

    with pytest.raises(BudgetError, match=rf"1,000 bytes are free .*; {3 * size:,} are needed"):
        night(settings, records)


def test_an_error_of_the_disk_discards_the_build(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync fails: nothing is promoted, nothing is left behind, and the report says so."""

    def broken(path: object) -> None:
        raise OSError(5, "Input/output error")

    teach(records, "tunnel is closed")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="Input/output"):
        patch.setattr(layout, "fsync", broken)
        night(settings, records)

    assert serving(records) == 1
    assert on_disk(settings) == ["first"]
    with records.read() as session:
        last = nights.last_night(session)
    assert last is not None
    assert (last.verdict, last.reason) == ("failed", "OSError: [Errno 5] Input/output error")
    assert night(settings, records).promoted == 2


def test_every_night_leaves_a_report_and_is_told(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promoted, kept and failed, each in one paragraph."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(report, "notify", lambda _, data: told.append(data))
    teach(records, "tunnel is closed")
    night(settings, records)
    night(settings, records)
    monkeypatch.setattr(layout, "publish", lambda *_: 1 / 0)
    teach(records, "tunnel is shut")
    with pytest.raises(ZeroDivisionError):
        night(settings, records)

    assert [data["verdict"] for data in told] == ["promoted", "kept", "failed"]
    assert "version 2 (refreshed) is in service." in str(told[0]["summary"])
    assert "failed, nothing was promoted: ZeroDivisionError" in str(told[2]["summary"])
    assert all("\n" not in str(data["summary"]) for data in told)
    with records.read() as session:
        last = nights.last_night(session)
    assert last is not None
    assert last.verdict == "failed"


def test_a_report_that_cannot_be_written_does_not_fail_the_night(settings: Settings, records: Database) -> None:
    """The version row has the report too."""
    for path in (settings.home / "reports").iterdir():
        path.unlink()
    (settings.home / "reports").rmdir()
    (settings.home / "reports").write_text("in the way")
    teach(records, "tunnel is closed")

    assert night(settings, records).promoted == 2


def test_a_bundle_that_some_process_serves_is_never_removed(real_settings: Settings) -> None:
    """However old; when its process has been silent for ten minutes it goes."""
    settings, records = real_settings, open_database(real_settings)
    for number in range(5):
        teach(records, f"tunnel {'abcdef'[number]} is closed {number}")
        assert night(settings, records).promoted == number + 2
        with records.write() as session:
            heartbeats.note(session, Heartbeat("far away", 5, 1))
            heartbeats.note(session, Heartbeat("silent", 6, 2))
            silent = update(HeartbeatRow).where(HeartbeatRow.host == "silent")
            session.execute(silent.values(seen_at=now() - timedelta(minutes=11)))
    with records.read() as session:
        directories = {version.id: version.directory for version in versions.list_versions(session)}
    records.close()
    kept = [number for number, name in directories.items() if (settings.bundles / name).exists()]

    assert kept == [6, 5, 4, 3, 1]


def test_nameless_bundles_go_and_strangers_stay(settings: Settings, records: Database) -> None:
    """A run that died between the rename and its transaction leaves a finished bundle that nothing names.

    One from before the first version is of another database, which may come back.
    """
    nameless = settings.bundles / f"{now():%Y%m%dT%H%M%S%f}-refreshed-0123abcd"
    elsewhere = settings.bundles / "20201101T023000123456-refreshed-0123abcd"
    stranger = settings.bundles / "backup-of-november"
    for folder in (nameless, elsewhere, stranger):
        folder.mkdir()
        (folder / "vectors.npy").write_bytes(b"x")
    night(settings, records)

    assert not nameless.exists()
    assert (elsewhere / "vectors.npy").exists()
    assert (stranger / "vectors.npy").exists()


def test_a_bundle_lists_its_rows_their_hash_and_its_content_hash(settings: Settings, records: Database) -> None:
    """Lineage starts from the bundle: every row's id, and the keys of its out-of-scope messages."""
    (sealed,) = settings.bundles.iterdir()
    bundle = layout.open_bundle(sealed)
    stored = json.loads((sealed / layout.PHRASINGS).read_text())

    assert len(bundle.manifest["rows_hash"]) == len(bundle.manifest["content_hash"]) == 64
    assert bundle.phrasing_ids == tuple(stored["ids"])
    assert len(set(bundle.phrasing_ids)) == len(bundle.vectors)
    assert len(bundle.out_of_scope_keys) == len(bundle.scorer.out_of_scope)
