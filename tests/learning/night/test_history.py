"""Every night leaves a row: what came of it, and how the version that serves afterwards does."""

import pytest
from desks import open_desk
from sqlalchemy import select

from helpdesk.errors import BundleError
from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.night import history as chronicle
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import labels, nights
from helpdesk.records.tables import DecisionRow, Night
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow

TUNNEL = ["the tunnel from my kitchen is dead", "tunnel refuses to come up", "no tunnel since this morning"]
PERU = "what is the capital of peru"


@pytest.fixture
def desk(live: LiveMatcher) -> ChatService:
    """The serving side."""
    return ChatService(live._database, live, live._settings)


def teach(desk: ChatService, text: str, intent: str | None, *, holdout: bool = False) -> None:
    """A message that came in and was labelled, as an intent or as out of scope."""
    message = desk.reply(text, channel="rest", sender="u").message_id
    kind, share = ("intent" if intent else "out_of_scope"), (0.9999 if holdout else 0.0)
    with desk.database.write() as session:
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=1, holdout_share=share)


def night(desk: ChatService, *, dry_run: bool = False) -> None:
    """One run without fine-tuning."""
    plan = Plan(minutes=0.05, finetune=False, dry_run=dry_run)
    run_night(desk.settings, desk.database, plan=plan, progress=Quiet())


def history(desk: ChatService) -> list[Night]:
    """Every row, oldest first."""
    with desk.database.read() as session:
        return nights.list_nights(session, limit=99)


def test_a_promotion_is_noted_with_how_the_new_version_does(desk: ChatService) -> None:
    """Held-out accuracy, coverage since the last night, the audit estimate, and how new labels scored what served."""
    for text in TUNNEL:
        teach(desk, text, "vpn")
    teach(desk, PERU, None, holdout=True)
    desk.reply("forgot my password", channel="rest", sender="u")
    with desk.database.read() as session:
        answered = session.scalars(select(DecisionRow).where(DecisionRow.kind == "answer")).all()
    night(desk)
    first, row = history(desk)

    assert (first.verdict, first.version_id, first.labels) == ("promoted", 1, 0)
    assert (row.verdict, row.promoted_kind, row.version_id, row.labels) == ("promoted", "refreshed", 2, 4)
    assert row.reason == "refreshed: not worse than the version in service"
    assert (row.holdout_rows, row.holdout_right) == (1, 1)
    assert row.coverage == pytest.approx(len(answered) / 5)
    assert (row.wrong_share, row.wrong_low) == (None, 0.0), "the exact answer is drawn and not labelled"
    assert row.figures["new_labels"]["rows"] == 4
    assert row.figures["drift"]["warnings"] == []
    assert row.started_at <= row.finished_at


def test_a_night_that_changes_nothing_is_noted_too(desk: ChatService) -> None:
    """With what it found: nothing new."""
    night(desk)
    row = history(desk)[-1]

    assert (row.verdict, row.reason, row.version_id, row.refusals) == ("kept", "nothing new to learn", 1, {})


def test_a_refusal_is_noted_with_its_reasons(real_settings: Settings) -> None:
    """Held-out messages that turn wrong: kept, and why."""
    desk = open_desk(real_settings)
    for word in ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot"):
        teach(desk, f"vpn connection fails {word} since monday morning", "vpn", holdout=True)
    night(desk)
    for word in ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot"):
        teach(desk, f"{word} fails: the vpn has had no connection since easter", "laptop")
    night(desk)
    row = history(desk)[-1]

    assert (row.verdict, row.promoted_kind) == ("kept", None)
    assert "significantly worse" in row.refusals["refreshed"][0]
    assert row.reason.startswith("refreshed: significantly worse")


def test_a_failed_night_is_noted_and_still_fails(desk: ChatService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error reaches the caller, and the row says what it was."""

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    teach(desk, TUNNEL[0], "vpn")
    monkeypatch.setattr(candidates, "build_graph", full_disk)
    with pytest.raises(OSError, match="No space left"):
        night(desk)
    row = history(desk)[-1]

    assert (row.verdict, row.version_id, row.holdout_rows) == ("failed", 1, None)
    assert row.reason == "OSError: [Errno 28] No space left on device"


def test_a_dry_run_is_no_night(desk: ChatService) -> None:
    """It leaves no row."""
    before = len(history(desk))
    night(desk, dry_run=True)

    assert len(history(desk)) == before


def test_a_night_that_fails_after_its_promotion_says_both(desk: ChatService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new version serves, the run exits with the error, and the row names the version and the problem."""

    def damaged(*_: object, **__: object) -> None:
        raise BundleError("vectors.npy is not the file that was sealed")

    teach(desk, TUNNEL[0], "vpn")
    monkeypatch.setattr(chronicle, "open_bundle", damaged)
    with pytest.raises(BundleError):
        night(desk)
    row = history(desk)[-1]

    assert (row.verdict, row.promoted_kind, row.version_id) == ("failed", "refreshed", 2)
    assert "not the file that was sealed" in row.reason
