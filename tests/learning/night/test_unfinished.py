"""A night that could not leave its row is told of by the next one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from helpdesk.errors import UnavailableError
from helpdesk.learning.night import history, run
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.night.unfinished import MARKS, NightMark, unfinished
from helpdesk.progress import Quiet
from helpdesk.records import nights
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.settings import Settings


def failing(error: Exception) -> Callable[..., None]:
    """Something that fails."""

    def fail(*args: object, **options: object) -> None:
        raise error

    return fail


def night(settings: Settings, records: Database) -> list[str]:
    """One run with nothing to learn; its warnings."""
    return list(run_night(settings, records, plan=Plan(minutes=1, finetune=False), progress=Quiet()).warnings)


def rows(records: Database) -> list[tuple[str, str]]:
    """Verdict and reason of every night since the first version."""
    with records.read() as session:
        return [(row.verdict, row.reason) for row in nights.list_nights(session, limit=99)][1:]


def test_a_night_on_a_full_disk_gets_its_row_from_the_next_one(
    settings: Settings, records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; the mark is gone afterwards, and a further night says nothing of it."""
    with monkeypatch.context() as patch:
        patch.setattr(run, "_work", failing(OSError(28, "No space left on device")))
        patch.setattr(history, "_append", failing(UnavailableError("the disk is full")))
        with pytest.raises(OSError, match="No space"):
            night(settings, records)
    assert rows(records) == []
    (warning,) = night(settings, records)

    assert "left no row and is noted as failed now: OSError: [Errno 28] No space" in warning
    assert [verdict for verdict, _ in rows(records)] == ["failed", "kept"]
    assert "No space left" in rows(records)[0][1]
    assert unfinished(settings.home) == []
    assert night(settings, records) == []


def test_a_killed_night_gets_its_row_from_the_next_one(settings: Settings, records: Database) -> None:
    """It had no time to say why."""
    NightMark(settings.home, now()).begin(records)
    (warning,) = night(settings, records)

    assert "it was killed" in warning
    assert [verdict for verdict, _ in rows(records)] == ["failed", "kept"]


def test_the_mark_needs_no_room_on_the_disk(settings: Settings, records: Database) -> None:
    """It is written over where it lies, whole; what is no mark is none."""
    NightMark(settings.home, now()).begin(records)
    path = settings.home / MARKS
    before = path.stat()
    for _ in range(30):
        NightMark(settings.home, now()).end("x" * 10_000)
    after = path.stat()

    assert (after.st_ino, after.st_size, after.st_blocks) == (before.st_ino, before.st_size, before.st_blocks)
    assert 1 < len(json.loads(path.read_text())) < 30
    path.write_bytes(b"\xff no marks")
    assert unfinished(settings.home) == []


def test_a_home_that_cannot_be_written_keeps_the_night_going(records: Database, tmp_path: Path) -> None:
    """The mark is a help, no condition."""
    mark = NightMark(tmp_path / "nowhere", now())
    assert mark.begin(records) == []
    mark.end()
