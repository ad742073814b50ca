"""messages by when they came, with their channel: conversations are searched and reports counted in that order

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_messages_created_at_id", "messages", ["created_at", "id", "channel"])
    op.drop_index(op.f("ix_messages_created_at"), "messages")
