"""Commands about what is stored: the database, the FAQ, the logins."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


NUMBER = click.IntRange(1, 2**31 - 1)  # an id


def with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the settings and an open database as its first two arguments."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from helpdesk.records.database import open_database
        from helpdesk.settings import load_settings

        settings = load_settings()
        database = open_database(settings)
        try:
            command(settings, database, *args, **options)
        finally:
            database.close()

    return run


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@with_database
def db_upgrade(settings: "Settings", database: "Database") -> None:
    """Bring the schema to the newest migration."""
    from helpdesk.records.database import upgrade

    upgrade(database)
    click.echo(f"{database.dialect} is at revision {database.ping()['revision']}")


@click.group()
def faq() -> None:
    """The FAQ: import, export, list, publish."""


@faq.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--skip-bad", is_flag=True, help="Import the good rows of a file that has bad ones.")
@click.option("--author", default="import", show_default=True, help="Who answers for the phrasings.")
@with_database
def faq_import(settings: "Settings", database: "Database", file: Path, skip_bad: bool, author: str) -> None:
    """Add or update entries from CSV (intent,question,answer,phrasing[,locale,tags] or text,intent) or JSON."""
    from helpdesk.text import visible

    import_faq(database, file, skip_bad=skip_bad, author=visible(author)[:80])


def import_faq(database: "Database", file: Path, *, skip_bad: bool, author: str) -> None:
    """Store a FAQ file's entries and say what changed. Raises BadRowsError unless bad rows may be skipped."""
    from helpdesk.records.faq import store_entries
    from helpdesk.records.files.faq_files import read_faq

    found = read_faq(file)
    if not skip_bad:
        found.require_good()
    for line, reason in found.bad_rows:
        click.echo(f"skipped line {line}: {reason}", err=True)
    with database.write() as session:
        stored = store_entries(session, found.entries, author=author)
    click.echo(stored.sentence())


@faq.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default=None, help="Default: by file name.")
@with_database
def faq_export(settings: "Settings", database: "Database", file: Path | None, form: str | None) -> None:
    """Write all entries to FILE or standard output."""
    from helpdesk.records.faq import list_intents
    from helpdesk.records.files.faq_files import write_csv, write_json

    as_json = form == "json" or (form is None and file is not None and file.suffix.lower() == ".json")
    with database.read() as session:
        text = (write_json if as_json else write_csv)(list_intents(session))
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")


@faq.command("list")
@with_database
def faq_list(settings: "Settings", database: "Database") -> None:
    """One line an entry: slug, status, number of phrasings, question."""
    from helpdesk.records.faq import list_intents

    with database.read() as session:
        for intent in list_intents(session):
            click.echo(f"{intent.slug}  {intent.status}  {len(intent.phrasings)}  {intent.question}")


def _status_command(name: str, status: str, text: str) -> None:
    @faq.command(name, help=text)
    @click.argument("slug")
    @with_database
    def change(settings: "Settings", database: "Database", slug: str) -> None:
        from helpdesk.records.faq import set_status

        with database.write() as session:
            set_status(session, slug, status=status, author="command line")
        click.echo(f"{slug} is {status}")


_status_command("publish", "published", "Let an entry be answered.")
_status_command("unpublish", "draft", "Take an entry out of service at once.")


@click.group()
def staff() -> None:
    """Logins of the labelling page."""


@staff.command("add")
@click.argument("name")
@click.password_option()
@with_database
def staff_add(settings: "Settings", database: "Database", name: str, password: str) -> None:
    """Make a login."""
    from helpdesk.records.staff import add_staff

    with database.write() as session:
        add_staff(session, name, password=password)
    click.echo(f"{name} may log in")


@staff.command("password")
@click.argument("name")
@click.password_option()
@with_database
def staff_password(settings: "Settings", database: "Database", name: str, password: str) -> None:
    """Change a password; every session of that login ends."""
    from helpdesk.records.staff import set_password

    with database.write() as session:
        set_password(session, name, password=password)
    click.echo(f"the password of {name} is changed")
