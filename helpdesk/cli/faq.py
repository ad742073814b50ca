"""`helpdesk faq`: the entries that are answered."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import say, with_database, write_out
from helpdesk.cli.faq_import import import_faq

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.records.shared_texts import SharedText
    from helpdesk.settings import Settings


@click.group()
def faq() -> None:
    """The FAQ: import, export, list, publish."""


@faq.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--encoding", default="", help="Of a text file. Default: found out.")
@click.option("--separator", default="", help="Of a CSV file: comma, semicolon, tab or bar. Default: found out.")
@click.option("--replace", is_flag=True, help="Remove phrasings that the file's entries have and the file has not.")
@click.option("--rename", is_flag=True, help="Rename entries that have the question of a new one of the file.")
@click.option("--skip-bad", is_flag=True, help="Import what is good of a file with bad rows or conflicting entries.")
@click.option(
    "--outside-as-entries",
    is_flag=True,
    help="Make entries of intents named oos, fallback, chitchat and the like, too.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option("--author", default="import", show_default=True, help="Who answers for the phrasings.")
@with_database
def faq_import(
    settings: "Settings",
    database: "Database",
    files: tuple[Path, ...],
    encoding: str,
    separator: str,
    author: str,
    **options: bool,
) -> None:
    """Add or update entries from CSV, .xlsx, JSON or the files of a Rasa assistant.

    Columns may have the usual names, in any order: question and answer are enough; so are text and intent.
    """
    from helpdesk.records.files.faq_files import ReadAs

    import_faq(settings, database, *files, read_as=ReadAs(encoding, separator), author=author, **options)


@faq.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(["csv", "json", "xlsx"]), help="Default: by file name, else CSV.")
@click.option("--excel", is_flag=True, help="Begin a CSV file with the mark by which Excel knows UTF-8.")
@with_database
def faq_export(settings: "Settings", database: "Database", file: Path | None, form: str | None, excel: bool) -> None:
    """Write all entries to FILE or standard output."""
    from helpdesk.records.faq import list_intents
    from helpdesk.records.files.faq_export import export_faq

    suffix = file.suffix.lower().removeprefix(".") if file is not None else ""
    with database.read() as session:
        data = export_faq(list_intents(session), form or (suffix if suffix in ("json", "xlsx") else "csv"), mark=excel)
    write_out(settings, database, data, file)


@faq.command("list")
@with_database
def faq_list(settings: "Settings", database: "Database") -> None:
    """One line an entry: slug, state (published, unanswered, draft), number of phrasings, question."""
    from helpdesk.records.faq import list_intents, state

    with database.read() as session:
        for intent in list_intents(session):
            say(f"{intent.slug}  {state(intent)}  {len(intent.phrasings)}  {intent.question}")


def _tell_shared(shared: "list[SharedText]") -> None:

    for text in shared:
        say(text.sentence())


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
        unanswered = ", without an answer: messages that ask it are not answered" if reached == "unanswered" else ""
        say(f"{slug} is {status}{unanswered}")
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
    say(f"{before} is {slug} now")


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
        say(f"{before} is part of {target.slug} now, which is {state(target)}")
