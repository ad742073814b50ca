"""roles of staff, and the log of who changed what

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CHECK = "ck_staff_role CHECK (role IN ('viewer', 'labeller', 'editor', 'admin'))"


def upgrade() -> None:
    # As SQL, because SQLite takes a CHECK only together with the column that it is of.
    op.execute(f"ALTER TABLE staff ADD COLUMN role VARCHAR(16) DEFAULT 'admin' NOT NULL CONSTRAINT {CHECK}")
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_author"), "audit_log", ["author"])
    op.create_index(op.f("ix_audit_log_action"), "audit_log", ["action"])
