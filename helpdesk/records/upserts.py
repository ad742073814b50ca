"""INSERT with ON CONFLICT, which SQLAlchemy keeps with each database. Of the two, the one that is used is loaded."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def upsert(dialect: str, table: Any) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT of the database with this name that can say what happens to a row that is there."""
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)
