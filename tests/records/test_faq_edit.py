"""Entries are edited by hand: nothing is lost, doubled, or undone by somebody else."""

import pytest
from sqlalchemy import select

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, faq_edit, faq_history, names
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.faq_edit import EditedMeanwhileError, TypedEntry
from helpdesk.records.tables import AuditLogRow, Intent, Phrasing

VPN = TypedEntry("Why is the VPN down?", "Restart it.", tags=("network",), phrasings=("tunnel down", "vpn broken"))
VPN_FIELDS = ("Why is the VPN down?", "Restart it.", "en")


def make(database: Database, typed: TypedEntry = VPN, *, publish: bool = True) -> int:
    """A new entry; its id."""
    with database.write() as session:
        return faq_edit.create(session, typed, publish=publish, author="ann").id


def edit(database: Database, entry: int, typed: TypedEntry, *, seen: int, author: str = "ben") -> bool:
    """In a transaction of its own."""
    with database.write() as session:
        return faq_edit.edit(session, faq_edit.find_entry(session, entry), typed, seen=seen, author=author)


def seen(database: Database, entry: int) -> int:
    """What a form that is opened now has seen."""
    with database.read() as session:
        return faq_history.newest(session, entry)


def changes(database: Database, entry: int) -> list[tuple[str, str]]:
    """(action, author) of every change, newest first."""
    with database.read() as session:
        found = faq_history.history(session, entry, limit=99)
        return [(change.revision.action, change.revision.author) for change in found]


def texts(database: Database, entry: int) -> dict[str, str]:
    """Normalised phrasing -> its origin."""
    with database.read() as session:
        columns = select(Phrasing.normalised, Phrasing.source).where(Phrasing.intent_id == entry)
        return dict(session.execute(columns).tuples().all())


def test_an_entry_is_created_with_all_that_was_typed(database: Database) -> None:
    """The same form sent again makes nothing new; another entry of that name is a conflict."""
    entry = make(database)
    assert make(database) == entry
    with database.read() as session:
        intent = faq.find_intent(session, "why_is_the_vpn_down")
        assert (intent.status, intent.answer, intent.tags) == ("published", "Restart it.", ["network"])
    assert texts(database, entry) == {"why is the vpn down": "question", "tunnel down": "edit", "vpn broken": "edit"}
    with pytest.raises(ConflictError, match="asks that already"):
        make(database, TypedEntry("why is the vpn down", "Wait."))
    assert changes(database, entry) == [("created", "ann")]


@pytest.mark.parametrize(
    ("typed", "match"),
    [
        (TypedEntry("???", "So."), "no letters"),
        (TypedEntry("x" * 2001, "So."), "2,001 characters"),
        (TypedEntry("Where?", "So.", phrasings=("...",)), "no letters"),
        (TypedEntry("Where?", "So.\x00"), "answer"),
        (TypedEntry("Where?", "So.", locale="klingon!"), "klingon"),
        (TypedEntry("Where?", "So.", tags=("y" * 61,)), "tag"),
        (TypedEntry("Where?", "  "), "needs an answer"),
    ],
)
def test_what_cannot_be_served_is_refused(database: Database, typed: TypedEntry, match: str) -> None:
    """With the value and what was expected; nothing is stored."""
    with pytest.raises(BadInputError, match=match):
        make(database, typed)
    with database.read() as session:
        assert faq.list_intents(session) == []


def test_a_late_edit_is_a_conflict_and_a_repeated_one_is_not(database: Database) -> None:
    """The second person is told what it is now; who sends the same form again gets the same answer."""
    entry = make(database)
    before = seen(database, entry)
    assert edit(database, entry, TypedEntry("Why is the VPN down?", "Wait.", tags=("network",)), seen=before)
    assert not edit(database, entry, TypedEntry("Why is the VPN down?", "Wait.", tags=("network",)), seen=before)
    with pytest.raises(EditedMeanwhileError) as refused:
        edit(database, entry, TypedEntry("Why is the VPN down?", "Call us."), seen=before, author="cleo")
    assert refused.value.newest == seen(database, entry)
    assert refused.value.revision is not None
    assert refused.value.revision.entry["answer"] == "Wait."

    assert edit(database, entry, TypedEntry("Why no VPN?", "Call us."), seen=refused.value.newest, author="cleo")
    assert changes(database, entry) == [("edited", "cleo"), ("edited", "ben"), ("created", "ann")]
    assert texts(database, entry)["why is the vpn down"] == texts(database, entry)["why no vpn"] == "question"


def test_a_published_entry_keeps_an_answer(database: Database) -> None:
    """It is unpublished first; a draft is published once it has one. One that was imported without may go on so."""
    entry = make(database)
    with pytest.raises(BadInputError, match="needs an answer"):
        edit(database, entry, TypedEntry("Why is the VPN down?"), seen=seen(database, entry))
    draft = make(database, TypedEntry("Where is the gym?"), publish=False)
    with database.write() as session:
        intent = faq_edit.find_entry(session, draft)
        with pytest.raises(BadInputError, match="no answer yet"):
            faq_edit.change_state(session, intent, "published", seen=0, author="ann")
    with database.write() as session:
        faq.store_entries(session, [Entry("bare", phrasings=("bare text",))], author="import")
        bare = faq.find_intent(session, "bare").id
    assert edit(database, bare, TypedEntry("bare", phrasings=("one more",)), seen=seen(database, bare))


