"""Which split of the split a label is on: it trains, it is held out for good, or neither."""

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from helpdesk.near_duplicates import near_duplicates, near_lengths
from helpdesk.records.tables import Label, Phrasing

LABEL_LOCK = 0x68656C70  # any number that nobody else locks


@dataclass(frozen=True)
class NearbyTexts:
    """The near-duplicates of a text among the labels and phrasings up to these ids.

    groups: (group key, split) of the labels, oldest first; phrasing: whether a phrasing is one.
    """

    normalised: str
    groups: tuple[tuple[str, str], ...] = ()
    phrasing: bool = False
    last_label: int = 0
    last_phrasing: int = 0


def find_neighbours(session: Session, normalised: str) -> NearbyTexts:
    """The near-duplicates of a text among everything that is stored."""
    last_label = session.scalar(select(func.max(Label.id))) or 0  # read first: what comes in between is read twice
    last_phrasing = session.scalar(select(func.max(Phrasing.id))) or 0
    return replace(add_newer(session, NearbyTexts(normalised)), last_label=last_label, last_phrasing=last_phrasing)


def add_newer(session: Session, known: NearbyTexts) -> NearbyTexts:
    """The same with the near-duplicates that were stored since; older rows are not read again.

    That is enough because texts of labels and phrasings never change, and labels are added one transaction at a time.
    A phrasing that somebody is adding or removing at the same moment counts as added or removed after the label.
    """
    wanted = select(Label.normalised, Label.group_key, Label.split).order_by(Label.id)
    labels = session.execute(wanted.where(Label.id > known.last_label, _fits(Label, known.normalised))).all()
    groups = [(labels[n][1], labels[n][2]) for n in near_duplicates(known.normalised, [row[0] for row in labels])]
    wanted_texts = select(Phrasing.normalised).where(Phrasing.id > known.last_phrasing)
    texts = session.scalars(wanted_texts.where(_fits(Phrasing, known.normalised))).all()
    near = known.phrasing or bool(near_duplicates(known.normalised, texts))
    return replace(known, groups=(*known.groups, *groups), phrasing=near)


def assign_split(
    session: Session, normalised: str, *, holdout_share: float, known: NearbyTexts | None = None
) -> tuple[str, str]:
    """(group key, split) of a text without labels: its near-duplicates', else drawn by hash.

    FAQ phrasings all train, so a near-duplicate of one trains; a text near both splits goes to neither. `known`:
    near-duplicates that were found before, so that only newer ones are looked for.
    """
    if known is None or known.normalised != normalised:
        known = NearbyTexts(normalised)
    found = add_newer(session, known)
    splits = {split for _, split in found.groups} | ({"train"} if found.phrasing else set())
    key = found.groups[0][0] if found.groups else hashlib.sha256(normalised.encode()).hexdigest()
    if not splits:
        return key, "holdout" if _draw(key) < holdout_share else "train"
    return key, splits.pop() if len(splits) == 1 else "neither"


def one_at_a_time(session: Session) -> None:
    """Two people who label near-duplicates at one moment would each see no group yet and might draw two splits.

    Held until the transaction ends. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LABEL_LOCK)))


def _fits(table: type[Label] | type[Phrasing], normalised: str) -> ColumnElement[bool]:
    return func.length(table.normalised).between(*near_lengths(len(normalised)))


def _draw(key: str) -> float:
    return int(hashlib.sha256(f"side:{key}".encode()).hexdigest()[:12], 16) / 16**12
