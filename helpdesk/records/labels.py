"""What staff say messages mean."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records.asked_texts import FLAGGED, PUT_OFF, follow_labels, lock_texts
from helpdesk.records.clock import now
from helpdesk.records.faq import find_intent
from helpdesk.records.splits import NearbyTexts, assign_split, find_neighbours, one_at_a_time
from helpdesk.records.tables import GoldenPhraseRow, Label, Message, Phrasing

TEACHING = ("intent", "out_of_scope")
SAID = (*TEACHING, "not_a_question")  # what a message meant
LABEL_KINDS = (*SAID, PUT_OFF, FLAGGED)
MAX_NOTE = 500
WORDS = {
    "out_of_scope": "none of our FAQs",
    "not_a_question": "not a question",
    PUT_OFF: "put off",
    FLAGGED: "flagged",
}
_RANK = dict.fromkeys(SAID, 2) | {FLAGGED: 1, PUT_OFF: 0}
_TEXTS = ((Phrasing, "phrasing"), (Label, "label"), (Message, "message"), (GoldenPhraseRow, "golden"))


def labels_since(session: Session, moment: datetime | None) -> int:
    """How many labels that teach something were given after a moment (None: ever)."""
    query = select(func.count()).select_from(Label).where(Label.undone_at.is_(None), Label.kind.in_(TEACHING))
    return session.scalar(query if moment is None else query.where(Label.created_at > moment)) or 0


def texts_of(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """The texts behind row ids like `phrasing:12`, `label:7`, `message:3`, `golden:1`; what is gone is left out."""
    found: dict[str, str] = {}
    for table, name in _TEXTS:
        numbers = [int(row.split(":")[1]) for row in ids if row.startswith(f"{name}:")]
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            rows = session.execute(select(table.id, table.text).where(table.id.in_(some)))
            found |= {f"{name}:{number}": text for number, text in rows}
    return found


def read_neighbours(session: Session, message_id: int) -> NearbyTexts | None:
    """The near-duplicates of a message's text, read before labelling so that nobody waits for it.

    None when the text has its split already. Raises NotFoundError.
    """
    message = _find(session, message_id)
    return None if _said(session, message.text_key) else find_neighbours(session, message.normalised)


class LabelledMeanwhileError(ConflictError):
    """A text was labelled otherwise after the card was drawn. `label`: what was said; `seen`: what a new card says."""

    def __init__(self, label: Label, *, seen: int) -> None:
        self.label, self.seen = label, seen
        super().__init__(f"{label.staff.name} labelled this {words(label)}")


def words(label: Label) -> str:
    """What a label says, in words."""
    return f"“{label.intent.question}”" if label.intent is not None else WORDS[label.kind]


def newest_label(session: Session, message_id: int) -> int:
    """The id of the newest label that a message's text has, whether it counts or not; 0 for none."""
    key = select(Message.text_key).where(Message.id == message_id).scalar_subquery()
    return session.scalar(select(func.max(Label.id)).where(Label.text_key == key)) or 0


def newest_labels(session: Session, message_ids: Sequence[int]) -> dict[int, int]:
    """`newest_label` of several messages."""
    newest = select(func.max(Label.id)).where(Label.text_key == Message.text_key).correlate(Message).scalar_subquery()
    query = select(Message.id, func.coalesce(newest, 0)).where(Message.id.in_(message_ids))
    return dict(session.execute(query).tuples().all())


def label_message(
    session: Session,
    message_id: int,
    *,
    kind: str,
    staff_id: int,
    holdout_share: float,
    intent: str | None = None,
    known: NearbyTexts | None = None,
    seen: int | None = None,
    note: str | None = None,
) -> Label:
    """Say what a message meant; it counts for every message of the same normalised text.

    It supersedes what was said of that text before. Putting a text off or flagging it keeps what was said: such a label
    is itself superseded by the one that counts. `note`: why a text is flagged. The split (train or held out) is decided
    at first sight of a group of near-duplicate texts and inherited by all later ones; it never changes, whatever is
    added to the FAQ later. `known`: the near-duplicates that `read_neighbours` found.

    `seen`: `newest_label` when the card was drawn; None says "whatever is there". The same person who says the same of
    the same card again gets the label that is there. Whoever says something else than what was said since raises
    LabelledMeanwhileError; who says the same adds a label, since that another person agrees is worth knowing.
    """
    message = _find(session, message_id)
    _check(message, kind, intent)
    note = _checked_note(note) if kind == FLAGGED else None
    intent_id = find_intent(session, intent).id if intent is not None else None
    one_at_a_time(session)
    lock_texts(session, [message.text_key])
    said = _said(session, message.text_key)
    label = Label(
        message_id=message.id,
        text=message.text,
        normalised=message.normalised,
        text_key=message.text_key,
        kind=kind,
        intent_id=intent_id,
        staff_id=staff_id,
        created_at=now(),
        seen=_newest(said) if seen is None else seen,
        note=note,
    )
    given = _given_before(label, said)
    if given is not None:
        return given
    inherited = (said[0].group_key, said[0].split) if said else None
    label.group_key, label.split = inherited or assign_split(
        session, message.normalised, holdout_share=holdout_share, known=known
    )
    return _store(session, label, said)


