"""Statements of the way of a message: composed once, compiled once for each database, run by its driver.

SQLAlchemy takes several times as long to execute such a statement as SQLite does to carry it out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class _Compiled:
    """SQL of one database; the names of its values in their order, or None where the driver takes them by name."""

    sql: str
    order: list[str] | None
    fixed: Mapping[str, Any]
    converted: tuple[tuple[str, Convert], ...]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        given = {**self.fixed, **values}
        for name, convert in self.converted:
            given[name] = convert(given[name])
        return given if self.order is None else [given[name] for name in self.order]


class Prepared:
    """A statement whose values are `bindparam`s. What it reads comes as the driver gives it: numbers, text, None."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: WeakKeyDictionary[Dialect, _Compiled] = WeakKeyDictionary()

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement, in the transaction of the connection.

        Raises what SQLAlchemy raises for the same fault.
        """
        dialect = connection.dialect
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = _compile(self._statement, dialect)
        parameters = compiled.parameters(values)
        driver: Any = connection.connection.dbapi_connection
        base: Any = dialect.loaded_dbapi.Error
        try:
            return driver.execute(compiled.sql, parameters)
        except base as error:
            raise DBAPIError.instance(compiled.sql, None, error, base, hide_parameters=True, dialect=dialect) from error


def _compile(statement: ClauseElement, dialect: Dialect) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)
    converts = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    required = {name for name, bind in compiled.binds.items() if bind.required}
    fixed = {
        name: convert(value) if (convert := converts[name]) else value
        for name, value in compiled.params.items()
        if name not in required
    }
    return _Compiled(
        str(compiled),
        list(compiled.positiontup) if compiled.positional else None,
        fixed,
        tuple((name, convert) for name, convert in converts.items() if convert and name in required),
    )
