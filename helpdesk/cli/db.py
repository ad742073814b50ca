"""`helpdesk db`: the schema."""

import click

from helpdesk.cli.common import say


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def upgrade() -> None:
    """Bring the schema to the newest migration."""
    from helpdesk.home import require_home
    from helpdesk.records.database import open_database
    from helpdesk.records.database import upgrade as migrate
    from helpdesk.settings import load_settings

    settings = load_settings()
    require_home(settings)
    database = open_database(settings)
    try:
        migrate(database)
        say(f"{database.dialect} is at revision {database.ping()['revision']}")
    finally:
        database.close()
