"""The history of every FAQ entry: what it was after each change, and who changed it. Every door writes it here."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, insert, select
from sqlalchemy.orm import Session

from helpdesk.errors import NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.clock import now
from helpdesk.records.tables import FaqChange, FaqRevision, FormerName, Intent, Phrasing

FIELDS_KEPT = ("question", "answer", "status", "locale", "tags", "follow_ups", "urgent")
_AT_ONCE = 500


@dataclass(frozen=True)
class PartChange:
    """One part of an entry before and after a change, in words; of phrasings those that went and those that came."""

    part: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class EntryChange:
    """One change of an entry, and what was different after it."""

    revision: FaqRevision
    differences: tuple[PartChange, ...]


def note(session: Session, intent: Intent, action: str, *, author: str, **details: Any) -> None:
    """Say that an entry was changed: into its history, into the log of who did what, and to running processes.

    action: a past participle (`edited`); details: what else the log keeps.
    """
    note_all(session, [intent], action, author=author)
    audit_log.note(session, f"faq.{action}", author=author, subject=intent.slug, **details)


def note_all(session: Session, intents: Collection[Intent], action: str, *, author: str) -> None:
    """Say that entries were changed in one go, without a row each in the log of who did what."""
    for intent in intents:
        intent.updated_at = now()
    session.flush()
    texts = _phrasings(session, [intent.id for intent in intents])
    rows = [
        {
            "intent_id": intent.id,
            "slug": intent.slug,
            "action": action,
            "author": author[:80],
            "entry": {name: getattr(intent, name) for name in FIELDS_KEPT} | {"phrasings": texts[intent.id]},
            "created_at": now(),
        }
        for intent in intents
    ]
    if rows:
        session.execute(insert(FaqRevision), rows)
        what = rows[0]["slug"] if len(rows) == 1 else f"{len(rows)} entries"
        session.add(FaqChange(what=f"{action} {what}"[:200], author=author[:80]))


def newest(session: Session, intent_id: int) -> int:
    """The number of an entry's last change, which a form names that was filled in after it; 0 without a history."""
    return session.scalar(select(func.max(FaqRevision.id)).where(FaqRevision.intent_id == intent_id)) or 0


def last_two(session: Session, intent_id: int) -> tuple[FaqRevision | None, FaqRevision | None]:
    """The last change of an entry and the one before it."""
    query = select(FaqRevision).where(FaqRevision.intent_id == intent_id).order_by(FaqRevision.id.desc()).limit(2)
    rows = session.scalars(query).all()
    return rows[0] if rows else None, rows[1] if len(rows) > 1 else None


def find_revision(session: Session, intent_id: int, revision_id: int) -> FaqRevision:
    """One version of an entry. Raises NotFoundError."""
    found = session.get(FaqRevision, revision_id)
    if found is None or found.intent_id != intent_id:
        raise NotFoundError(f"this entry has no version {revision_id}")
    return found


def history(
    session: Session, intent_id: int, *, limit: int, before: int | None = None, merged: str | None = None
) -> list[EntryChange]:
    """Changes of an entry, newest first, from the one before an id on; with `merged`, of the entry of that name which
    was merged into it."""
    mine = FaqRevision.intent_id == intent_id
    if merged is not None:
        mine = and_(FaqRevision.intent_id.is_(None), FaqRevision.slug == merged)
    query = select(FaqRevision).where(mine).order_by(FaqRevision.id.desc())
    query = query if before is None else query.where(FaqRevision.id < before)
    rows = session.scalars(query.limit(limit + 1)).all()
    earlier: list[FaqRevision | None] = [*rows[1:], None]
    return [EntryChange(row, differences(old, row)) for row, old in zip(rows, earlier, strict=False)][:limit]


def merged_into(session: Session, intent_id: int) -> list[str]:
    """The names of the entries that were merged into this one and have a history."""
    former = select(FormerName.slug).where(FormerName.intent_id == intent_id)
    query = select(FaqRevision.slug).where(FaqRevision.intent_id.is_(None), FaqRevision.slug.in_(former)).distinct()
    return sorted(session.scalars(query))


def differences(old: FaqRevision | None, new: FaqRevision) -> tuple[PartChange, ...]:
    """What is different in a version from the one before it; everything in the first."""
    before: dict[str, Any] = {} if old is None else old.entry
    found = [
        PartChange(name, _words(before.get(name)), _words(new.entry.get(name)))
        for name in FIELDS_KEPT
        if before.get(name) != new.entry.get(name)
    ]
    if old is not None and old.slug != new.slug:
        found.append(PartChange("name", (old.slug,), (new.slug,)))
    had = [row[0] for row in before.get("phrasings", ())]
    has = [row[0] for row in new.entry["phrasings"]]
    gone, came = _without(had, has), _without(has, had)
    if gone or came:
        found.append(PartChange("phrasings", gone, came))
    return tuple(change for change in found if change.old or change.new)


def _without(texts: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(text for text in texts if text not in known)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return (", ".join(map(str, value)),) if value else ()
    if isinstance(value, bool):
        return ("yes",) if value else ()
    return (str(value),) if value else ()


def _phrasings(session: Session, ids: Sequence[int]) -> dict[int, list[list[str]]]:
    found: dict[int, list[list[str]]] = defaultdict(list)
    columns = select(Phrasing.intent_id, Phrasing.text, Phrasing.source, Phrasing.author).order_by(Phrasing.id)
    for start in range(0, len(ids), _AT_ONCE):
        for intent_id, *row in session.execute(columns.where(Phrasing.intent_id.in_(ids[start : start + _AT_ONCE]))):
            found[intent_id].append(row)
    return found
