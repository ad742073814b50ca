"""A version was promoted and then the database went away, or the process: what is missing is made good and told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from helpdesk.errors import UnavailableError
from helpdesk.learning.night import history, report, run
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import labels, nights, versions
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.files.reports import REPORTS
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import Night
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(live: LiveMatcher, monkeypatch: pytest.MonkeyPatch) -> ChatService:
    """The serving side with a label to learn; nobody waits between tries."""
    monkeypatch.setattr(history, "RETRY_PAUSES", (0.0, 0.0))
    made = ChatService(live._database, live, live._settings)
    message = made.reply("the tunnel from my kitchen is dead", channel="rest", sender="u").message_id
    with made.database.write() as session:
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0.0)
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was sent to whoever wants to know."""
    sent: list[Any] = []
    monkeypatch.setattr(report, "notify", lambda _, data: sent.append(data))
    return sent


def night(desk: ChatService) -> NightReport:
    """One run without fine-tuning."""
    return run_night(desk.settings, desk.database, plan=Plan(minutes=0.05, finetune=False), progress=Quiet())


def rows(database: Database) -> list[tuple[str, int | None]]:
    """(verdict, version) of every night."""
    with database.read() as session:
        return [(row.verdict, row.version_id) for row in nights.list_nights(session, limit=99)]


def failing(times: int, action: Callable[..., Any]) -> Callable[..., Any]:
    """The action, after so many calls at which the database does not answer."""
    left = [times]

    def call(*args: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise UnavailableError("the database did not answer: restarting")
        return action(*args, **options)

    return call


@pytest.mark.parametrize("step", ["measure_night", "_append"])
def test_a_database_that_comes_back_costs_nothing(
    step: str, desk: ChatService, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step after the promotion is tried again."""
    place = run if step == "measure_night" else history
    monkeypatch.setattr(place, step, failing(2, getattr(place, step)))
    found = night(desk)

    assert (found.verdict, found.promoted, found.warnings) == ("promoted", 2, ())
    assert rows(desk.database)[-1] == ("promoted", 2)
    assert [data["promoted"] for data in told] == [2]


def test_a_database_that_stays_away_loses_the_row_only_until_the_next_run(
    desk: ChatService, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Report and message say what is missing; the next run adds the row and says so."""
    with monkeypatch.context() as broken:
        broken.setattr(history, "_append", failing(99, history._append))
        found = night(desk)

    assert found.verdict == "promoted"
    assert "no row in `nights`" in found.warnings[0]
    assert "no row in `nights`" in told[0]["summary"]
    assert rows(desk.database) == [("promoted", 1)]

    following = night(desk)
    assert "put version 2 in service and left no row" in following.warnings[0]
    assert rows(desk.database) == [("promoted", 1), ("promoted", 2), ("kept", 2)]
    assert night(desk).warnings == ()


def test_a_night_that_was_killed_after_its_promotion_is_told_by_the_next(desk: ChatService) -> None:
    """Neither row nor report was left: both are there afterwards, the report as it was at the promotion."""
    promoted = night(desk)
    with desk.database.write() as session:
        session.execute(delete(Night).where(Night.version_id == 2))
    for path in (desk.settings.home / REPORTS).glob("*.json"):
        path.unlink()
    with simulated_time() as clock:  # two nights of one second would share a report
        clock.set(now() + timedelta(minutes=1))
        night(desk)
    reports = (desk.settings.home / REPORTS).glob("*.json")
    stored = {found.verdict: found for found in (NightReport.model_validate_json(path.read_text()) for path in reports)}

    assert rows(desk.database)[1:] == [("promoted", 2), ("kept", 2)]
    assert (stored["promoted"].started, stored["promoted"].promoted) == (promoted.started, 2)
    assert stored["promoted"].verdicts == promoted.verdicts


def test_a_commit_whose_answer_was_lost_counts_as_made(desk: ChatService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection broke between the commit and its answer: what is in service is what is reported."""
    append = run._append

    def committed_unheard(*args: Any) -> int:
        append(*args)
        raise UnavailableError("the database did not answer: connection reset")

    monkeypatch.setattr(run, "_append", committed_unheard)
    found = night(desk)
    with desk.database.read() as session:
        current = versions.current(session)

    assert current is not None
    assert (found.verdict, found.promoted) == ("promoted", current.version_id)
    assert rows(desk.database)[-1] == ("promoted", 2)


def test_a_commit_that_was_never_made_is_no_promotion(desk: ChatService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The night fails and says that nothing was promoted."""
    monkeypatch.setattr(run, "_append", failing(99, run._append))
    with pytest.raises(UnavailableError):
        night(desk)

    assert rows(desk.database)[-1] == ("failed", 1)


def test_a_version_put_in_service_by_hand_meanwhile_leaves_one_row(
    desk: ChatService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is about what the night promoted, so the next run finds nothing missing."""
    measure = history.measure_night

    def measured_after_a_promotion_by_hand(*args: Any, **options: Any) -> Any:
        with desk.database.write() as session:
            versions.promote(session, 1, reason="promoted by hand", author="command line")
        return measure(*args, **options)

    with monkeypatch.context() as changed:
        changed.setattr(run, "measure_night", measured_after_a_promotion_by_hand)
        night(desk)

    assert rows(desk.database)[-1] == ("promoted", 2)
    assert not [warning for warning in night(desk).warnings if "left no row" in warning]
