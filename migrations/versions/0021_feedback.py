"""feedback on messages, what was told, follow-ups of entries

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=16), nullable=False),
        sa.Column("chosen", sa.String(length=128), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "said IN ('helpful', 'not_helpful', 'chosen', 'none_of_these')", name=op.f("ck_feedback_said")
        ),
        sa.CheckConstraint("(said = 'chosen') = (chosen IS NOT NULL)", name=op.f("ck_feedback_chosen")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_feedback_message_id_messages")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_feedback")),
    )
    op.add_column("decisions", sa.Column("told", sa.JSON(), nullable=True))
    op.add_column("intents", sa.Column("follow_ups", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("asked_texts", sa.Column("disliked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_asked_texts_disliked", "asked_texts", ["disliked", "open"])
    op.drop_index("ix_asked_texts_kinds", "asked_texts")
    op.create_index("ix_asked_texts_kinds", "asked_texts", ["open", "kind", "reason", "confidence", "disliked"])
