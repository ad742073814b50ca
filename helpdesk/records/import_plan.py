"""What an import would change, told before anything is written, and then exactly that stored."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError
from helpdesk.records import faq, faq_history
from helpdesk.records.faq import Entry, Stored
from helpdesk.records.files.csv_files import BadRows
from helpdesk.records.files.faq_columns import LIST_FIELDS
from helpdesk.records.files.faq_rows import ENTRY_FIELDS, FaqFile
from helpdesk.records.import_matching import Clash, Matched, StoredFaq, match_entries, question_after
from helpdesk.records.names import Slugs, rename
from helpdesk.records.outside_examples import (
    OutsideIntent,
    is_outside,
    outside_examples,
    plan_outside,
    store_outside,
)
from helpdesk.records.shared_texts import SharedText
from helpdesk.records.splits import one_at_a_time
from helpdesk.records.tables import Intent, Phrasing
from helpdesk.text import normalise, text_key

_DELETED_AT_ONCE = 500


@dataclass(frozen=True)
class FieldChange:
    """A field of an entry that gets another value."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class PlannedEntry:
    """An entry of the file. `entry` is what will be stored: fields that stay as they are are None.

    added: phrasings that the entry lacks; known: how many of the file it has, or the file has twice; asked: whether its
    question becomes a phrasing. dropped: (id, text) of those that it has and the file has not. formerly: its slug of
    today, when it is renamed.
    """

    entry: Entry
    line: int
    question: str
    is_new: bool
    changes: tuple[FieldChange, ...] = ()
    added: tuple[str, ...] = ()
    known: int = 0
    asked: bool = False
    dropped: tuple[tuple[int, str], ...] = ()
    formerly: str = ""
    unanswered: bool = False

    @property
    def differs(self) -> bool:
        """Whether storing it changes anything, dropped phrasings aside."""
        return bool(self.is_new or self.changes or self.added or self.asked or self.formerly)