def test_states_follow_one_another(database: Database) -> None:
    """A form that comes late changes nothing, one that comes twice neither."""
    entry = make(database)
    first = seen(database, entry)
    for status in ("archived", "draft", "published", "published"):
        with database.write() as session:
            intent = faq_edit.find_entry(session, entry)
            faq_edit.change_state(session, intent, status, seen=faq_history.newest(session, entry), author="ben")
    assert [action for action, _ in changes(database, entry)] == ["published", "restored", "archived", "created"]
    with pytest.raises(EditedMeanwhileError), database.write() as session:
        faq_edit.change_state(session, faq_edit.find_entry(session, entry), "draft", seen=first, author="cleo")


def test_a_phrasing_is_removed_once(database: Database) -> None:
    """By its number and text, since a number may be given again."""
    entry = make(database)
    with database.write() as session:
        intent = faq_edit.find_entry(session, entry)
        number = session.scalars(select(Phrasing.id).where(Phrasing.normalised == "tunnel down")).one()
        assert not faq_edit.remove_phrasing(session, intent, number, text="something else", author="ben")
        assert faq_edit.remove_phrasing(session, intent, number, text="Tunnel down!", author="ben")
        assert not faq_edit.remove_phrasing(session, intent, number, text="Tunnel down!", author="ben")
    assert set(texts(database, entry)) == {"why is the vpn down", "vpn broken"}


def test_history_tells_what_was_different_and_goes_back(database: Database) -> None:
    """Phrasings come back with their origin; the state stays as it is."""
    entry = make(database)
    first = seen(database, entry)
    edit(database, entry, TypedEntry("Why no VPN?", "Wait.", locale="de", phrasings=("kein vpn",)), seen=first)
    with database.write() as session:
        newest, _ = faq_history.history(session, entry, limit=2)
        told = {change.part: (change.old, change.new) for change in newest.differences}
        faq_edit.revert(session, faq_edit.find_entry(session, entry), first, seen=newest.revision.id, author="cleo")
        again = faq_edit.find_entry(session, entry)
        faq_edit.revert(session, again, first, seen=newest.revision.id, author="cleo")

    assert told["answer"] == (("Restart it.",), ("Wait.",))
    assert told["phrasings"] == ((), ("Why no VPN?", "kein vpn"))
    assert set(told) == {"question", "answer", "locale", "tags", "phrasings"}
    assert texts(database, entry) == {"why is the vpn down": "question", "tunnel down": "edit", "vpn broken": "edit"}
    with database.read() as session:
        intent = faq_edit.find_entry(session, entry)
        assert (intent.question, intent.answer, intent.locale, intent.status) == (*VPN_FIELDS, "published")
        with pytest.raises(NotFoundError):
            faq_history.find_revision(session, entry, 999)
    assert [action for action, _ in changes(database, entry)] == ["reverted", "edited", "created"]


def test_every_door_writes_the_history(database: Database) -> None:
    """Import, commands, rename, merge; entries that an import leaves as they are get no line."""
    entries = [Entry("a", "A?", "So."), Entry("b", "B?", "So.")]
    with database.write() as session:
        faq.store_entries(session, entries, author="file")
        faq.store_entries(session, [Entry("a", phrasings=("aa",)), Entry("b", answer="So.")], author="file")
        a, b = faq.find_intent(session, "a"), faq.find_intent(session, "b")
        kept = a.id, b.id
        faq.set_status(session, "a", status="draft", author="command line")
        names.rename(session, a, "alpha", author="command line")
        faq.set_status(session, "a", status="published", author="command line")
        names.merge(session, faq.find_intent(session, "b"), faq.find_intent(session, "a"), author="command line")
        log = session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)).all()

    assert [action for action, _ in changes(database, kept[0])] == [
        "merged", "published", "renamed", "unpublished", "imported", "imported",
    ]  # fmt: skip
    assert changes(database, kept[1]) == []
    assert log == ["faq.unpublished", "faq.renamed", "faq.published", "faq.merged"]


def test_an_entry_is_split(database: Database) -> None:
    """What is ticked moves, also when the form comes twice."""
    entry = make(database)
    new = TypedEntry("Is the tunnel down?", "Dig.")
    before = seen(database, entry)
    for _ in range(2):
        with database.write() as session:
            intent = faq_edit.find_entry(session, entry)
            ids = session.scalars(select(Phrasing.id).where(Phrasing.normalised == "tunnel down")).all()
            made = faq_edit.split(session, intent, new, phrasings=ids, labels=(), seen=before, author="ben").id

    assert set(texts(database, entry)) == {"why is the vpn down", "vpn broken"}
    assert texts(database, made) == {"is the tunnel down": "question", "tunnel down": "edit"}
    with database.read() as session:
        assert session.scalars(select(Intent.status)).all() == ["published", "published"]
    with pytest.raises(BadInputError, match="nothing is ticked"), database.write() as session:
        intent = faq_edit.find_entry(session, entry)
        newest = faq_history.newest(session, entry)
        faq_edit.split(session, intent, new, phrasings=(), labels=(), seen=newest, author="ben")
