"""indexes by which the deletion of a message reads neither all asked texts nor all deliveries, which refer to messages

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_asked_texts_first_id", "asked_texts", ["first_id"])
    op.create_index("ix_asked_texts_newest_id", "asked_texts", ["newest_id"])
    op.create_index("ix_deliveries_message_id", "deliveries", ["message_id"])
    op.create_index("ix_deliveries_case_id", "deliveries", ["case_id"])
