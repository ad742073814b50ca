"""vectors of phrasings that were added by day, so that each is encoded once

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "addition_vectors",
        sa.Column("encoder", sa.String(64), nullable=False),
        sa.Column("text_key", sa.String(32), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("encoder", "text_key", name=op.f("pk_addition_vectors")),
    )
    op.create_index("ix_addition_vectors_text_key", "addition_vectors", ["text_key"])
