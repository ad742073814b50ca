"""What editors add by day is encoded once for all processes, and matched exactly however much it is."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from helpdesk.matching.encoder import Encoder
from helpdesk.records import addition_vectors, faq
from helpdesk.records.database import Database
from helpdesk.records.erasure import ErasureScope, erase
from helpdesk.records.faq import Entry
from helpdesk.records.tables import AdditionVector, Phrasing
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.text import text_key

QUESTION = "My badge does not open the door."


def add(records: Database, *texts: str) -> None:
    """An entry with phrasings."""
    entry = Entry("badge", question=QUESTION, answer="Go to reception.", phrasings=texts)
    with records.write() as session:
        faq.store_entries(session, [entry], author="ann", source="edit")


def kept(records: Database) -> set[str]:
    """The keys of the texts whose vectors are in the database."""
    with records.read() as session:
        return set(session.scalars(select(AdditionVector.text_key)))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are encoded, one after the other, by the real encoder."""
    found: list[str] = []
    encode = Encoder.encode

    def noted(encoder: Encoder, texts: Sequence[str], **more: Any) -> Any:
        found.extend(texts)
        return encode(encoder, texts, **more)

    monkeypatch.setattr(Encoder, "encode", noted)
    return found


def test_a_text_is_encoded_once_for_all_processes(
    settings: Settings, records: Database, live: LiveMatcher, encoded: list[str]
) -> None:
    """Nor again with the next edit, nor by a process that starts later; all of them match it nearly."""
    add(records, "the door stays shut")
    live.refresh()
    add(records, "my card does not let me in")
    live.refresh()
    other = LiveMatcher(records, settings)
    other.refresh()

    added = [text for text in encoded if "door" in text or "card" in text]
    assert sorted(added) == ["my badge does not open the door", "my card does not let me in", "the door stays shut"]
    for process in (live, other):
        now = process.take()
        assert now is not None
        assert now.match("my badge did not open the door").reason == "new_phrasing"


def test_additions_match_exactly_however_many_at_once(records: Database, live: LiveMatcher) -> None:
    """Before they are encoded: one look encodes a portion of them only."""
    add(records, *(f"door number {number} stays shut" for number in range(3000)))
    live.refresh()
    now = live.take()
    assert now is not None

    for number in (0, 1999, 2000, 2999):
        assert (now.match(f"Door number {number} stays shut!").reason, now.faq["badge"].slug) == ("exact", "badge")
    assert 0 < len(kept(records)) < 1000


def test_an_erased_text_leaves_no_vector(settings: Settings, records: Database, live: LiveMatcher) -> None:
    """Neither one that is there, nor one that is being encoded at that moment."""
    said = "mein Name ist Erika Mustermann und die Tuer ist zu"
    service = ChatService(records, live, settings)
    service.reply(said, channel="rest", sender="erika")
    add(records, said)
    live.refresh()
    assert text_key(said.lower()) in kept(records)
    with records.write() as session:
        vector = next(
            iter(addition_vectors.read_vectors(session, _encoder(session), [text_key(said.lower())]).values())
        )
        erase(session, ErasureScope("sender", "erika"), author="ann", home=settings.home)
        addition_vectors.add_vectors(session, "e", {text_key(said.lower()): vector})

    assert text_key(said.lower()) not in kept(records)


def test_vectors_that_nobody_needs_are_forgotten(records: Database, live: LiveMatcher) -> None:
    """Those of texts that no phrasing has any more, and of encoders that no kept version has."""
    add(records, "the door stays shut")
    live.refresh()
    with records.write() as session:
        session.delete(session.scalars(select(Phrasing).where(Phrasing.text == "the door stays shut")).one())
        session.flush()
        addition_vectors.forget_vectors(session, encoders={_encoder(session)})
        assert session.scalar(select(func.count()).select_from(AdditionVector)) == 1
        addition_vectors.forget_vectors(session, encoders={"another"})

    assert kept(records) == set()


def _encoder(session: Any) -> str:
    found: str = session.scalars(select(AdditionVector.encoder).limit(1)).one()
    return found
