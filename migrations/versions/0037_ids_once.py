"""no id is given twice on SQLite, and erasures that wait for a row that has such an id wait no more

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import re
from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ROWS = {"label": "labels", "phrasing": "phrasings"}  # how the traces of an erasure name rows
ERASURES = sa.table(
    "erasures",
    sa.column("id", sa.Integer),
    sa.column("counts", sa.JSON),
    sa.column("traces", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        numbered = _number_on()
        _begin_above(numbered)
    _forget_reused_traces()


def _number_on() -> list[str]:
    """SQLite gives the id of the newest row again once that is deleted. Stored rows look the same with AUTOINCREMENT as
    without, so the text of the tables is replaced, however many rows there are. Returns their names."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    numbered = []
    for name, sql in tables:
        without, keys = re.subn(r",\s*CONSTRAINT \w+ PRIMARY KEY \(id\)", "", sql)
        changed, columns = re.subn(r"(\(\s*id INTEGER NOT NULL)(?=\s*,)", r"\1 PRIMARY KEY AUTOINCREMENT", without)
        if keys and columns:
            connection.exec_driver_sql(
                "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (changed, name)
            )
            numbered.append(name)
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    return numbered


def _begin_above(tables: list[str]) -> None:
    """As far as is known which ids there were: of rows erased from above the newest one there were as many as the
    certificates say, and there were as many messages, at least, as the days count."""
    connection = op.get_bind()
    erased = Counter[str]()
    for counts in connection.execute(sa.select(ERASURES.c.counts)).scalars():
        erased.update(counts)
    asked = connection.exec_driver_sql("SELECT coalesce(sum(count), 0) FROM day_totals").scalar_one()
    for name in tables:
        newest = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {name}").scalar_one()  # noqa: S608
        last = max(newest + erased[name], asked if name in ("messages", "decisions") else 0)
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))


def _forget_reused_traces() -> None:
    """A row that is there has nothing to do with the erased one of its id; the keys of the texts still find copies."""
    connection = op.get_bind()
    waiting = sa.select(ERASURES.c.id, ERASURES.c.traces).where(ERASURES.c.traces.is_not(None))
    for number, traces in connection.execute(waiting).all():
        left = [row for row in traces["rows"] if not _is_there(row)]
        if left != traces["rows"]:
            changed = sa.update(ERASURES).where(ERASURES.c.id == number)
            connection.execute(changed.values(traces=traces | {"rows": left}))


def _is_there(trace: str) -> bool:
    kind, _, number = trace.partition(":")
    table = sa.table(ROWS[kind], sa.column("id"))
    return op.get_bind().scalar(sa.select(table.c.id).where(table.c.id == int(number))) is not None