def _store(session: Session, label: Label, said: Sequence[Label]) -> Label:
    session.add(label)
    session.flush()
    _supersede(label, said)
    follow_labels(session, [label.text_key])
    return label


def _checked_note(note: str | None) -> str:
    stripped = (note or "").strip()
    if not stripped or len(stripped) > MAX_NOTE:
        raise BadInputError(f"a note of {len(stripped)} characters; expected 1 to {MAX_NOTE}, saying what to look at")
    return stripped


def _check(message: Message, kind: str, intent: str | None) -> None:
    if kind not in LABEL_KINDS:
        raise BadInputError(f"label {kind!r:.40}; expected one of {', '.join(LABEL_KINDS)}")
    if (kind == "intent") != (intent is not None):
        raise BadInputError(f"kind {kind!r} with intent {intent!r}; expected an intent with kind 'intent' only")
    if kind == "intent" and not message.normalised:
        raise BadInputError("this message has no letters or digits, so it cannot teach an intent")


def _given_before(label: Label, said: Sequence[Label]) -> Label | None:
    """The label that the same request made earlier, None when this is the first. Raises LabelledMeanwhileError."""
    newest = _newest(said)
    if label.seen is None or not 0 <= label.seen <= newest:
        raise BadInputError(f"seen {label.seen}; expected the id of a label of this text, at most {newest}")
    counting = next((earlier for earlier in said if earlier.undone_at is None), None)
    own = next((row for row in said if (row.staff_id, row.seen) == (label.staff_id, label.seen)), None)
    if own is not None and _same(own, label):
        return own
    if own is not None:
        raise LabelledMeanwhileError(counting or own, seen=newest)
    since = counting is not None and counting.id > label.seen and {counting.kind, label.kind} <= set(SAID)
    if counting is not None and since and not _same(counting, label):
        raise LabelledMeanwhileError(counting, seen=newest)
    return None


def _same(one: Label, other: Label) -> bool:
    return (one.kind, one.intent_id, one.note) == (other.kind, other.intent_id, other.note)


def _newest(said: Sequence[Label]) -> int:
    return said[-1].id if said else 0


def _said(session: Session, text_key: str) -> Sequence[Label]:
    """Every label that a text ever had, oldest first."""
    return session.scalars(select(Label).where(Label.text_key == text_key).order_by(Label.id)).all()


def _supersede(label: Label, said: Sequence[Label]) -> None:
    """A label takes the place of those that counted for its text, and answers a flag that was put on one of them.

    Putting off gives way to all that counts but its like, and a flag to what was said.
    """
    counting = next((earlier for earlier in said if earlier.undone_at is None), None)
    if counting is not None and _RANK[label.kind] < _RANK[counting.kind]:
        label.undone_at, label.superseded_by = label.created_at, counting.id
        return
    for earlier in said:
        if earlier.undone_at is None or is_raised(earlier):
            earlier.undone_at = earlier.undone_at or label.created_at
            earlier.superseded_by = label.id


def is_raised(label: Label) -> bool:
    """Whether a label is a flag that nobody answered, though its text has a label that counts."""
    return label.kind == FLAGGED and label.superseded_by is not None and label.superseded_by < label.id


def counting_label(session: Session, message_id: int) -> Label | None:
    """What counts for a message's text now, a skip too, with its intent and its author."""
    key = select(Message.text_key).where(Message.id == message_id).scalar_subquery()
    query = select(Label).where(Label.text_key == key, Label.undone_at.is_(None)).order_by(Label.id.desc()).limit(1)
    return session.scalar(query.options(joinedload(Label.intent), joinedload(Label.staff)))


def active_labels(session: Session) -> list[Label]:
    """Every label that counts, oldest first, with its intent and its author."""
    query = select(Label).where(Label.undone_at.is_(None))
    return list(session.scalars(query.options(joinedload(Label.intent), joinedload(Label.staff)).order_by(Label.id)))


def _find(session: Session, message_id: int) -> Message:
    message = session.get(Message, message_id)
    if message is None:
        raise NotFoundError(f"no message {message_id}")
    return message


def labels_given(session: Session, moment: datetime) -> int:
    """How many labels that teach were given up to a moment, superseded ones and labels given again included."""
    query = select(func.count()).select_from(Label).where(Label.created_at <= moment, Label.kind.in_(TEACHING))
    return session.scalar(query) or 0
