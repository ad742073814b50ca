"""Taking labels back: each by its id, and only one's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records import faq
from helpdesk.records.asked_texts import follow_labels, lock_texts
from helpdesk.records.clock import now
from helpdesk.records.labels import SAID, words
from helpdesk.records.splits import one_at_a_time
from helpdesk.records.tables import GoldenPhraseRow, Intent, Label, Phrasing, Staff


class LabelledSinceError(ConflictError):
    """A label that does not count any more because something else was said since: `by`."""

    def __init__(self, label: Label, by: Label) -> None:
        self.label, self.by = label, by
        super().__init__(f"{by.staff.name} labelled this {words(by)} since; you had labelled it {words(label)}")


@dataclass(frozen=True)
class Undone:
    """A label that was taken back. already: before this; unpublished: the entry that it published is a draft now."""

    label: Label
    already: bool = False
    unpublished: bool = False


@dataclass(frozen=True)
class OwnLabel:
    """A label and the one that counts in its place, if there is one."""

    label: Label
    successor: Label | None

    @property
    def idle(self) -> bool:
        """Whether it is a skip of a text that has an answer."""
        return self.successor is not None and self.successor.id < self.label.id

    @property
    def undoable(self) -> bool:
        """Whether its author can take it back now."""
        return self.label.undone_at is None or self.idle


def undo(session: Session, label_id: int, *, staff_id: int) -> Undone:
    """Take one label back; what it superseded counts again, and what it published is a draft again if nobody uses it.

    A skip that an answer supersedes can be taken back too: the text then waits as before the skip. Taking back what was
    taken back changes nothing. Raises NotFoundError when this person has no such label, LabelledSinceError when
    something else counts in its place, ConflictError when an exclusion left it out.
    """
    one_at_a_time(session)
    label = session.get(Label, label_id)
    if label is None or label.staff_id != staff_id:
        raise NotFoundError(f"you have no label {label_id}")
    if label.excluded_by is not None:
        raise ConflictError("this label was left out with everything of its source, so it does not count any more")
    lock_texts(session, [label.text_key])
    if label.undone_at is None:
        return _take_back(session, label)
    if label.superseded_by is None:
        return Undone(label, already=True)
    if label.superseded_by > label.id:
        raise LabelledSinceError(label, _last_successor(session, label))
    label.superseded_by = None
    return Undone(label)


def own_labels(session: Session, *, staff_id: int, limit: int, before: int | None = None) -> list[OwnLabel]:
    """A person's labels, newest first, from the one before an id on; what was taken back too."""
    successor = aliased(Label)
    query = (
        select(Label, successor)
        .outerjoin(successor, successor.id == Label.superseded_by)
        .where(Label.staff_id == staff_id)
        .options(joinedload(Label.intent), joinedload(successor.intent), joinedload(successor.staff))
        .order_by(Label.id.desc())
        .limit(limit)
    )
    rows = session.execute(query if before is None else query.where(Label.id < before))
    return [OwnLabel(label, by) for label, by in rows.tuples()]


def is_unused(session: Session, intent: Intent) -> bool:
    """Whether no label that counts, no golden phrase and no phrasing but its own question names an entry."""
    uses: Sequence[type[Label | GoldenPhraseRow | Phrasing]] = (Label, GoldenPhraseRow, Phrasing)
    counts = {Label: Label.undone_at.is_(None), Phrasing: Phrasing.source != "question"}
    named = [exists().where(table.intent_id == intent.id, counts.get(table, table.id > 0)) for table in uses]
    return not session.scalar(select(or_(*named)))


def counts_no_more(session: Session, label: Label) -> None:
    """Let a label that counts count no more, and what it superseded count again."""
    label.undone_at = now()
    _restore(session, label)
    follow_labels(session, [label.text_key])


def _take_back(session: Session, label: Label) -> Undone:
    counts_no_more(session, label)
    intent = label.intent
    if not label.published or intent is None or intent.status != "published" or not is_unused(session, intent):
        return Undone(label)
    author = session.get_one(Staff, label.staff_id).name
    faq.set_status(session, intent.slug, status="draft", author=author)
    return Undone(label, unpublished=True)


def _restore(session: Session, label: Label) -> None:
    """What a label superseded counts again; a flag among them stands beside the one that counts."""
    query = select(Label).where(Label.superseded_by == label.id, Label.id < label.id).order_by(Label.id)
    restored = session.scalars(query).all()
    for earlier in restored:
        earlier.undone_at = earlier.superseded_by = None
    answer = next((earlier for earlier in restored if earlier.kind in SAID), None)
    for earlier in restored:
        if answer is not None and earlier.kind not in SAID:
            earlier.undone_at, earlier.superseded_by = earlier.created_at, answer.id


def _last_successor(session: Session, label: Label) -> Label:
    while label.superseded_by is not None and label.superseded_by > label.id:
        label = session.get_one(Label, label.superseded_by)
    return label
