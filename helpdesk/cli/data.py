"""Commands about what is learnt from: every kind of training data, in and out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.check import check
from helpdesk.cli.common import say, with_database, write_out
from helpdesk.cli.faq_import import import_faq

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.group()
def data() -> None:
    """Training data of every kind: import, list, export, remove."""


@data.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--skip-bad", is_flag=True, help="Import the good rows of a file that has bad ones.")
@click.option("--source", default=None, help="Where pairs, triplets and messages come from. Default: the file's name.")
@click.option("--author", default="import", show_default=True, help="Who answers for the rows.")
@with_database
def data_import(
    settings: "Settings", database: "Database", file: Path, skip_bad: bool, source: str | None, author: str
) -> None:
    """Add rows from CSV; the columns tell the kind. FAQ files of every kind are imported as by `helpdesk faq import`.

    \b
    text,intent (or category)      labelled phrasings; they join the FAQ
    text_a,text_b                  two ways of saying the same
    text_a,text_b,similarity       how alike, from 0 to 1
    text_a,text_b,similar          alike (1) or not (0)
    anchor,positive,negative       the first is nearer to the second than to the third
    text                           messages nobody labelled
    """
    from dataclasses import replace

    from helpdesk.records.examples import store_examples
    from helpdesk.records.files.example_files import LABELLED, read_examples, recognise
    from helpdesk.text import visible

    kind, author, source = recognise(file), visible(author)[:80], visible(source or file.name)[:200]
    if kind == LABELLED:
        import_faq(settings, database, file, skip_bad=skip_bad, author=author)
        return
    found = read_examples(file, kind)
    if not skip_bad:
        found.require_good()
    for line, reason in found.bad_rows:
        say(f"skipped line {line}: {reason}", err=True)
    redact = settings.redactor
    rows = [replace(row, texts=tuple(map(redact, row.texts))) for row in found.rows]
    with database.write() as session:
        stored = store_examples(session, kind, rows, source=source, author=author)
    say(stored.sentence())


@data.command("list")
@with_database
def data_list(settings: "Settings", database: "Database") -> None:
    """How many rows of each kind there are, and where they came from."""
    from helpdesk.records.examples import TEXT_COLUMNS, count_examples
    from helpdesk.records.faq import count_phrasings

    with database.read() as session:
        phrasings, found = count_phrasings(session), count_examples(session)
    say(f"labelled    {phrasings:>8,}")
    for kind in TEXT_COLUMNS:
        of_kind = [count for count in found if count.kind == kind]
        say(f"{kind:<11} {sum(count.rows for count in of_kind):>8,}")
        for count in of_kind:
            say(f"  {count.rows:>8,} from {count.source} by {count.author}")


@data.command("export")
@click.argument("kind", type=click.Choice(["positive", "scored", "similar", "triplet", "unlabelled"]))
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--excel", is_flag=True, help="Begin with the mark by which Excel knows UTF-8.")
@with_database
def data_export(settings: "Settings", database: "Database", kind: str, file: Path | None, excel: bool) -> None:
    """Write all rows of KIND to FILE or standard output; phrasings go out by `helpdesk faq export`."""
    from helpdesk.records.examples import list_examples
    from helpdesk.records.files.example_files import write_examples
    from helpdesk.records.files.spreadsheets import MARK

    with database.read() as session:
        text = write_examples(kind, list_examples(session, kind))
    write_out(settings, database, f"{MARK if excel else ''}{text}", file)


@data.command("remove")
@click.argument("source")
@with_database
def data_remove(settings: "Settings", database: "Database", source: str) -> None:
    """Forget every row that came from SOURCE; the next night trains without them."""
    from helpdesk.records.examples import remove_examples

    with database.write() as session:
        removed = remove_examples(session, source)
    say(f"{removed:,} rows of {source} removed")


data.add_command(check)