@dataclass(frozen=True)
class ImportPlan:
    """What storing a file changes in the FAQ of one revision. absent: how many entries the file does not have."""

    revision: int
    entries: tuple[PlannedEntry, ...]
    clashes: tuple[Clash, ...]
    shared: tuple[SharedText, ...]
    bad_rows: BadRows
    absent: int = 0
    replaces: bool = False  # dropped phrasings are removed
    repeated: tuple[tuple[int, str], ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    outside: tuple[OutsideIntent, ...] = ()

    @property
    def removed(self) -> list[int]:
        """Ids of the phrasings that are removed."""
        return [number for entry in self.entries for number, _ in entry.dropped] if self.replaces else []

    @property
    def drops_anything(self) -> bool:
        """Whether there are phrasings that the file has not."""
        return any(entry.dropped for entry in self.entries)

    @property
    def changes_anything(self) -> bool:
        """Whether storing it would write anything."""
        changed = any(entry.differs for entry in self.entries) or any(intent.added for intent in self.outside)
        return bool(self.removed) or changed


def make_plan(
    session: Session,
    found: FaqFile,
    *,
    replaces: bool = False,
    renames: Collection[str] | None = None,
    outside: bool = True,
) -> ImportPlan:
    """Compare a file with the FAQ. `renames`: slugs of the file whose entry is a stored one under a new name, if it has
    the same question; None for all of them, as far as there are any. `outside`: new entries whose name says that they
    are none of the FAQ are out-of-scope examples.
    """
    known = [normalise(example.first) for example in outside_examples(session)]
    stored = StoredFaq(faq.revision(session), Slugs(session), faq.list_intents(session), known)
    return plan_import(stored, found, replaces=replaces, renames=renames, outside=outside)


def store_plan(session: Session, plan: ImportPlan, *, author: str) -> Stored:
    """Store what the plan says. Raises ConflictError when the FAQ has changed since it was made."""
    one_at_a_time(session)
    if faq.revision(session) != plan.revision:
        raise ConflictError("the FAQ was changed since this was compared with it; look at the comparison again")
    session.expire_all()
    for planned in plan.entries:
        if planned.formerly:
            rename(session, faq.find_intent(session, planned.formerly), planned.entry.slug, author=author)
    removed = plan.removed
    for start in range(0, len(removed), _DELETED_AT_ONCE):
        some = Phrasing.id.in_(removed[start : start + _DELETED_AT_ONCE])
        session.execute(delete(Phrasing).where(some).execution_options(synchronize_session=False))
    if removed:
        lacking = [planned.entry.slug for planned in plan.entries if planned.dropped and not planned.differs]
        intents = [faq.find_intent(session, slug) for slug in lacking]
        faq_history.note_all(session, intents, "imported", author=author)
    if any(planned.differs for planned in plan.entries):
        faq.store_entries(session, [planned.entry for planned in plan.entries if planned.differs], author=author)
    store_outside(session, plan.outside, author=author)
    return expected(plan)


def expected(plan: ImportPlan) -> Stored:
    """What storing the plan changes, in numbers."""
    answers = [
        planned.entry.slug
        for planned in plan.entries
        if any(change.field == "answer" and change.before.strip() for change in planned.changes)
    ]
    return Stored(
        intents_new=sum(planned.is_new for planned in plan.entries),
        intents_seen=len(plan.entries),
        phrasings_new=sum(len(planned.added) for planned in plan.entries),
        phrasings_known=sum(planned.known for planned in plan.entries),
        questions_new=sum(planned.asked for planned in plan.entries),
        unanswered=sum(planned.unanswered for planned in plan.entries),
        replaced=tuple(answers),
        outside=sum(len(intent.added) for intent in plan.outside),
    )


def plan_import(
    stored: StoredFaq, found: FaqFile, *, replaces: bool, renames: Collection[str] | None, outside: bool
) -> ImportPlan:
    """The same of a reading of the FAQ: no database is asked."""
    none_of_it = _outside(stored, found) if outside else []
    left = {intent.slug for intent in none_of_it}
    found = replace(found, entries=[entry for entry in found.entries if entry.slug not in left])
    matched = match_entries(stored, found, renames)
    has_phrasings = any(entry.phrasings for entry in found.entries)
    planned = [
        _plan_entry(
            entry,
            intent,
            line=found.lines.get(entry.slug, 0),
            formerly=matched.formerly.get(entry.slug, ""),
            drops=has_phrasings,
        )
        for entry, intent in matched.pairs
    ]
    plan = ImportPlan(
        stored.revision,
        tuple(planned),
        tuple(matched.clashes),
        (),
        found.bad_rows,
        absent=sum(intent.id not in matched.taken for intent in stored.intents),
        replaces=replaces,
        repeated=found.repeated,
        ignored=found.ignored,
        notes=found.notes,
        outside=tuple(none_of_it),
    )
    return replace(plan, shared=tuple(_shared(plan, stored.intents, matched)))


def _outside(stored: StoredFaq, found: FaqFile) -> list[OutsideIntent]:
    """Entries of the file that are none of the FAQ by their name, unless the FAQ has one of this name."""
    known = set(stored.outside)
    names = [entry for entry in found.entries if is_outside(entry) and stored.slugs.find(entry.slug) is None]
    return [plan_outside(entry, line=found.lines.get(entry.slug, 0), known=known) for entry in names]


def _plan_entry(entry: Entry, intent: Intent | None, *, line: int, formerly: str, drops: bool) -> PlannedEntry:
    question = question_after(entry, intent)
    seen = {phrasing.normalised for phrasing in intent.phrasings} if intent is not None else set()
    added = []
    for text in entry.phrasings:
        if (key := normalise(text)) and key not in seen:
            seen.add(key)
            added.append(text)
    changes = _changes(entry, intent) if intent is not None else []
    changed = {change.field for change in changes}
    named = (*ENTRY_FIELDS, *LIST_FIELDS, "urgent")
    kept: dict[str, Any] = {name: None for name in named if intent and name not in changed}
    slug = entry.slug if intent is None or formerly else intent.slug
    in_file = {normalise(text) for text in entry.phrasings} | {normalise(question)}
    gone = [(p.id, p.text) for p in intent.phrasings if p.normalised not in in_file] if drops and intent else []
    answer = entry.answer or (intent.answer if intent is not None else "")
    status = entry.status or (intent.status if intent is not None else "published")
    return PlannedEntry(
        replace(entry, slug=slug, **kept),
        line,
        question,
        is_new=intent is None,
        changes=tuple(changes),
        added=tuple(added),
        known=len(entry.phrasings) - len(added),
        asked=bool(normalise(question)) and normalise(question) not in seen,
        dropped=tuple(gone),
        formerly=formerly,
        unanswered=status == "published" and not answer.strip(),
    )


def _changes(entry: Entry, intent: Intent) -> list[FieldChange]:
    """What the file says otherwise; line ends are as good as each other, and what it does not say stays."""
    changes = []
    for name in ENTRY_FIELDS:
        before, after = getattr(intent, name), getattr(entry, name)
        if after is not None and _lines(before) != _lines(after):
            changes.append(FieldChange(name, before, after))
    for name in LIST_FIELDS:
        before, after = getattr(intent, name), getattr(entry, name)
        if after is not None and list(after) != list(before):
            changes.append(FieldChange(name, "; ".join(before), "; ".join(after)))
    if entry.urgent is not None and entry.urgent != intent.urgent:
        changes.append(FieldChange("urgent", *("yes" if urgent else "no" for urgent in (intent.urgent, entry.urgent))))
    return changes


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _shared(plan: ImportPlan, intents: Iterable[Intent], matched: Matched) -> Iterator[SharedText]:
    """Texts that an entry of the file has in common with another published one when the plan is stored."""
    texts: dict[str, str] = {}
    having: dict[str, list[str]] = defaultdict(list)
    for text, slug in (*_staying(plan, intents, matched), *_coming(plan, matched)):
        key = text_key(normalise(text))
        texts.setdefault(key, text)
        having[key].append(slug)
    wanted = {planned.entry.slug for planned in plan.entries}
    for key, slugs in having.items():
        if len(slugs) > 1 and wanted & set(slugs):
            yield SharedText(texts[key], tuple(slugs))


def _staying(plan: ImportPlan, intents: Iterable[Intent], matched: Matched) -> list[tuple[str, str]]:
    """(text, slug) of the phrasings that published entries have and keep, in the order in which they were added."""
    removed = set(plan.removed)
    after = {intent.id: planned.entry for planned, (_, intent) in _beside(plan, matched) if intent is not None}
    rows = []
    for intent in intents:
        entry = after.get(intent.id)
        if ((entry.status if entry else None) or intent.status) == "published":
            slug = entry.slug if entry else intent.slug
            rows += [(p.id, p.text, slug) for p in intent.phrasings if p.id not in removed]
    return [(text, slug) for _, text, slug in sorted(rows)]


def _coming(plan: ImportPlan, matched: Matched) -> Iterator[tuple[str, str]]:
    """(text, slug) of the phrasings that published entries will get."""
    for planned, (_, intent) in _beside(plan, matched):
        if (planned.entry.status or (intent.status if intent is not None else "published")) == "published":
            texts = (*planned.added, *([planned.question] if planned.asked else []))
            yield from ((text, planned.entry.slug) for text in texts)


def _beside(plan: ImportPlan, matched: Matched) -> Iterator[tuple[PlannedEntry, tuple[Entry, Intent | None]]]:
    return zip(plan.entries, matched.pairs, strict=True)
