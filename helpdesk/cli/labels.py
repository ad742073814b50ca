"""`helpdesk labels`: what staff said about messages."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import with_database, write_out

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.group()
def labels() -> None:
    """The labels of staff."""


@labels.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="Default: by file name, else CSV.")
@with_database
def labels_export(settings: "Settings", database: "Database", file: Path | None, form: str | None) -> None:
    """Write every label to FILE or standard output: who, when, what was decided and what it means, and whether it
    still counts."""
    from helpdesk.records.files.label_export import export_labels

    named = "json" if file is not None and file.suffix.lower() == ".json" else "csv"
    with database.read() as session:
        data = export_labels(session, form or named)
    write_out(settings, database, data, file)
