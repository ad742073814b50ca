"""Runs migrations on the connection that `helpdesk db upgrade` hands over, in its transaction."""

from typing import Literal

from alembic import context

from helpdesk.records.tables import Table, UtcDateTime


def render(kind: str, item: object, context: object) -> str | Literal[False]:
    """Write our datetime type as the plain one, so that old migrations do not depend on today's code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
