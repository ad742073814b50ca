"""training rows of other kinds than labelled phrasings"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "examples",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text_key", sa.String(length=32), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=True),
        sa.Column("third", sa.String(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('positive', 'scored', 'similar', 'triplet', 'unlabelled')", name=op.f("ck_examples_kind")
        ),
        sa.CheckConstraint("(kind = 'unlabelled') = (second IS NULL)", name=op.f("ck_examples_second")),
        sa.CheckConstraint("(kind = 'triplet') = (third IS NOT NULL)", name=op.f("ck_examples_third")),
        sa.CheckConstraint("(kind IN ('scored', 'similar')) = (value IS NOT NULL)", name=op.f("ck_examples_value")),
        sa.CheckConstraint("value IS NULL OR (value >= 0 AND value <= 1)", name=op.f("ck_examples_value_range")),
        sa.CheckConstraint("kind <> 'similar' OR value = 0 OR value = 1", name=op.f("ck_examples_similar")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examples")),
        sa.UniqueConstraint("kind", "text_key", name="uq_examples_kind_text"),
    )
    with op.batch_alter_table("examples", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_examples_source"), ["source"], unique=False)
