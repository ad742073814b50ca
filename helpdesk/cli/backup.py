"""`helpdesk backup`, `helpdesk restore` and `helpdesk doctor`: looking after an installation."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings
    from helpdesk.upkeep.archive import Contents

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--no-secret-key", is_flag=True, help="Leave the key that signs logins out; a restore ends all logins.")
@with_database
def backup(settings: "Settings", database: "Database", file: Path, no_secret_key: bool) -> None:
    """Write database, kept bundles, reports and secret key into one file, while the service runs.

    Exit code 1 when something damaged had to be left out; the file is written then, too.
    """
    from helpdesk.upkeep.backup import write_backup

    contents = write_backup(settings, database, file, secret_key=not no_secret_key)
    say(f"{file}: {_summary(contents)}; read again and whole")
    for line in contents.left_out:
        say(f"left out: {line}", err=True)
    if contents.left_out:
        click.get_current_context().exit(1)


@click.command()
@click.argument("file", type=FILE)
@click.option("--into", "home", metavar="HOME", type=FILE, help="The home to restore into, instead of HELPDESK_HOME.")
@click.option("--force", is_flag=True, help="Put the backup in the place of a helpdesk that is there.")
@click.option("--check", "only_check", is_flag=True, help="Only read the backup and say what is in it.")
def restore(file: Path, home: Path | None, force: bool, only_check: bool) -> None:
    """Put a backup back, into SQLite or PostgreSQL, whichever it came from. Stop the service first.

    Everything in the backup is checked first; what is there is replaced whole or not at all. Exit code 1 when the
    backup lacks something that was damaged when it was written; the rest is restored then, too.
    """
    from helpdesk.settings import load_settings
    from helpdesk.upkeep.home_checks import erasures_to_repeat
    from helpdesk.upkeep.restore import check
    from helpdesk.upkeep.restore import restore as put_back

    settings = load_settings(**({} if home is None else {"home": home}))
    contents = check(file) if only_check else put_back(settings, file, force=force)
    say(
        f"{file}: {_summary(contents)}; whole" if only_check else f"restored into {settings.home}: {_summary(contents)}"
    )
    for line in contents.left_out:
        say(f"the backup lacks {line}", err=True)
    for fault in () if only_check else erasures_to_repeat(settings):
        say(f"{fault.problem}; erase it again: {fault.remedy}", err=True)
    if contents.left_out:
        click.get_current_context().exit(1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the findings.")
def doctor(as_json: bool) -> None:
    """Look an installation over and say what mends each fault; exit code 1 when something does not work."""
    from helpdesk.settings import load_settings
    from helpdesk.upkeep.doctor import examine
    from helpdesk.upkeep.faults import Level

    findings = []
    for check, found in examine(load_settings()):
        findings += [{"check": check, **vars(finding)} for finding in found]
        if not found and not as_json:
            say(f"ok       {check}")
        for finding in found if not as_json else ():
            say(f"{finding.level:<8} {check}: {finding.problem}")
            say(f"         -> {finding.remedy}")
    if as_json:
        click.echo(json.dumps(findings))
    if any(finding["level"] == Level.ERROR for finding in findings):
        click.get_current_context().exit(1)


def _summary(contents: "Contents") -> str:
    key = "with" if "secret_key" in contents.files else "without"
    return (
        f"{contents.rows.get('messages', 0):,} messages, {contents.rows.get('labels', 0):,} labels, "
        f"{len(contents.bundles)} version(s), {key} the secret key, as of {contents.created}"
    )
