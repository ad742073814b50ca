"""How a ranking is stored: without the names of its fields, which would be half of what a message takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, func, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

RANKED_FIELDS: Final = ("intent", "confidence", "nearest", "similarity", "understood")
_ALWAYS = 4  # so many of them are there in every row that is read


class StoredRanking(TypeDecorator[list[dict[str, Any]]]):
    """Rows {intent, confidence, nearest, similarity} and, where that was a part of the message, understood, best first.

    In the database each is a list in the order of RANKED_FIELDS without the last ones that are not known; in rows of
    earlier commits it is an object.
    """

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Sequence[Mapping[str, Any]] | None, dialect: Dialect) -> list[list[Any]] | None:
        """As it is stored."""
        return None if value is None else [_packed(ranked) for ranked in value]

    def process_result_value(self, value: Sequence[Any] | None, dialect: Dialect) -> list[dict[str, Any]] | None:
        """As everybody reads it."""
        return None if value is None else [_unpacked(ranked) for ranked in value]


def of_the_best(ranking: Any, field: str) -> ColumnElement[str | None]:
    """A field of the best row of a stored ranking, as text, in SQL."""
    best = type_coerce(ranking, JSON)[0]
    return func.coalesce(best[RANKED_FIELDS.index(field)].as_string(), best[field].as_string())


def _packed(ranked: Mapping[str, Any]) -> list[Any]:
    values = [ranked.get(name) for name in RANKED_FIELDS]
    while values and values[-1] is None:
        values.pop()
    return values


def _unpacked(stored: Any) -> dict[str, Any]:
    if isinstance(stored, dict):
        return stored
    found: dict[str, Any] = dict.fromkeys(RANKED_FIELDS[:_ALWAYS])
    found.update(zip(RANKED_FIELDS, stored, strict=False))
    return found
