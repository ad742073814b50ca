"""`helpdesk golden`: what must always be answered so, and what must never be answered."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.group()
def golden() -> None:
    """Golden phrases: a new version that breaks a promise kept today does not go live."""


@golden.command("add")
@click.argument("text")
@click.option("--answer", "slug", metavar="SLUG", help="The FAQ that must always answer TEXT.")
@click.option("--never", is_flag=True, help="TEXT must never be answered.")
@with_database
def add(settings: "Settings", database: "Database", text: str, slug: str | None, never: bool) -> None:
    """Promise what TEXT is answered with."""
    from helpdesk.records import golden as records
    from helpdesk.records.audit_log import COMMAND_LINE

    if (slug is None) != never:
        raise click.UsageError("expected one of --answer SLUG and --never")
    with database.write() as session:
        number = records.add(session, text, intent=slug, author=COMMAND_LINE, redact=settings.redactor)
        text = next(phrase.text for phrase in records.read(session) if phrase.id == number)
    say(f"golden phrase {number}: {text!r} is {_promise(slug)}")


@golden.command("list")
@with_database
def list_golden(settings: "Settings", database: "Database") -> None:
    """One line a promise: its number, what was promised, the text."""
    from helpdesk.records import golden as records
    from helpdesk.text import visible

    with database.read() as session:
        phrases = records.read(session)
    for phrase in phrases:
        say(f"{phrase.id:>4}  {_promise(phrase.intent)}: {visible(phrase.text)}")


@golden.command("remove")
@click.argument("golden_id", metavar="ID", type=NUMBER)
@with_database
def remove(settings: "Settings", database: "Database", golden_id: int) -> None:
    """Take a promise back."""
    from helpdesk.records import golden as records
    from helpdesk.records.audit_log import COMMAND_LINE

    with database.write() as session:
        records.remove(session, golden_id, author=COMMAND_LINE)
    say(f"golden phrase {golden_id} is removed")


def _promise(slug: str | None) -> str:
    return "never answered" if slug is None else f"always answered with {slug}"
