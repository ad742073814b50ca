"""Which side of the split a label is on: it trains, it is held out for good, or neither."""

import hashlib
from collections.abc import Sequence

from rapidfuzz import fuzz, process
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.records.tables import Label, Phrasing
from helpdesk.text import text_key

NEAR_DUPLICATE = 85.0  # rapidfuzz ratio of sorted words, 0 to 100
LABEL_LOCK = 0x68656C70  # any number that nobody else locks


def assign_side(session: Session, normalised: str, *, holdout_share: float) -> tuple[str, str]:
    """(group key, side) of a text: its own earlier ones, else its near-duplicates', else drawn by hash.

    A side that was stored never changes, whatever is added to the FAQ later. FAQ phrasings all train, so a
    near-duplicate of one trains; a text near both sides goes to neither. Near-duplicates are judged by letters alone,
    never by an encoder, so that no model moves the split.
    """
    own = select(Label.group_key, Label.side).where(Label.text_key == text_key(normalised)).order_by(Label.id).limit(1)
    if (stored := session.execute(own).tuples().one_or_none()) is not None:
        return stored
    groups = _near_groups(session, normalised)
    sides = {side for _, side in groups}
    if near_duplicates(normalised, session.scalars(select(Phrasing.normalised).distinct()).all()):
        sides.add("train")
    key = groups[0][0] if groups else hashlib.sha256(normalised.encode()).hexdigest()
    if not sides:
        return key, "holdout" if _draw(key) < holdout_share else "train"
    return key, sides.pop() if len(sides) == 1 else "neither"


def near_duplicates(text: str, others: Sequence[str]) -> list[int]:
    """Positions of the texts that differ from a text by a few letters at most, whatever the order of their words."""
    found = process.extract(text, others, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR_DUPLICATE, limit=None)
    return [index for _, _, index in found]


def _near_groups(session: Session, normalised: str) -> list[tuple[str, str]]:
    rows = session.execute(select(Label.normalised, Label.group_key, Label.side).order_by(Label.id)).all()
    return [(rows[i][1], rows[i][2]) for i in near_duplicates(normalised, [text for text, _, _ in rows])]


def _draw(key: str) -> float:
    return int(hashlib.sha256(f"side:{key}".encode()).hexdigest()[:12], 16) / 16**12


def one_at_a_time(session: Session) -> None:
    """Two people who label near-duplicates at one moment would each see no group yet and might draw two sides.

    Held until the transaction ends. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LABEL_LOCK)))
