"""conversations that are handed over to people, their replies, urgent entries, and what was said about people

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('answer', 'clarify', 'fallback', 'handoff', 'smalltalk')"
AFTER = "kind IN ('answer', 'clarify', 'fallback', 'handoff', 'smalltalk', 'person')"
STAGES = "ck_decisions_stage CHECK (stage IN ('rephrase', 'handed_over', 'contact', 'taken'))"
REASONS = (
    "reason IN ('asked', 'no_answer', 'two_failed_tries', 'none_of_these', 'thumbs_down', 'flagged', "
    "'language', 'urgent')"
)


def upgrade() -> None:
    op.add_column("intents", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    # As SQL, because SQLite takes a CHECK only together with the column that it is of.
    op.execute(f"ALTER TABLE decisions ADD COLUMN stage VARCHAR(16) CONSTRAINT {STAGES}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE decisions DROP CONSTRAINT ck_decisions_kind")
        op.execute(f"ALTER TABLE decisions ADD CONSTRAINT ck_decisions_kind CHECK ({AFTER})")
    else:
        _widen_on_sqlite()
    _create_cases()


def _widen_on_sqlite() -> None:
    """As in 0009: a CHECK has no trace in the stored rows, so its text may be replaced."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'decisions'", (BEFORE, AFTER)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("taken_by", sa.String(length=80), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(REASONS, name=op.f("ck_cases_reason")),
        sa.CheckConstraint("state IN ('open', 'taken', 'closed')", name=op.f("ck_cases_state")),
        sa.CheckConstraint("(state = 'open') = (taken_by IS NULL)", name=op.f("ck_cases_taken_by")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_cases_closed_at")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_cases_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_cases_message_id_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_conversation_id"), "cases", ["conversation_id"])
    op.create_index(op.f("ix_cases_message_id"), "cases", ["message_id"])
    op.create_index("ix_cases_state_urgent_opened_at", "cases", ["state", "urgent", "opened_at"])
    not_closed = sa.text("state <> 'closed'")
    op.create_index(
        "uq_cases_conversation_not_closed",
        "cases",
        ["conversation_id"],
        unique=True,
        sqlite_where=not_closed,
        postgresql_where=not_closed,
    )
    op.create_table(
        "case_replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_replies_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_replies")),
        sa.UniqueConstraint("token", name=op.f("uq_case_replies_token")),
    )
    op.create_index(op.f("ix_case_replies_case_id"), "case_replies", ["case_id"])
