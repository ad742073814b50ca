"""The live matcher follows promotions and edits, and survives what goes wrong."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from homes import SMALL_FAQ
from sqlalchemy import select

from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching import bundle as layout
from helpdesk.matching.encoder import Encoder
from helpdesk.progress import Quiet
from helpdesk.records import faq, versions
from helpdesk.records.database import Database
from helpdesk.records.exclusions import parse_exclusion
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Phrasing
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import promote_always
from helpdesk.text import normalise


def add_version(records: Database, directory: str) -> int:
    """A version row with this directory, promoted."""
    with records.write() as session:
        version = versions.add_version(
            session, directory, kind="refreshed", parent_id=1, rows_hash="x", verdict="promote", report={}
        )
        versions.promote(session, version.id, reason="test", author="test")
        return version.id


def another_encoder(sealed: Path, folder: Path) -> Path:
    """A bundle like another one, whose network is opened anew: it reads fewer tokens."""
    shutil.copytree(sealed, folder)
    facts = json.loads((folder / "encoder" / "helpdesk_encoder.json").read_text())
    (folder / "encoder" / "helpdesk_encoder.json").write_text(json.dumps(facts | {"max_tokens": 100}))
    manifest = json.loads((folder / layout.MANIFEST).read_text())
    (folder / layout.MANIFEST).unlink()
    layout.seal(folder, {name: value for name, value in manifest.items() if name not in ("format", "files")})
    return folder


def test_a_promotion_is_taken_up(settings: Settings, records: Database, live: LiveMatcher) -> None:
    """The next look swaps to the new bundle."""
    (sealed,) = settings.bundles.iterdir()
    copy = settings.bundles / "copy"
    copy.symlink_to(sealed)
    version_id = add_version(records, "copy")
    live.refresh()

    assert live.status().version_id == version_id
    assert live.status().problem is None


@pytest.mark.parametrize("directory", ["nowhere", "damaged"])
def test_a_bundle_that_does_not_open_leaves_the_old_one_serving(
    settings: Settings, records: Database, live: LiveMatcher, directory: str
) -> None:
    """And the problem is visible."""
    (settings.bundles / "damaged").mkdir()
    add_version(records, directory)
    live.refresh()
    live.refresh()

    status = live.status()
    assert (status.ready, status.version_id) == (True, 1)
    assert status.problem is not None
    assert directory in status.problem


def test_edits_are_followed_while_the_promoted_bundle_is_refused(records: Database, live: LiveMatcher) -> None:
    """An entry stops and an answer changes in the version that goes on serving; the problem stays visible."""
    add_version(records, "nowhere")
    live.refresh()
    edited = Entry("wifi", answer="Ask at reception.")
    with records.write() as session:
        faq.set_status(session, "vpn", status="draft", author="ann")
        faq.store_entries(session, [edited], author="ann", source="edit")
    live.refresh()
    live.refresh()
    now = live.take()
    assert now is not None

    assert now.match("vpn not connecting").intent is None
    assert now.faq["wifi"].answer == "Ask at reception."
    assert "nowhere" in (live.status().problem or "")


def test_a_rollback_to_what_serves_ends_the_problem(records: Database, live: LiveMatcher) -> None:
    """A refused promotion is history once the version before it is promoted again."""
    add_version(records, "nowhere")
    live.refresh()
    with records.write() as session:
        versions.promote(session, 1, reason="rollback", author="test")
    live.refresh()

    assert (live.status().version_id, live.status().problem) == (1, None)


def test_without_any_version_everything_is_handed_over(tmp_path: Path) -> None:
    """Not ready, says why, but a message is still stored and answered honestly."""
    from helpdesk.records.database import open_database, upgrade

    empty = load_settings(home=tmp_path)
    database = open_database(empty)
    upgrade(database)
    matcher = LiveMatcher(database, empty)
    matcher.refresh()

    assert not matcher.status().ready
    assert "helpdesk retrain" in (matcher.status().problem or "")
    reply = ChatService(database, matcher, empty).reply("hello", channel="rest", sender="a")
    assert (reply.kind, reply.reason, reply.version_id) == ("fallback", "no_version", None)


def test_an_edited_faq_is_matched_without_a_new_bundle(records: Database, live: LiveMatcher) -> None:
    """A phrasing added by day, and a whole new entry."""
    entry = Entry("badge", question="My badge does not open the door.", answer="Go to reception.")
    with records.write() as session:
        faq.store_entries(session, [entry], author="ann", source="edit")
    live.refresh()
    now = live.take()
    assert now is not None

    assert now.match("my badge did not open the door").intent == "badge"
    assert now.faq["badge"].answer == "Go to reception."


def test_an_entry_that_was_a_draft_in_the_night_is_answered_once_published(
    settings: Settings, records: Database, live: LiveMatcher
) -> None:
    """It is older than the bundle and yet unknown to it; what that night left out on purpose stays out."""
    left_out = "paper jam in the printer"
    with records.write() as session:
        number = session.scalars(select(Phrasing.id).where(Phrasing.text == left_out)).one()
        faq.set_status(session, "vpn", status="draft", author="ann")
    without = parse_exclusion(f"row=phrasing:{number}", since=None)
    plan = Plan(minutes=1, finetune=False, without=without)
    report = run_night(settings, records, plan=plan, progress=Quiet(), gate=promote_always)
    with records.write() as session:
        faq.set_status(session, "vpn", status="published", author="ann")
    live.refresh()
    now = live.take()
    assert now is not None

    assert now.version_id == report.promoted
    for text in SMALL_FAQ["vpn"][2]:
        assert (now.match(text).intent, now.match(text).reason) == ("vpn", "exact")
    assert now.match("cannot connect to the vpns").intent == "vpn"
    assert now.match(left_out).reason not in ("exact", "new_phrasing")
    assert set(now.additions.exact.values()) == {("vpn",)}


def test_a_rollback_does_not_wait_for_what_editors_added_since(
    settings: Settings, records: Database, live: LiveMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version serves, with exact matches of later phrasings, while their vectors are still computed."""
    (sealed,) = settings.bundles.iterdir()
    (settings.bundles / "copy").symlink_to(sealed)
    question = "My badge does not open the door."
    with records.write() as session:
        faq.store_entries(session, [Entry("badge", question=question, answer="Ask.")], author="ann", source="edit")
    version_id = add_version(records, "copy")
    seen: list[tuple[int, str | None]] = []
    encode = Encoder.encode

    def watched(encoder: Encoder, texts: Sequence[str], **more: Any) -> Any:
        now = live.take()
        if normalise(question) in texts and now is not None:
            seen.append((now.version_id, now.match(question).intent))
        return encode(encoder, texts, **more)

    monkeypatch.setattr(Encoder, "encode", watched)
    live.refresh()
    now = live.take()
    assert now is not None

    assert seen == [(version_id, "badge")]
    assert now.match("my badge did not open the door").intent == "badge"


