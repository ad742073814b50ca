"""After an erasure and a night nothing of a text is left: not in the home, not in the files of the database."""

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from helpdesk.learning.bundles.erased import bundles_with_traces
from helpdesk.learning.night.erasures import follow_erasures
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import faq_edit, faq_history, labels, versions
from helpdesk.records.database import Database
from helpdesk.records.erasure import SENDER, ErasureScope, erase, traces_left
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import ErasureRow, Intent
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key

pytestmark = pytest.mark.slow

MARKER = "zyxomarker"
SECRET = f"the {MARKER} vpn of my neighbour is down"


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """The serving side of a home whose bundles are its own, not links."""
    for folder in settings.bundles.iterdir():
        copied = folder.with_name(f".copy-{folder.name}")
        shutil.copytree(folder, copied)
        shutil.rmtree(folder)
        copied.rename(folder)
    return ChatService(records, live, settings)


def night(desk: ChatService) -> NightReport:
    """One run without fine-tuning."""
    return run_night(desk.settings, desk.database, plan=Plan(minutes=0.05, finetune=False), progress=Quiet())


def holding(home: Path, *needles: str) -> list[str]:
    """The files of a home that hold one of the needles, in UTF-8 or as numpy writes text."""
    forms = [form for needle in needles for form in (needle.encode(), needle.encode("utf-32-le"))]
    files = [path for path in home.rglob("*") if path.is_file()]
    return [str(path.relative_to(home)) for path in files if any(form in path.read_bytes() for form in forms)]


def test_a_planted_marker_is_nowhere_after_the_next_night(desk: ChatService) -> None:
    """It was asked, labelled, made a phrasing, learnt by a version, replayed and reported."""
    number = desk.reply(SECRET, channel="rest", sender="eve").message_id
    with desk.database.write() as session:
        labels.label_message(session, number, kind="intent", intent="vpn", staff_id=1, holdout_share=0.0)
        vpn = session.scalars(select(Intent).where(Intent.slug == "vpn")).one()
        faq_edit._add(session, vpn, [SECRET.upper()], author="ann")
        faq_history.note(session, vpn, "edited", author="ann")
    home, key = desk.settings.home, text_key(normalise(SECRET))
    learnt = night(desk)
    assert learnt.promoted is not None, learnt.as_text()
    (home / "reports" / "planted.json").write_text(json.dumps({"started": "x", "flips": [{"text": SECRET}]}))
    planted = holding(home, MARKER, MARKER.upper(), key)
    assert any(name.startswith("bundles") for name in planted)
    assert any(name.startswith("helpdesk.db") for name in planted)

    with desk.database.write() as session:
        row = erase(session, ErasureScope(SENDER, sender="eve"), author="ann", home=home)
    with desk.database.read() as session:
        assert bundles_with_traces(desk.settings.bundles, traces_left(session))
    cleaned = night(desk)

    assert cleaned.promoted is not None, cleaned.as_text()
    assert holding(home, MARKER, MARKER.upper(), key) == []
    with desk.database.read() as session:
        row = session.get_one(ErasureRow, row.id)
        assert row.clean_version_id == cleaned.promoted
    assert row.purged_at is not None
    assert row.compacted_at is not None
    written = json.loads((home / "certificates" / f"erasure-{row.id}.json").read_text())
    assert written["finished"]
    assert written["first_clean_version"] == cleaned.promoted


def test_a_version_that_still_serves_is_not_taken_away(desk: ChatService, live: LiveMatcher) -> None:
    """A process that has not changed over yet goes on; its bundle goes with a later night."""
    number = desk.reply(SECRET, channel="rest", sender="eve").message_id
    with desk.database.write() as session:
        labels.label_message(session, number, kind="intent", intent="vpn", staff_id=1, holdout_share=0.0)
    assert night(desk).promoted is not None
    live.refresh()
    live._say_what_serves()
    with desk.database.write() as session:
        row = erase(session, ErasureScope(SENDER, sender="eve"), author="ann", home=desk.settings.home)
    follow_erasures(desk.settings, desk.database)
    with desk.database.read() as session:
        row = session.get_one(ErasureRow, row.id)
        current = versions.current(session)
    assert row.clean_at is None
    assert current is not None
    assert (desk.settings.bundles / current.directory).is_dir()


def test_a_label_that_comes_after_an_erasure_keeps_nothing_waiting(desk: ChatService) -> None:
    """The next night has a version without what was erased, and the one after it is like any other."""

    def say_and_label(text: str, sender: str) -> int:
        number = desk.reply(text, channel="rest", sender=sender).message_id
        with desk.database.write() as session:
            return labels.label_message(session, number, kind="intent", intent="vpn", staff_id=1, holdout_share=0.0).id

    first = say_and_label(SECRET, "eve")
    night(desk)
    with desk.database.write() as session:
        number = erase(session, ErasureScope(SENDER, sender="eve"), author="ann", home=desk.settings.home).id
    assert say_and_label("my zyxo tunnel is down again", "bob") > first
    night(desk)
    with desk.database.read() as session:
        assert session.get_one(ErasureRow, number).purged_at is not None
    assert not [warning for warning in night(desk).warnings if "erased" in warning]
