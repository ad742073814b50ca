"""which label or exclusion took the place of a label

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Until now a label was superseded by the label, or taken out by the exclusion, that was made when it was undone.
SUPERSEDED = """
UPDATE labels SET superseded_by = (
    SELECT min(later.id) FROM labels AS later
    WHERE later.text_key = labels.text_key AND later.id > labels.id AND later.created_at = labels.undone_at
    AND (later.kind <> 'skip' OR labels.kind = 'skip')
) WHERE undone_at IS NOT NULL
"""
# A skip of a text that had an answer was undone when it was made.
IDLE_SKIPS = """
UPDATE labels SET superseded_by = (
    SELECT max(answer.id) FROM labels AS answer
    WHERE answer.text_key = labels.text_key AND answer.id < labels.id AND answer.kind <> 'skip'
    AND (answer.undone_at IS NULL OR answer.undone_at > labels.created_at)
) WHERE kind = 'skip' AND undone_at = created_at AND superseded_by IS NULL
"""
EXCLUDED = """
UPDATE labels SET excluded_by = (SELECT min(id) FROM exclusions WHERE exclusions.created_at = labels.undone_at)
WHERE undone_at IS NOT NULL AND superseded_by IS NULL
"""


def upgrade() -> None:
    # Plain SQL: Alembic adds no constraint to a column on SQLite without copying the whole table.
    for column, table in (("superseded_by", "labels"), ("excluded_by", "exclusions")):
        op.execute(
            f"ALTER TABLE labels ADD COLUMN {column} INTEGER "
            f"CONSTRAINT fk_labels_{column}_{table} REFERENCES {table} (id)"
        )
    for statement in (SUPERSEDED, IDLE_SKIPS, EXCLUDED):
        op.execute(statement)
    for column in ("superseded_by", "excluded_by"):
        op.create_index(op.f(f"ix_labels_{column}"), "labels", [column], unique=False)
