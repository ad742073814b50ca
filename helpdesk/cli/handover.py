"""`helpdesk deliver` and `helpdesk handover`: send what is due, and try the receivers of cases."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.command()
@with_database
def deliver(settings: "Settings", database: "Database") -> None:
    """Send what is due to other systems once, as web processes do all the time; ends with 1 when something failed."""
    from helpdesk.channels.courier import Courier
    from helpdesk.records.deliveries import count_by_state

    sent, failed = Courier(database, settings).send_due()
    with database.read() as session:
        counts = count_by_state(session)
    click.echo(f"{sent} sent, {failed} failed; {counts['waiting']} wait, {counts['dead']} dead")
    if failed:
        raise click.exceptions.Exit(1)


@click.group()
def handover() -> None:
    """The receivers of cases."""


@handover.command("test")
@with_database
def test_receivers(settings: "Settings", database: "Database") -> None:
    """Send a made-up case to each receiver that is set up, ask each chat who we are there, and say what came of it.

    Ends with 1 when one failed.
    """
    from helpdesk.channels.trial import try_chats, try_receivers
    from helpdesk.errors import NotFoundError
    from helpdesk.text import visible

    results = [*try_receivers(settings), *try_chats(settings)]
    if not results:
        raise NotFoundError("no receiver is set up; docs/how-to/connect-a-ticket-system.md says how")
    for trial in results:
        click.echo(visible(f"{trial.name}: " + (f"failed, {trial.failed}" if trial.failed else trial.told)))
    if any(trial.failed for trial in results):
        raise click.exceptions.Exit(1)
