"""what a night finds for the desk: texts that are surely answered now, and faults of the FAQ

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0018"
branch_labels = None
depends_on = None

_ANSWERED = sa.text("answered_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("asked_texts", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("asked_texts", sa.Column("answer", sa.String(length=128), nullable=True))
    op.add_column("asked_texts", sa.Column("answer_confidence", sa.Float(), nullable=True))
    op.add_column("asked_texts", sa.Column("put_back", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_asked_texts_answered",
        "asked_texts",
        ["answered_at"],
        sqlite_where=_ANSWERED,
        postgresql_where=_ANSWERED,
    )
    op.create_table(
        "data_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows_hash", sa.String(length=64), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_checks")),
    )
