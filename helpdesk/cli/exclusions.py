"""`helpdesk exclusions`: the sources that teach nothing any more."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.group(invoke_without_command=True)
@click.pass_context
def exclusions(context: click.Context) -> None:
    """List what `helpdesk retrain --without ... --promote` leaves out for good."""
    if context.invoked_subcommand is None:
        _list()


@exclusions.command("lift")
@click.argument("exclusion_id", type=NUMBER)
@with_database
def lift(settings: "Settings", database: "Database", exclusion_id: int) -> None:
    """Let the rows of an exclusion teach again; labels it undid stay undone."""
    from helpdesk.records import exclusions as records
    from helpdesk.records.audit_log import COMMAND_LINE

    with database.write() as session:
        row = records.lift(session, exclusion_id, author=COMMAND_LINE)
    say(f"exclusion {exclusion_id} ({row.field}={row.value}) is lifted; its rows teach again, labels stay undone")


@with_database
def _list(settings: "Settings", database: "Database") -> None:
    from helpdesk.records.exclusions import Exclusion, count_rows, standing

    with database.read() as session:
        for row in standing(session):
            exclusion = Exclusion(row.field, row.value, row.since)
            when = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
            say(f"{row.id:>4}  {exclusion}  {count_rows(session, row)} rows, by {row.author} on {when}")
