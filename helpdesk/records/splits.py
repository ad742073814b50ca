"""Which side of the split a label is on: it trains, it is held out for good, or neither."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from helpdesk.near_duplicates import near_any, near_duplicates, near_lengths
from helpdesk.records.tables import Label, Phrasing
from helpdesk.text import text_key

LABEL_LOCK = 0x68656C70  # any number that nobody else locks


@dataclass(frozen=True)
class NearbyTexts:
    """The near-duplicates of a text among the labels and phrasings up to these ids.

    groups: (group key, side) of the labels, oldest first; phrasing: whether a phrasing is one.
    """

    normalised: str
    groups: tuple[tuple[str, str], ...] = ()
    phrasing: bool = False
    last_label: int = 0
    last_phrasing: int = 0


def find_neighbours(session: Session, normalised: str, *, known: NearbyTexts | None = None) -> NearbyTexts:
    """The near-duplicates of a text. Of what is `known` from an earlier reading, only newer rows are read.

    That is enough because labels and phrasings are never changed or removed, and labels are added one transaction at
    a time. A phrasing that somebody is adding at the same moment counts as added after the label.
    """
    known = known if known is not None and known.normalised == normalised else NearbyTexts(normalised)
    last_label = session.scalar(select(func.max(Label.id))) or 0  # read first: what comes in between is read twice
    last_phrasing = session.scalar(select(func.max(Phrasing.id))) or 0
    new_labels, new_phrasings = Label.id > known.last_label, Phrasing.id > known.last_phrasing
    wanted = select(Label.normalised, Label.group_key, Label.side).order_by(Label.id)
    labels = session.execute(wanted.where(new_labels, _fits(Label, normalised))).all()
    groups = tuple((labels[n][1], labels[n][2]) for n in near_duplicates(normalised, [row[0] for row in labels]))
    texts = select(Phrasing.normalised).where(new_phrasings, _fits(Phrasing, normalised))
    near = known.phrasing or bool(near_any([normalised], session.scalars(texts).all()).any())
    return NearbyTexts(normalised, known.groups + groups, near, last_label, last_phrasing)


def assign_side(
    session: Session, normalised: str, *, holdout_share: float, known: NearbyTexts | None = None
) -> tuple[str, str]:
    """(group key, side) of a text: its own earlier ones, else its near-duplicates', else drawn by hash.

    A side that was stored never changes, whatever is added to the FAQ later. FAQ phrasings all train, so a
    near-duplicate of one trains; a text near both sides goes to neither. `known`: near-duplicates that were found
    before, so that only newer ones are looked for.
    """
    if (stored := _stored(session, normalised)) is not None:
        return stored
    found = find_neighbours(session, normalised, known=known)
    sides = {side for _, side in found.groups} | ({"train"} if found.phrasing else set())
    key = found.groups[0][0] if found.groups else hashlib.sha256(normalised.encode()).hexdigest()
    if not sides:
        return key, "holdout" if _draw(key) < holdout_share else "train"
    return key, sides.pop() if len(sides) == 1 else "neither"


def is_assigned(session: Session, normalised: str) -> bool:
    """Whether a text has its side already."""
    return _stored(session, normalised) is not None


def one_at_a_time(session: Session) -> None:
    """Two people who label near-duplicates at one moment would each see no group yet and might draw two sides.

    Held until the transaction ends. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LABEL_LOCK)))


def _stored(session: Session, normalised: str) -> tuple[str, str] | None:
    own = select(Label.group_key, Label.side).where(Label.text_key == text_key(normalised)).order_by(Label.id).limit(1)
    return session.execute(own).tuples().one_or_none()


def _fits(table: type[Label] | type[Phrasing], normalised: str) -> ColumnElement[bool]:
    return func.length(table.normalised).between(*near_lengths(len(normalised)))


def _draw(key: str) -> float:
    return int(hashlib.sha256(f"side:{key}".encode()).hexdigest()[:12], 16) / 16**12
