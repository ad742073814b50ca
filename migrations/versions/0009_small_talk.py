"""decisions may be small talk, or a hand-over that the person asked for

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('answer', 'clarify', 'fallback')"
AFTER = "kind IN ('answer', 'clarify', 'fallback', 'handoff', 'smalltalk')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE decisions DROP CONSTRAINT ck_decisions_kind")
        op.execute(f"ALTER TABLE decisions ADD CONSTRAINT ck_decisions_kind CHECK ({AFTER})")
    else:
        _widen_on_sqlite()


def _widen_on_sqlite() -> None:
    """SQLite changes no constraint, and a copy of the table is made without its other ones. A CHECK has no trace in the
    stored rows, so its text may be replaced: https://www.sqlite.org/lang_altertable.html#otheralter."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'decisions'", (BEFORE, AFTER)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
