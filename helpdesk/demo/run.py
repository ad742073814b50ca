"""A temporary helpdesk in which a month has gone by, served."""

import os
import secrets
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import click

from helpdesk.demo.month import DAYS_PLAYED, play_month
from helpdesk.demo.people import FORMER, PEOPLE, hire
from helpdesk.new_home import set_up
from helpdesk.progress import Reporter
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import open_database
from helpdesk.server import exec_server, require_port
from helpdesk.settings import Settings, temporary_environment, temporary_settings


def run_demo(*, port: int | None, progress: Reporter) -> None:
    """Set up a temporary home, play a month into it, serve it. The folder is left for the system to clean.

    Whatever home or database is configured stays as it is, for the web processes too.
    """
    given = {} if port is None else {"port": port}
    require_port(temporary_settings(Path(tempfile.gettempdir()), **given))  # told before minutes of work, not after
    home = Path(tempfile.mkdtemp(prefix="helpdesk-demo-"))
    settings = temporary_settings(home, **given)
    os.environ.update(temporary_environment(home))
    _fill(settings, began=now() - timedelta(days=DAYS_PLAYED), progress=progress)
    exec_server(settings)


def _fill(settings: Settings, *, began: datetime, progress: Reporter) -> None:
    """Set the home up as of a moment, and play from then until now; the logins are printed."""
    database = open_database(settings)
    with simulated_time() as clock:
        clock.set(began)
        for line in set_up(settings, database, starter_faq=True, progress=progress):
            click.echo(line)
        password = secrets.token_urlsafe(12)
        staff_ids = hire(database, password=password)
        others = ", ".join(f"{name} ({role})" for name, role in PEOPLE.items() if name != FORMER)
        click.echo(f"more logins, all with the password {password}: {others}")
        with progress as report:
            play_month(settings, database, staff_ids=staff_ids, began=began, clock=clock, report=report)
    database.close()
