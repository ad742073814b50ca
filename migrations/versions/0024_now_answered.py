"""what a night finds for the desk: texts that are surely answered now, and faults of the FAQ; no entry's number twice

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BEFORE, AFTER = "\tid INTEGER NOT NULL, ", "\tid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "
KEY = "\tCONSTRAINT pk_intents PRIMARY KEY (id), \n"
_ANSWERED = sa.text("answered_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("asked_texts", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("asked_texts", sa.Column("answer", sa.String(length=128), nullable=True))
    op.add_column("asked_texts", sa.Column("answer_confidence", sa.Double(), nullable=True))
    op.add_column("asked_texts", sa.Column("put_back", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_asked_texts_answered",
        "asked_texts",
        ["answered_at"],
        sqlite_where=_ANSWERED,
        postgresql_where=_ANSWERED,
    )
    op.create_table(
        "data_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows_hash", sa.String(length=64), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_checks")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _number_on()


def _number_on() -> None:
    """An entry that was merged leaves no row, and SQLite gives the highest number again: a form that is open still
    would change another entry. Stored rows look the same with AUTOINCREMENT as without: its text is replaced."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(replace(sql, ?, ?), ?, '') WHERE type = 'table' AND name = 'intents'",
        (BEFORE, AFTER, KEY),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    last = "INSERT INTO sqlite_sequence (name, seq) SELECT 'intents', coalesce(max(id), 0) FROM intents"
    connection.exec_driver_sql(last)
