"""the queue as a table, kept while messages come; labels that say "not a question", and flags with a note

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('intent', 'out_of_scope', 'skip')"
AFTER = "kind IN ('intent', 'out_of_scope', 'not_a_question', 'skip', 'flag')"
NOTE = "ck_labels_note CHECK ((kind = 'flag') = (note IS NOT NULL))"
ASKS = "d.reason NOT IN ('choice', 'none_of_these') AND d.kind NOT IN ('smalltalk', 'handoff') AND m.normalised <> ''"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE labels DROP CONSTRAINT ck_labels_kind")
        op.execute(f"ALTER TABLE labels ADD CONSTRAINT ck_labels_kind CHECK ({AFTER})")
    else:
        _widen_on_sqlite()
    op.execute(f"ALTER TABLE labels ADD COLUMN note VARCHAR CONSTRAINT {NOTE}")
    op.create_index("ix_labels_staff_id_id", "labels", ["staff_id", "id"])
    op.create_index("ix_labels_kind_id", "labels", ["kind", "id"])
    _create_asked_texts()
    _fill_asked_texts()


def _widen_on_sqlite() -> None:
    """SQLite changes no constraint, and a copy of the table is made without its other ones. A CHECK has no trace in the
    stored rows, so its text may be replaced: https://www.sqlite.org/lang_altertable.html#otheralter."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'labels'", (BEFORE, AFTER)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _create_asked_texts() -> None:
    op.create_table(
        "asked_texts",
        sa.Column("text_key", sa.String(length=32), nullable=False),
        sa.Column("normalised", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("newest_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("best", sa.String(length=128), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("place", sa.Double(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("later", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["first_id"], ["messages.id"], name=op.f("fk_asked_texts_first_id_messages")),
        sa.ForeignKeyConstraint(["newest_id"], ["messages.id"], name=op.f("fk_asked_texts_newest_id_messages")),
        sa.PrimaryKeyConstraint("text_key", name=op.f("pk_asked_texts")),
    )
    op.create_index("ix_asked_texts_queue", "asked_texts", ["open", "later", "place", "newest_id"])
    op.create_index("ix_asked_texts_count", "asked_texts", ["open", "count", "newest_id"])
    op.create_index("ix_asked_texts_newest", "asked_texts", ["open", "newest_id"])
    op.create_index("ix_asked_texts_kinds", "asked_texts", ["open", "kind", "reason", "confidence"])


def _fill_asked_texts() -> None:
    best = (
        "d.ranking -> 0 ->> 'intent'"
        if op.get_bind().dialect.name == "postgresql"
        else "json_extract(d.ranking, '$[0].intent')"
    )
    labelled = "SELECT 1 FROM labels l WHERE l.text_key = m.text_key AND l.undone_at IS NULL AND l.kind"
    op.execute(
        "INSERT INTO asked_texts "  # noqa: S608 - nothing in it is typed by anybody
        "(text_key, normalised, count, first_id, newest_id, kind, reason, best, confidence, "
        "place, open, later) "
        f"SELECT m.text_key, m.normalised, asked.number, asked.first, m.id, d.kind, d.reason, {best}, d.confidence, "
        "asked.number * (d.confidence - 1.05), "
        f"NOT EXISTS ({labelled} <> 'skip'), EXISTS ({labelled} = 'skip') "
        "FROM (SELECT m.text_key, count(*) AS number, min(m.id) AS first, max(m.id) AS newest "
        "FROM messages m JOIN decisions d ON d.message_id = m.id "
        f"WHERE {ASKS} GROUP BY m.text_key) AS asked "
        "JOIN messages m ON m.id = asked.newest JOIN decisions d ON d.message_id = m.id"
    )
