"""who looks at which card of the labelling desk

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "card_leases",
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("text_key", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_card_leases_staff_id_staff")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_card_leases")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_card_leases_staff_id")),
        sa.UniqueConstraint("text_key", name=op.f("uq_card_leases_text_key")),
    )
