"""Vectors of phrasings that were added since a version was built: encoded by one process, read by all.

They lie in the database because every process of every host reads it, backups hold it, and an erasure reaches it in
its own transaction.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session

from helpdesk.records.tables import AdditionVector, Phrasing

Vectors = NDArray[np.float32]
_AT_ONCE = 500


def read_vectors(session: Session, encoder: str, keys: Sequence[str]) -> dict[str, Vectors]:
    """Text key -> the vector [dim] that this encoder gave; keys without one are left out."""
    columns = select(AdditionVector.text_key, AdditionVector.vector).where(AdditionVector.encoder == encoder)
    return {
        key: np.frombuffer(stored, dtype=np.float32)
        for some in _parts(keys)
        for key, stored in session.execute(columns.where(AdditionVector.text_key.in_(some)))
    }


def add_vectors(session: Session, encoder: str, found: Mapping[str, Vectors]) -> None:
    """Keep vectors [dim] by text key, those that are not kept already and whose text a phrasing has still.

    A text may have been erased while it was encoded.
    """
    keys = sorted(found)
    known = read_vectors(session, encoder, keys).keys()
    said = set[str]()
    for some in _parts(keys):
        said |= set(session.scalars(select(Phrasing.text_key).where(Phrasing.text_key.in_(some))))
    rows = [
        {"encoder": encoder, "text_key": key, "vector": found[key].astype(np.float32).tobytes()}
        for key in keys
        if key in said and key not in known
    ]
    if rows:
        session.execute(insert(AdditionVector), rows)


def forget_vectors(session: Session, *, encoders: Collection[str]) -> int:
    """Delete those of other encoders, and those whose text no phrasing has any more; how many there were."""
    gone = ~select(Phrasing.id).where(Phrasing.text_key == AdditionVector.text_key).exists()
    unused = delete(AdditionVector).where(or_(AdditionVector.encoder.not_in(encoders), gone))
    found = session.execute(unused.execution_options(synchronize_session=False))
    return int(found.rowcount)  # type: ignore[attr-defined]


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
