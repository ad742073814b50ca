"""indexes by which pages read neither all messages nor whole decisions

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_decisions_kind_message_id", "decisions")
    op.create_index(
        "ix_decisions_kind_message_id", "decisions", ["kind", "message_id", "reason", "version_id", "intent"]
    )
    op.drop_index("ix_asked_texts_disliked", "asked_texts")
    op.create_index(
        "ix_asked_texts_disliked",
        "asked_texts",
        ["disliked", "open", "kind", "confidence", "reason"],
        sqlite_where=sa.text("disliked = 1 AND open = 1"),
        postgresql_where=sa.text("disliked AND open"),
    )
