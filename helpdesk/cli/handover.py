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
    """Send a made-up case to each receiver that is set up, and say what came of it; ends with 1 when one failed."""
    from helpdesk.channels.trial import try_receivers
    from helpdesk.errors import NotFoundError

    results = try_receivers(settings)
    if not results:
        raise NotFoundError("no receiver is set up; docs/how-to/connect-a-ticket-system.md says how")
    for name, error, reference in results:
        click.echo(f"{name}: " + (f"failed, {error}" if error else f"sent, {reference}"))
    if any(error for _, error, _ in results):
        raise click.exceptions.Exit(1)
