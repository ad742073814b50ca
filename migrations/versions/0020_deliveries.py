"""what is to be sent to other systems; a delivery id belongs to its conversation

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BEFORE = "CONSTRAINT uq_messages_channel_external_id UNIQUE (channel, external_id)"
AFTER = "CONSTRAINT uq_messages_conversation_id_external_id UNIQUE (conversation_id, external_id)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE messages ADD {AFTER}")
        op.execute("ALTER TABLE messages DROP CONSTRAINT uq_messages_channel_external_id")
    else:
        _change_on_sqlite()
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("receiver", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("reply_id", sa.Integer(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_by", sa.String(length=64), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("external_ref", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("message_id IS NULL OR reply_id IS NULL", name=op.f("ck_deliveries_subject")),
        sa.CheckConstraint(
            "(message_id IS NULL AND reply_id IS NULL) = (case_id IS NOT NULL)", name=op.f("ck_deliveries_case_id")
        ),
        sa.CheckConstraint("(case_id IS NULL) = (payload IS NOT NULL)", name=op.f("ck_deliveries_payload")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deliveries_case_id_cases")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_deliveries_message_id_messages")),
        sa.ForeignKeyConstraint(["reply_id"], ["case_replies.id"], name=op.f("fk_deliveries_reply_id_case_replies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("key", name=op.f("uq_deliveries_key")),
        sa.UniqueConstraint("case_id", "receiver", name="uq_deliveries_case_id_receiver"),
        sa.UniqueConstraint("message_id", "receiver", name="uq_deliveries_message_id_receiver"),
        sa.UniqueConstraint("reply_id", "receiver", name="uq_deliveries_reply_id_receiver"),
    )
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"])


def _change_on_sqlite() -> None:
    """SQLite changes no constraint, and dropping a table that others refer to needs a connection outside a transaction.
    So the constraint's text is replaced and its index, which follows the text, is built anew."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'messages'", (BEFORE, AFTER)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    connection.exec_driver_sql("REINDEX messages")
