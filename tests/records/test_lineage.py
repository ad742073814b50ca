"""Every training row knows where it comes from, and a source can be left out."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import conversations, exclusions, faq, labels, lineage, queue, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.examples import NewExample, store_examples
from helpdesk.records.exclusions import Exclusion, parse_exclusion
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Label, Phrasing
from helpdesk.text import text_key

DECISION: dict[str, Any] = {
    "kind": "fallback", "intent": None, "confidence": 0.1, "out_of_scope": 0.5, "reason": "unsure", "ranking": [],
    "options": [], "thresholds": {}, "version_id": None,
}  # fmt: skip


@pytest.fixture
def filled(database: Database) -> Database:
    """Two entries by import, one phrasing by an editor, labels by two annotators."""
    with database.write() as session:
        entries = [Entry(s, question=f"About the {s}?", phrasings=(f"{s} is broken",)) for s in ("vpn", "wifi")]
        faq.store_entries(session, entries, author="import")
        faq.store_entries(session, [Entry("vpn", phrasings=("tunnel down",))], author="ann", source="edit")
        for name in ("ann", "mallory"):
            staff.add_staff(session, name, password="correct horse battery")
        pair = NewExample("positive", ("tunnel is gone", "the tunnel went away"))
        store_examples(session, "positive", [pair], source="pairs.csv", author="mallory")
    for text, intent, who in (("no tunnel today", "vpn", 1), ("tunnel is gone", "wifi", 2), ("buy shoes", None, 2)):
        label(database, text, intent, who)
    return database


def label(database: Database, text: str, intent: str | None, who: int) -> int:
    """A message that was labelled; the message's id."""
    with database.write() as session:
        number = conversations.log_message(
            session, text, channel="rest", sender="u", external_id=None, decision=DECISION
        )
        kind = "intent" if intent else "out_of_scope"
        labels.label_message(session, number, kind=kind, intent=intent, staff_id=who, holdout_share=0)
    return number


def rows(database: Database, text: str, *, since: str | None = None) -> set[str]:
    """The rows that `--without` names."""
    with database.read() as session:
        return exclusions.matching_rows(session, parse_exclusion(text, since=since))


def test_a_row_knows_its_source_author_time_and_message(filled: Database) -> None:
    """Phrasings by import, question or edit; labels with their message; what is gone is left out."""
    with filled.read() as session:
        found = lineage.origins(session, ["phrasing:1", "phrasing:2", "phrasing:5", "label:2", "label:99", "x:1"])
        (by_label,) = (origin for origin in found.values() if origin.source == "label")

    assert [(o.source, o.author, o.text, o.intent) for o in found.values() if o is not by_label] == [
        ("import", "import", "vpn is broken", "vpn"),
        ("question", "import", "About the vpn?", "vpn"),
        ("edit", "ann", "tunnel down", "vpn"),
    ]
    assert (by_label.author, by_label.intent, by_label.message_id) == ("mallory", "wifi", 2)
    assert abs(by_label.created_at - now()) < timedelta(minutes=1)
    assert by_label.undone_at is None


def test_everyone_who_said_so_by_then_is_found(filled: Database) -> None:
    """A label undone before does not count, one undone afterwards does; out of scope is a claim too."""
    key = text_key("tunnel is gone")
    moment = now()
    label(filled, "tunnel is gone", "vpn", 1)
    with filled.read() as session:
        before = lineage.claims(session, key, intent="wifi", before=moment)
        after = lineage.claims(session, key, intent="wifi", before=now())
        right = lineage.claims(session, key, intent="vpn", before=now())
        outside = lineage.claims(session, text_key("buy shoes"), intent=None, before=now())

    assert [origin.author for origin in before] == ["mallory"]
    assert before[0].undone_at is not None
    assert after == []
    assert [origin.author for origin in right] == ["ann"]
    assert [origin.id for origin in outside] == ["label:3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("annotator=mallory", {"label:2", "label:3", "example:1"}),
        ("annotator=ann", {"label:1", "phrasing:5"}),
        ("source=label", {"label:1", "label:2", "label:3"}),
        ("source=edit", {"phrasing:5"}),
        ("source=import", {"phrasing:1", "phrasing:3", "example:1"}),
        ("source=question", {"phrasing:2", "phrasing:4"}),
        ("row=label:2", {"label:2"}),
        ("row=phrasing:1", {"phrasing:1"}),
        ("row=example:1", {"example:1"}),
        ("row=label:x", set()),
        ("annotator=nobody", set()),
    ],
)
def test_a_source_names_its_rows(filled: Database, text: str, expected: set[str]) -> None:
    """By annotator, by kind, or one by one."""
    assert rows(filled, text) == expected


def test_since_keeps_older_rows(filled: Database) -> None:
    """A date is the start of its day in UTC."""
    with filled.write() as session:
        session.execute(update(Label).where(Label.id == 2).values(created_at=now() - timedelta(days=3)))
        session.execute(update(Phrasing).values(created_at=now() - timedelta(days=3)))

    assert rows(filled, "annotator=mallory", since=f"{now() - timedelta(days=1):%Y-%m-%d}") == {"label:3", "example:1"}
    assert rows(filled, "source=import", since=(now() - timedelta(days=1)).isoformat()) == {"example:1"}


@pytest.mark.parametrize(
    ("text", "since", "expected"),
    [
        ("mallory", None, "expected annotator=NAME"),
        ("who=mallory", None, "expected annotator=NAME"),
        ("annotator=", None, "expected annotator=NAME"),
        ("source=web", None, "expected one of import, edit, question, label"),
        ("annotator=ann", "last week", "expected e.g. 2026-11-01"),
        ("annotator=ann", "0001-01-01T00:00+14:00", "expected e.g. 2026-11-01"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, since: str | None, expected: str) -> None:
    """With the value and what was expected."""
    with pytest.raises(BadInputError, match=expected):
        parse_exclusion(text, since=since)


def test_what_is_left_out_for_good_stays_out_until_it_is_lifted(filled: Database) -> None:
    """Its labels are undone, so that their messages wait again; what the annotator does later counts."""
    with filled.write() as session:
        exclusions.exclude(session, Exclusion("annotator", "ann"), author="boss")
    label(filled, "the tunnel again", "vpn", 1)
    with filled.read() as session:
        assert exclusions.excluded_rows(session) == {"phrasing:5"}
        waiting = {item.normalised for item in queue.items(session, review_below=0.8, limit=9)}
        assert waiting == {"no tunnel today"}

    with filled.write() as session:
        exclusions.lift(session, 1, author="boss")
    with filled.read() as session:
        assert exclusions.excluded_rows(session) == set()
    with pytest.raises(NotFoundError, match="no exclusion 1 in force"), filled.write() as session:
        exclusions.lift(session, 1, author="boss")


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    """As everything else."""
    assert str(parse_exclusion("annotator=ann", since="2026-11-01T08:30+02:00")).endswith("since 2026-11-01 06:30 UTC")
