"""what comes to a case after it was sent is delivered too

Rules: one change, one transaction; runs on SQLite and PostgreSQL; never edits a table that is append-only;
data moves are restartable. The test suite upgrades to head on both and fails when the tables differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ABOUT = "case_id IS NOT NULL OR message_id IS NOT NULL OR reply_id IS NOT NULL"
PAYLOAD = "(case_id IS NULL OR message_id IS NOT NULL) = (payload IS NOT NULL)"
UNIQUE = {"case_id": "message_id IS NULL", "message_id": "case_id IS NULL"}


def upgrade() -> None:
    with op.batch_alter_table("deliveries") as table:  # no other table refers to it
        for column in UNIQUE:
            table.drop_constraint(f"uq_deliveries_{column}_receiver", type_="unique")
        for name in ("case_id", "payload"):
            table.drop_constraint(op.f(f"ck_deliveries_{name}"), type_="check")
        table.create_check_constraint(op.f("ck_deliveries_about"), ABOUT)
        table.create_check_constraint(op.f("ck_deliveries_case_id"), "case_id IS NULL OR reply_id IS NULL")
        table.create_check_constraint(op.f("ck_deliveries_payload"), PAYLOAD)
    for column, where in UNIQUE.items():
        name, condition = f"uq_deliveries_{column}_receiver", sa.text(where)
        op.create_index(
            name,
            "deliveries",
            [column, "receiver"],
            unique=True,
            sqlite_where=condition,
            postgresql_where=condition,
        )
