"""an index of the messages with a text in their order: the oldest that is left is found without reading them all

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_messages_text_key_id", "messages", ["text_key", "id"])
    op.drop_index("ix_messages_text_key", "messages")
