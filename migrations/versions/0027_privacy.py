"""certificates of what was erased

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(80), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("traces", sa.JSON()),
        sa.Column("clean_version_id", sa.Integer()),
        sa.Column("clean_at", sa.DateTime(timezone=True)),
        sa.Column("compacted_at", sa.DateTime(timezone=True)),
        sa.Column("purged_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("scope IN ('sender', 'conversation', 'message')", name=op.f("ck_erasures_scope")),
        sa.ForeignKeyConstraint(
            ["clean_version_id"], ["versions.id"], name=op.f("fk_erasures_clean_version_id_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
