"""`helpdesk erase`, `prune` and `export-person`: what is kept of people, and until when."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, say, with_database, write_out

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.records.erasure import ErasureScope
    from helpdesk.settings import Settings


@click.command()
@click.option("--sender", help="Erase everything of this sender.")
@click.option("--channel", help="With --sender: on this channel only.")
@click.option("--conversation", type=NUMBER, metavar="ID", help="Erase one conversation.")
@click.option("--message", type=NUMBER, metavar="ID", help="Erase one message.")
@click.option("--status", is_flag=True, help="Show every erasure, and what of it is still to come.")
@with_database
def erase(
    settings: "Settings",
    database: "Database",
    sender: str | None,
    channel: str | None,
    conversation: int | None,
    message: int | None,
    status: bool,
) -> None:
    """Erase what somebody wrote and what was made of it; print the certificate. Nights finish it."""
    if status:
        _show_status(database)
        return
    from helpdesk.learning.night.erasures import follow_erasures
    from helpdesk.records import erasure
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.certificates import certificate
    from helpdesk.records.tables import ErasureRow

    wanted = _wanted(sender, channel, conversation, message)
    with database.write() as session:
        number = erasure.erase(session, wanted, author=COMMAND_LINE, home=settings.home).id
    follow_erasures(settings, database)
    with database.read() as session:
        row = session.get_one(ErasureRow, number)
        click.echo(json.dumps(certificate(row), indent=1, ensure_ascii=False))
    rest = "" if row.purged_at else "; the next night builds a version without it"
    say(f"restart the server to empty its memory{rest}", err=True)


def _wanted(sender: str | None, channel: str | None, conversation: int | None, message: int | None) -> "ErasureScope":
    from helpdesk.records import erasure

    if sum(value is not None for value in (sender, conversation, message)) != 1:
        raise click.UsageError("expected one of --sender S, --conversation ID, --message ID and --status")
    if channel is not None and sender is None:
        raise click.UsageError("--channel goes with --sender")
    if sender is not None:
        return erasure.ErasureScope(erasure.SENDER, sender=sender, channel=channel)
    if conversation is not None:
        return erasure.ErasureScope(erasure.CONVERSATION, number=conversation)
    return erasure.ErasureScope(erasure.MESSAGE, number=message or 0)


def _show_status(database: "Database") -> None:
    from helpdesk.records import erasure

    with database.read() as session:
        rows = erasure.list_erasures(session)
    for row in rows:
        steps = {"pages overwritten": row.compacted_at, "clean version": row.clean_at, "last copy": row.purged_at}
        said = ", ".join(f"{what} {at:%Y-%m-%d %H:%M}" if at else f"{what}: waiting" for what, at in steps.items())
        say(f"{row.id:>4}  {row.erased_at:%Y-%m-%d %H:%M}  {row.scope} by {row.author}: {said}")
    if not rows:
        say("nothing was erased yet")


@click.command()
@with_database
def prune(settings: "Settings", database: "Database") -> None:
    """Delete messages older than HELPDESK_RETENTION_DAYS with all that hangs on them, as each night does."""
    from helpdesk.errors import BadInputError
    from helpdesk.learning.night.erasures import prune as prune_old

    if settings.retention_days is None:
        raise BadInputError("HELPDESK_RETENTION_DAYS is empty: messages stay for ever; expected a number of days")
    counts = prune_old(settings, database)
    say(", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items()) or "nothing was that old")


@click.command("export-person")
@click.option("--sender", required=True, help="Whose data.")
@click.option("--channel", help="On this channel only.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@with_database
def export_person(
    settings: "Settings", database: "Database", sender: str, channel: str | None, file: Path | None
) -> None:
    """Write everything that is stored about a sender as JSON, to FILE or standard output."""
    from helpdesk.records.person_export import export_person as read_person

    with database.read() as session:
        found = read_person(session, sender, channel=channel)
    write_out(settings, database, json.dumps(found, indent=1, ensure_ascii=False) + "\n", file)
