"""What an erasure leaves alone: words that stand elsewhere by chance, and what staff wrote without the message."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from helpdesk.errors import BadInputError
from helpdesk.records import audit_log, faq, faq_edit, faq_history, golden, staff, uploads
from helpdesk.records.certificates import certificate
from helpdesk.records.clock import now
from helpdesk.records.data_checks import store_data_check
from helpdesk.records.database import Database
from helpdesk.records.erasure import SENDER, ErasureScope, erase
from helpdesk.records.faq import Entry
from helpdesk.records.files.faq_files import NamedFile
from helpdesk.records.roles import Role
from helpdesk.records.scrubbing import ERASED, Scrubber
from helpdesk.records.tables import (
    DataCheck,
    DecisionRow,
    FaqRevision,
    GoldenPhraseRow,
    Intent,
    Message,
    Night,
    Phrasing,
    Upload,
    UploadedFile,
    Version,
)
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings
from helpdesk.text import text_key

QUESTION = "How do I reset a forgotten password?"
COMMON = ("password", "published", "forgotten password", "password_forgotten", "in service since")
RANKING = [{"intent": "password_forgotten", "confidence": 0.7, "nearest": "phrasing:1", "similarity": 0.9}]
FLIP = {"text": "where is it", "text_key": "0" * 32, "count": 1, "before": {"kind": "answer", "intent": "published"}}
REPORT = {"started": "x", "verdict": "kept", "error": "no password given", "verdicts": {"first": {"flips": [FLIP]}}}


@pytest.fixture
def desk(database: Database) -> ChatService:
    """A FAQ of one entry with a history; no version serves."""
    with database.write() as session:
        entry = Entry("password_forgotten", question=QUESTION, answer='Choose "Forgot password".', phrasings=())
        faq.store_entries(session, [entry], author="import")
        staff.add_staff(session, "ann", password="correct horse battery", role=Role.ADMIN)
    settings = load_settings()
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def say(desk: ChatService, sender: str, *texts: str) -> None:
    """Some messages."""
    for text in texts:
        desk.reply(text, channel="rest", sender=sender)


def rub_out(desk: ChatService, home: Path) -> dict[str, Any]:
    """Erase vic; the certificate."""
    with desk.database.write() as session:
        return certificate(erase(session, ErasureScope(SENDER, sender="vic"), author="ann", home=home))


def the_entry(session: Any) -> Intent:
    """There is one."""
    found: Intent = session.scalars(select(Intent)).one()
    return found


def stored(desk: ChatService) -> list[tuple[Any, ...]]:
    """What others wrote and what programs found."""
    columns = (FaqRevision.entry, DataCheck.found, Version.report, Night.reason, Night.refusals, Night.report)
    with desk.database.read() as session:
        found = [tuple(row) for column in columns for row in session.execute(select(column)).all()]
        theirs = select(DecisionRow.ranking, DecisionRow.told).join(Message, Message.id == DecisionRow.message_id)
        return found + [tuple(row) for row in session.execute(theirs.where(Message.text == "hello there"))]


def test_common_words_change_nothing_but_the_messages(desk: ChatService, tmp_path: Path) -> None:
    """History, rankings, data check, reports in the database and in files stay as they are."""
    say(desk, "bob", "hello there")
    with desk.database.write() as session:
        session.execute(update(DecisionRow).values(ranking=RANKING))
        found = {"findings": [{"check": "no answer", "problem": "1 published entries have no answer", "texts": []}]}
        store_data_check(session, found, rows_hash="h")
        version = {"directory": "d", "kind": "first", "rows_hash": "h", "verdict": "promote"}
        session.add(Version(**version, report=REPORT))
        night = {"started_at": now(), "finished_at": now(), "verdict": "kept", "labels": 0, "figures": {}}
        refusals = {"first": ["intent password_forgotten worked and no longer does"]}
        session.add(Night(**night, reason="first: forgotten password", refusals=refusals, report=REPORT))
        audit_log.note(session, "faq.renamed", author="ann", subject="published", before="password")
    file = tmp_path / "reports" / "x.json"
    file.parent.mkdir()
    file.write_text(json.dumps(REPORT))
    before = stored(desk)
    say(desk, "vic", *COMMON)
    rub_out(desk, tmp_path)

    assert stored(desk) == before
    assert json.loads(file.read_text()) == REPORT
    with desk.database.read() as session:
        assert [row.subject for row in audit_log.read_log(session, kind="faq")] == ["published"]


def test_copies_go_wherever_they_stand() -> None:
    """As a whole value, quoted in a finding, within an error; with the key of the text."""
    scrub = Scrubber(["published", "My lamp in Flat Seven hums"])
    key = text_key("published")
    finding = {"problem": '"published" is in vpn and 2 published entries are not', "texts": ["published", "others"]}
    flip = {"text": "Published?", "text_key": key, "after": {"kind": "published"}}
    error = "ValueError: My lamp in Flat Seven hums! is published"

    cleaned = scrub.report({"findings": [finding], "flips": [flip], "error": error})

    assert cleaned["findings"] == [
        {"problem": f'"{ERASED}" is in vpn and 2 published entries are not', "texts": [ERASED, "others"]}
    ]
    assert cleaned["flips"] == [flip | {"text": ERASED, "text_key": ERASED}]
    assert cleaned["error"] == f"ValueError: {ERASED}! is published"
    assert scrub.telling("xMy lamp in Flat Seven hums") == "xMy lamp in Flat Seven hums"


def test_what_staff_had_before_stays(desk: ChatService, tmp_path: Path) -> None:
    """A promise and a phrasing of before the message, and their history; the same of after it go."""
    with desk.database.write() as session:
        golden.add(session, "lost my password", intent=None, author="ann")
        faq_edit._add(session, the_entry(session), ["new password please"], author="ann")
        faq_history.note(session, the_entry(session), "edited", author="ann")
    say(desk, "vic", "lost my password", "new password please", "zyxo lamp", "zyxo cable")
    with desk.database.write() as session:
        golden.add(session, "zyxo lamp", intent=None, author="ann")
        faq_edit._add(session, the_entry(session), ["zyxo cable"], author="ann")
        faq_history.note(session, the_entry(session), "edited", author="ann")
    found = rub_out(desk, tmp_path)

    with desk.database.read() as session:
        assert list(session.scalars(select(GoldenPhraseRow.text))) == ["lost my password"]
        assert set(session.scalars(select(Phrasing.text))) == {QUESTION, "new password please"}
        history = json.dumps(list(session.scalars(select(FaqRevision.entry))))
    assert found["entries_to_look_at"] == ["password_forgotten"]
    assert "new password please" in history
    assert "zyxo" not in history


def test_a_phrasing_that_was_removed_before_the_message_stays_in_the_history(desk: ChatService, tmp_path: Path) -> None:
    """It was never a copy."""
    with desk.database.write() as session:
        entry = the_entry(session)
        faq_edit._add(session, entry, ["new password please"], author="ann")
        faq_history.note(session, entry, "edited", author="ann")
        number = session.scalars(select(Phrasing.id).where(Phrasing.source == "edit")).one()
        faq_edit.remove_phrasing(session, entry, number, text="new password please", author="ann")
    say(desk, "vic", "new password please")
    rub_out(desk, tmp_path)

    with desk.database.read() as session:
        assert ERASED not in json.dumps(list(session.scalars(select(FaqRevision.entry))))


def test_going_back_brings_no_gaps_into_service(desk: ChatService, tmp_path: Path) -> None:
    """An erased phrasing stays away; a version with any other gap is refused."""
    say(desk, "vic", "zyxo cable")
    with desk.database.write() as session:
        faq_edit._add(session, the_entry(session), ["zyxo cable"], author="ann")
        faq_history.note(session, the_entry(session), "edited", author="ann")
    rub_out(desk, tmp_path)
    with desk.database.write() as session:
        entry = the_entry(session)
        (gap,) = [row for row in session.scalars(select(FaqRevision)) if ERASED in str(row.entry)]
        faq_edit.revert(session, entry, gap.id, seen=faq_history.newest(session, entry.id), author="ann")
        assert list(session.scalars(select(Phrasing.text))) == [QUESTION]
        gap.entry = gap.entry | {"answer": f'Choose "Forgot {ERASED}".'}
        session.flush()
        with pytest.raises(BadInputError, match="was erased"):
            faq_edit.revert(session, entry, gap.id, seen=faq_history.newest(session, entry.id), author="ann")
        assert ERASED not in entry.answer


def test_waiting_uploads_go(desk: ChatService, tmp_path: Path) -> None:
    """Nobody knows what is in them before they are read; the certificate counts them."""
    say(desk, "vic", "zyxo cable")
    with desk.database.write() as session:
        uploads.keep_upload(session, [NamedFile("faq.csv", b"question,answer\nzyxo cable,So.\n")], staff_id=1)
    found = rub_out(desk, tmp_path)

    assert found["rows"]["uploads"] == 1
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0
        assert session.scalar(select(func.count()).select_from(UploadedFile)) == 0


def test_a_text_that_came_after_what_staff_wrote_is_told_by_its_own_moment(desk: ChatService, tmp_path: Path) -> None:
    """An earlier message that said something else does not make a copy of it."""
    say(desk, "vic", "zyxo lamp")
    with desk.database.write() as session:
        session.execute(update(Message).values(created_at=now() - timedelta(days=9)))
        golden.add(session, "lost my password", intent=None, author="ann")
    say(desk, "vic", "lost my password")
    rub_out(desk, tmp_path)

    with desk.database.read() as session:
        assert list(session.scalars(select(GoldenPhraseRow.text))) == ["lost my password"]
