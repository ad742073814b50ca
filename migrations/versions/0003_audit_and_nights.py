"""the odds of the audit sample, and a row for every night

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain SQL: Alembic adds no constraint to a column on SQLite without copying the whole table.
    op.execute(
        f"ALTER TABLE decisions ADD COLUMN audit_odds {_double()} "
        "CONSTRAINT ck_decisions_audit_odds CHECK (audit_odds > 0 AND audit_odds <= 1)"
    )
    drawn = sa.text("audit_odds IS NOT NULL")
    op.create_index("ix_decisions_audit", "decisions", ["message_id"], sqlite_where=drawn, postgresql_where=drawn)
    op.create_index(op.f("ix_messages_created_at"), "messages", ["created_at"], unique=False)
    op.create_table(
        "nights",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("promoted_kind", sa.String(length=16), nullable=True),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("holdout_rows", sa.Integer(), nullable=True),
        sa.Column("holdout_right", sa.Integer(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("wrong_share", sa.Double(), nullable=True),
        sa.Column("wrong_low", sa.Double(), nullable=True),
        sa.Column("wrong_high", sa.Double(), nullable=True),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.CheckConstraint("verdict IN ('promoted', 'kept', 'failed')", name=op.f("ck_nights_verdict")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_nights_version_id_versions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nights")),
    )


def _double() -> str:
    return sa.Double().compile(dialect=op.get_bind().dialect)
