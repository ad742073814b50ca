"""conversations keep the newest promotion that they were answered under; heartbeats name the copied bundles

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("promotion_id", sa.Integer()))
    op.add_column("heartbeats", sa.Column("copies", sa.JSON()))
