"""what the card of a label showed, so that a form that is sent twice stores one label, and what it published

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("labels", sa.Column("seen", sa.Integer(), nullable=True))
    op.add_column("labels", sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("uq_labels_text_staff_seen", "labels", ["text_key", "staff_id", "seen"], unique=True)
