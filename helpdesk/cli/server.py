"""`helpdesk init`, `serve`, `demo`, `config`: from nothing to a running service."""

import click

from helpdesk.cli.common import progress_bars, say


@click.command()
@click.option("--empty", is_flag=True, help="Do not load the starter FAQ.")
def init(empty: bool) -> None:
    """Migrate, load the starter FAQ, make a login and build the first bundle; what exists is kept."""
    from helpdesk.new_home import set_up
    from helpdesk.records.database import open_database
    from helpdesk.settings import load_settings

    settings = load_settings()
    database = open_database(settings)
    try:
        for line in set_up(settings, database, starter_faq=not empty, progress=progress_bars()):
            say(line)
    finally:
        database.close()


@click.command()
def serve() -> None:
    """Serve webhook, chat page and labelling page with gunicorn.

    Without its PostgreSQL it says 503 until that is there.
    """
    from helpdesk.errors import DatabaseFault, UnavailableError
    from helpdesk.home import open_home, tenant_homes
    from helpdesk.new_home import missing
    from helpdesk.server import exec_server
    from helpdesk.settings import load_settings

    settings = load_settings()
    if settings.tenants is not None:
        say(f"tenants         {', '.join(tenant_homes(settings)) or 'none yet'}")
        exec_server(settings)
    try:
        database = open_home(settings)
    except UnavailableError as error:
        if error.fault != DatabaseFault.ABSENT:
            raise
        say(f"{error}; every message gets a 503 until it is there", err=True)
    else:
        for line in missing(database):
            say(line, err=True)
        database.close()
    exec_server(settings)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port to listen on.")
def demo(port: int | None) -> None:
    """Serve a temporary copy in which a month of messages, labels and edits has gone by."""
    from helpdesk.demo.run import run_demo

    run_demo(port=port, progress=progress_bars())


@click.command()
def config() -> None:
    """Print every setting in force, secrets hidden."""
    from helpdesk.settings import load_settings

    settings = load_settings()
    for name, field in type(settings).model_fields.items():
        say(f"HELPDESK_{name.upper()}={getattr(settings, name)}  # {field.description}")
