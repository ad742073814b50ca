"""`helpdesk faq`: the entries that are answered."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import with_database, write_out

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.records.shared_texts import SharedText
    from helpdesk.settings import Settings


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
    from helpdesk.records.shared_texts import shared_texts

    found = read_faq(file)
    if not skip_bad:
        found.require_good()
    for line, reason in found.bad_rows:
        click.echo(f"skipped line {line}: {reason}", err=True)
    with database.write() as session:
        stored = store_entries(session, found.entries, author=author)
        shared = shared_texts(session, [entry.slug for entry in found.entries])
    click.echo(stored.sentence())
    for slug in stored.replaced:
        click.echo(f"{slug} had another answer; it has the one of the file now")
    _tell_shared(shared)


def _tell_shared(shared: "list[SharedText]") -> None:
    from helpdesk.text import visible

    for text in shared:
        click.echo(visible(text.sentence()))


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
    write_out(text, file)


@faq.command("list")
@with_database
def faq_list(settings: "Settings", database: "Database") -> None:
    """One line an entry: slug, state (published, unanswered, draft), number of phrasings, question."""
    from helpdesk.records.faq import list_intents, state

    with database.read() as session:
        for intent in list_intents(session):
            click.echo(f"{intent.slug}  {state(intent)}  {len(intent.phrasings)}  {intent.question}")


def _status_command(name: str, status: str, text: str) -> None:
    @faq.command(name, help=text)
    @click.argument("slug")
    @with_database
    def change(settings: "Settings", database: "Database", slug: str) -> None:
        from helpdesk.records.faq import set_status, state
        from helpdesk.records.shared_texts import shared_texts

        with database.write() as session:
            reached = state(set_status(session, slug, status=status, author="command line"))
            shared = shared_texts(session, [slug])
        unanswered = ", without an answer: messages that ask it are handed over" if reached == "unanswered" else ""
        click.echo(f"{slug} is {status}{unanswered}")
        _tell_shared(shared)


_status_command("publish", "published", "Let an entry be answered.")
_status_command("unpublish", "draft", "Take an entry out of service at once.")


@faq.command("rename")
@click.argument("old")
@click.argument("new")
@with_database
def faq_rename(settings: "Settings", database: "Database", old: str, new: str) -> None:
    """Give the entry OLD the slug NEW. What bundles, the log and files call OLD goes on meaning it."""
    from helpdesk.records.faq import find_intent
    from helpdesk.records.names import rename

    with database.write() as session:
        intent = find_intent(session, old)
        before = intent.slug
        slug = rename(session, intent, new, author="command line")
    click.echo(f"{before} is {slug} now")


@faq.command("merge")
@click.argument("source", metavar="FROM")
@click.argument("into")
@with_database
def faq_merge(settings: "Settings", database: "Database", source: str, into: str) -> None:
    """Give phrasings, labels and golden phrases of the entry FROM to INTO, whose question and answer stay."""
    from helpdesk.records.faq import find_intent, state
    from helpdesk.records.names import merge

    with database.write() as session:
        gone, target = find_intent(session, source), find_intent(session, into)
        before = gone.slug
        merge(session, gone, target, author="command line")
        click.echo(f"{before} is part of {target.slug} now, which is {state(target)}")
