"""The doctor finds each fault that is planted, names what mends it, and finds nothing in a sound home."""

import json
import platform
import shutil
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest
from commands import run
from versions_apart import flip, own_home

from helpdesk.records import nights, versions
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Conversation, Message
from helpdesk.settings import Settings, load_settings
from helpdesk.text import text_key
from helpdesk.upkeep import machine_checks
from helpdesk.upkeep.doctor import examine

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A sound home of its own."""
    made = own_home(tiny_home, tmp_path, base_model=str(tiny_base), workers=1, train_threads=1)
    made.home.chmod(0o700)
    return made


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many native threads as any machine has."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


def found(settings: Settings) -> dict[str, str]:
    """Check -> level and problem of its finding; there must be a remedy, and no more than one finding a check."""
    told: dict[str, str] = {}
    for check, findings in examine(settings):
        assert len(findings) < 2, findings
        for finding in findings:
            assert finding.remedy
            told[check] = f"{finding.level} {finding.problem}"
    return told


def test_a_sound_home_has_no_findings(settings: Settings) -> None:
    """And every check is made."""
    assert found(settings) == {}
    assert {check for check, _ in examine(settings)} == {
        "settings", "processor", "threads", "model", "permissions", "disk", "schema", "bundles", "clock", "nights",
        "erasures", "people",
    }  # fmt: skip


CHANGED = [
    ({"host": "0.0.0.0"}, "settings", "warning HELPDESK_HOST is 0.0.0.0 without HELPDESK_HTTPS_ONLY"),
    ({"secret_key": "short"}, "settings", "error HELPDESK_SECRET_KEY is shorter"),
    ({"allowed_origins": "https://*.example.com"}, "settings", "warning HELPDESK_ALLOWED_ORIGINS lets"),
    ({"replies": "/nowhere/replies.csv"}, "settings", "error "),
    ({"redact": "false"}, "settings", "warning HELPDESK_REDACT is off"),
    ({"session_idle_hours": 48}, "settings", "warning HELPDESK_SESSION_IDLE_HOURS (48) is more"),
    ({"retention_days": 7}, "settings", "warning messages are deleted after 7 days"),
    ({"workers": 512}, "settings", "warning 512 processes write to one SQLite file"),
    ({"encoder_threads": 512}, "threads", "warning 1 processes with 512 encoder threads share"),
    ({"train_threads": 512}, "threads", "warning HELPDESK_TRAIN_THREADS is 512"),
    ({"base_model": "/nowhere/model"}, "model", "error HELPDESK_BASE_MODEL: '/nowhere/model' is not a folder"),
    ({"base_model": "nobody/has-this"}, "model", "error the base model nobody/has-this is not on this machine"),
]


@pytest.mark.parametrize(("changed", "check", "problem"), CHANGED)
def test_bad_and_contradictory_settings(settings: Settings, changed: dict[str, str], check: str, problem: str) -> None:
    """Each by its name."""
    kept = {name: getattr(settings, name) for name in ("home", "base_model", "workers", "train_threads")}

    assert found(load_settings(**kept | changed))[check].startswith(problem)


def test_a_misspelt_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was meant."""
    monkeypatch.setenv("HELPDESK_DATABSE_URL", "postgresql://db/helpdesk")
    (finding,) = next(findings for check, findings in examine(settings) if check == "settings")

    assert finding.remedy == "did you mean HELPDESK_DATABASE_URL?"