def test_an_unpublished_entry_stops_at_once(records: Database, live: LiveMatcher) -> None:
    """Whatever version serves."""
    with records.write() as session:
        faq.set_status(session, "vpn", status="draft", author="ann")
    live.refresh()
    now = live.take()
    assert now is not None

    assert now.match("vpn not connecting").intent is None


def test_a_database_that_goes_away_does_not_stop_the_matcher(settings: Settings, live: LiveMatcher) -> None:
    """What was loaded goes on answering; the problem is noted."""
    live._database.close()
    (settings.home / "helpdesk.db").rename(settings.home / "gone.db")
    (settings.home / "helpdesk.db").mkdir()
    live.refresh()

    assert live.status().ready
    assert live.status().problem is not None


def test_the_thread_follows_by_itself(settings: Settings, records: Database) -> None:
    """Within the poll interval, without a request."""
    import time

    matcher = LiveMatcher(records, settings.model_copy(update={"poll_seconds": 0.05}))
    matcher.start()
    try:
        with records.write() as session:
            faq.set_status(session, "vpn", status="draft", author="ann")
        deadline = time.monotonic() + 10
        while "vpn" in getattr(matcher.take(), "faq", {}) and time.monotonic() < deadline:
            time.sleep(0.02)
        taken = matcher.take()
        assert taken is not None
        assert "vpn" not in taken.faq
    finally:
        matcher.stop()


def test_a_refused_bundle_is_not_opened_again_until_it_is_promoted_again(
    settings: Settings, records: Database, live: LiveMatcher
) -> None:
    """Opening costs seconds and memory, twice a second; what was mended meanwhile is tried when somebody says so."""
    (sealed,) = settings.bundles.iterdir()
    version_id = add_version(records, "mended")
    live.refresh()
    (settings.bundles / "mended").symlink_to(sealed)
    live.refresh()
    assert (live.status().version_id, live.status().ready) == (1, True)
    assert "mended" in (live.status().problem or "")

    with records.write() as session:
        versions.promote(session, version_id, reason="mended", author="test")
    live.refresh()
    assert (live.status().version_id, live.status().problem) == (version_id, None)


def test_a_new_bundle_is_warm_before_it_serves(
    settings: Settings, records: Database, live: LiveMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its network ran at the largest shape while the old version still answered: no request pays for that."""
    (sealed,) = settings.bundles.iterdir()
    other = another_encoder(sealed, settings.bundles / "other")
    add_version(records, other.name)
    seen: list[tuple[int | None, int]] = []
    encode = Encoder.encode

    def watched(encoder: Encoder, texts: Sequence[str], **more: Any) -> Any:
        seen.append((live.status().version_id, max(len(text.split()) for text in texts)))
        return encode(encoder, texts, **more)

    monkeypatch.setattr(Encoder, "encode", watched)
    live.refresh()

    assert max(words for version_id, words in seen if version_id == 1) > 256
