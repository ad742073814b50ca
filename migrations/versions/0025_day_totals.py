"""messages counted by day, so that reports and metrics do not read them all

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counted_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("so_far", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_counted_days")),
    )
    op.create_table(
        "day_totals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("intent", sa.String(128)),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["day"], ["counted_days.day"], name=op.f("fk_day_totals_day_counted_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_totals")),
    )
    op.create_index("ix_day_totals_day", "day_totals", ["day"])