def test_a_processor_without_wide_vectors(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As emulated ones are."""
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags : fpu sse2 ssse3\n")
    monkeypatch.setattr(machine_checks, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    assert found(settings) == {"processor": "warning the processor has no avx2: encoding takes several times as long"}


@pytest.mark.parametrize(("free", "words"), [(2**20, "1 MB are free"), (machine_checks.LEAST_FREE, "a night needs")])
def test_a_disk_that_is_nearly_full(settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, words: str) -> None:
    """Too full for messages, or for a night."""
    monkeypatch.setattr(machine_checks, "ROOM_FOR_A_NIGHT", 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10 * free, 9 * free, free))

    assert found(settings)["disk"].startswith("error ")
    assert words in found(settings)["disk"]


def test_rights_that_are_too_wide(settings: Settings) -> None:
    """On the home and on the key."""
    (settings.home / "secret_key").chmod(0o644)
    assert found(settings)["permissions"].startswith("error others may read")
    (settings.home / "secret_key").chmod(0o600)
    settings.home.chmod(0o755)
    assert found(settings)["permissions"].startswith("warning others may look into")


def test_no_home_and_no_database(tmp_path: Path, tiny_base: Path) -> None:
    """Nothing is made by looking."""
    told = found(load_settings(home=tmp_path / "nowhere", base_model=str(tiny_base), workers=1, train_threads=1))

    assert told["permissions"].startswith("error there is no home")
    assert told["schema"].startswith("error the database")
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_database(settings: Settings) -> None:
    """Before anything else is read from it."""
    (settings.home / "helpdesk.db").write_bytes(b"no database" * 1000)

    assert "is damaged: file is not a database" in found(settings)["schema"]


def test_an_older_schema(settings: Settings, records: Database) -> None:
    """The command that brings it up is named."""
    with records.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    (finding,) = next(findings for check, findings in examine(settings) if check == "schema")

    assert (finding.level, finding.remedy) == ("error", "run `helpdesk db upgrade`")


def test_damaged_bundles_and_lost_ones(settings: Settings) -> None:
    """Of the version in service."""
    (sealed,) = settings.bundles.iterdir()
    flip(sealed / "vectors.npy")
    assert found(settings)["bundles"].startswith("error version 1 (in service): vectors.npy is not the file")
    shutil.rmtree(sealed)
    assert "is gone" in found(settings)["bundles"]


def test_no_version_and_nobody_to_log_in(empty_home: Path, tiny_base: Path, tmp_path: Path) -> None:
    """As after `helpdesk db upgrade` alone."""
    empty = own_home(empty_home, tmp_path, base_model=str(tiny_base), workers=1, train_threads=1)
    empty.home.chmod(0o700)
    open_database(empty).close()

    assert found(empty) == {
        "bundles": "error no version serves, so nothing is answered",
        "people": "warning nobody can log in",
    }


def test_a_clock_that_went_back(settings: Settings, records: Database) -> None:
    """Rows are from the future, or it is from before helpdesk was written."""
    with simulated_time() as clock:
        clock.set(now() + timedelta(days=1))
        with records.write() as session:
            versions.promote(session, 1, reason="test", author="test")
    assert found(settings)["clock"].startswith("error rows are from")
    with simulated_time() as clock:
        clock.set(now().replace(year=1999))
        assert found(settings)["clock"].startswith("error the clock says 1999")


def test_a_night_that_failed_and_one_long_ago(settings: Settings, records: Database) -> None:
    """Both may be lasting."""
    with records.write() as session:
        moment = now()
        night = nights.add_night(
            session,
            started_at=moment,
            finished_at=moment,
            verdict="failed",
            reason="OSError: No space",
            version_id=1,
            labels=0,
            refusals={},
            figures={},
        )
    assert found(settings)["nights"] == "warning the last night failed: OSError: No space"
    with records.write() as session:
        session.get_one(type(night), night.id).verdict = "kept"
        session.get_one(type(night), night.id).finished_at = moment - timedelta(days=3)
    assert found(settings)["nights"].startswith("warning the last night was on")


def test_an_erasure_that_a_restored_backup_undid(settings: Settings, records: Database, tmp_path: Path) -> None:
    """The restore says so at once, and the doctor until it is done again; the certificate of before stays."""
    with records.write() as session:
        talk = Conversation(channel="rest", sender="eve")
        session.add(talk)
        session.flush()
        message = {"channel": "rest", "text": "zyxo", "normalised": "zyxo", "text_key": text_key("zyxo")}
        session.add(Message(conversation_id=talk.id, **message))
    run(settings, "backup", str(tmp_path / "saved"))
    run(settings, "erase", "--sender", "eve")
    before = {path: path.read_bytes() for path in (settings.home / "certificates").iterdir()}
    assert found(settings) == {}
    restored = run(settings, "restore", str(tmp_path / "saved"), "--force")

    assert "erase it again: `helpdesk erase --sender eve`" in restored.stderr
    assert "is there again" in found(settings)["erasures"]
    run(settings, "erase", "--sender", "eve")
    assert found(settings) == {}
    assert before.items() <= {path: path.read_bytes() for path in (settings.home / "certificates").iterdir()}.items()


def test_the_command_ends_with_1_on_errors_alone(settings: Settings) -> None:
    """And gives a list to programs."""
    settings.home.chmod(0o755)
    warned = run(settings, "doctor")
    (settings.home / "secret_key").chmod(0o644)
    told = run(settings, "doctor", "--json", code=1)

    assert "warning  permissions: others may look into" in warned.stdout
    assert "-> chmod 700" in warned.stdout
    assert {finding["level"] for finding in json.loads(told.stdout)} == {"error", "warning"}
