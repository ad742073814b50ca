"""columns and tables under the names of the field: inclusion probability, split, heartbeats

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RENAMED = (("decisions", "audit_odds", "inclusion_probability"), ("labels", "side", "split"))


def upgrade() -> None:
    for table, old, new in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
        if op.get_bind().dialect.name == "postgresql":  # SQLite cannot, and refers to no constraint by its name
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT ck_{table}_{old} TO ck_{table}_{new}")
    op.execute("ALTER TABLE leases DROP COLUMN beat_at")
    _heartbeats()


def _heartbeats() -> None:
    """A new table for the old one, whose keys could not be renamed on SQLite; what lives is not forgotten."""
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("refused_promotion_id", sa.Integer(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_heartbeats_version_id_versions")),
        sa.ForeignKeyConstraint(
            ["refused_promotion_id"], ["promotions.id"], name=op.f("fk_heartbeats_refused_promotion_id_promotions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("host", "process_id", name="uq_heartbeats_host_process_id"),
    )
    op.execute(
        "INSERT INTO heartbeats (host, process_id, version_id, refused_promotion_id, seen_at) "
        "SELECT host, process_id, version_id, refused_promotion_id, seen_at FROM servings"
    )
    op.drop_table("servings")
    op.create_index(op.f("ix_heartbeats_seen_at"), "heartbeats", ["seen_at"], unique=False)
