"""faq_revisions: every entry after every change of it; entries may be archived or deleted

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BEFORE = "status IN ('published', 'draft')"
AFTER = "status IN ('published', 'draft', 'archived', 'deleted')"
FIELDS = ("question", "answer", "status", "locale", "tags")


def upgrade() -> None:
    op.create_table(
        "faq_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("intent_id", sa.Integer(), nullable=True),
        sa.Column("slug", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["intents.id"], name=op.f("fk_faq_revisions_intent_id_intents"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faq_revisions")),
    )
    op.create_index(op.f("ix_faq_revisions_intent_id"), "faq_revisions", ["intent_id"])
    op.create_index(op.f("ix_faq_revisions_slug"), "faq_revisions", ["slug"])
    op.create_index(op.f("ix_labels_intent_id"), "labels", ["intent_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE intents DROP CONSTRAINT ck_intents_status")
        op.execute(f"ALTER TABLE intents ADD CONSTRAINT ck_intents_status CHECK ({AFTER})")
    else:
        _widen_on_sqlite()
    _begin_histories()


def _widen_on_sqlite() -> None:
    """SQLite changes no constraint, and a copy of the table is made without its other ones. A CHECK has no trace in the
    stored rows, so its text may be replaced: https://www.sqlite.org/lang_altertable.html#otheralter."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'intents'", (BEFORE, AFTER)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _begin_histories() -> None:
    """The history of an entry that is there begins with what it is."""
    connection = op.get_bind()
    intents = sa.Table("intents", sa.MetaData(), autoload_with=connection)
    phrasings = sa.Table("phrasings", sa.MetaData(), autoload_with=connection)
    revisions = sa.Table("faq_revisions", sa.MetaData(), autoload_with=connection)
    texts: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(phrasings).order_by(phrasings.c.id)):
        texts[row.intent_id].append([row.text, row.source, row.author])
    for row in connection.execute(sa.select(intents).order_by(intents.c.id)).all():
        entry = {name: getattr(row, name) for name in FIELDS}
        entry["tags"] = json.loads(entry["tags"]) if isinstance(entry["tags"], str) else entry["tags"]
        entry["phrasings"] = texts[row.id]
        written = {"intent_id": row.id, "slug": row.slug, "action": "kept", "author": "", "entry": entry}
        connection.execute(revisions.insert(), written | {"created_at": row.updated_at})
