"""What commands share: the open database of a home, ids, progress bars, files to write."""

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from helpdesk.progress import Reporter
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

NUMBER = click.IntRange(1, 2**31 - 1)  # an id


def with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the settings and the database of a home that is set up as its first two arguments."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from helpdesk.home import open_home
        from helpdesk.settings import load_settings

        settings = load_settings()
        database = open_home(settings)
        try:
            command(settings, database, *args, **options)
        finally:
            database.close()

    return run


def say(text: object, *, err: bool = False) -> None:
    """Print a line. What a terminal would obey, in the words of whoever wrote a message, is shown and not sent."""
    from helpdesk.text import visible

    click.echo(visible(str(text)), err=err)


def progress_bars() -> "Reporter":
    """Bars on standard error for long work."""
    from helpdesk.progress import Bars

    return Bars()


def write_out(settings: "Settings", database: "Database", data: str | bytes, file: Path | None) -> None:
    """Write an export to a file, which appears whole or not at all, or to standard output without one."""
    from helpdesk.records.own_files import require_not_ours

    if file is None:
        click.echo(data, nl=False)
        return
    require_not_ours(settings, database, file)
    written = data.encode() if isinstance(data, str) else data
    if file.exists() and not file.is_file():  # a device or a pipe
        file.write_bytes(written)
        return
    target = file.resolve()  # what a link leads to; `/dev/stdout` may be one to a file
    half = target.with_name(f".{target.name}.half")
    try:
        half.write_bytes(written)
        if target.exists():
            shutil.copymode(target, half)
        half.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None
    finally:
        half.unlink(missing_ok=True)
