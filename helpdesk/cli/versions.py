"""`helpdesk versions` and `helpdesk rollback`: what was built and what serves."""

import json
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """List the versions that were built, newest first; the one in service is marked."""
    if context.invoked_subcommand is None:
        _list(as_json)


@versions.command("promote")
@click.argument("version_id", type=NUMBER)
@with_database
def promote_version(settings: "Settings", database: "Database", version_id: int) -> None:
    """Put a version in service; running processes swap within two seconds."""
    from helpdesk.serving.promotion import put_in_service

    put_in_service(settings, database, version_id, reason="promoted by hand")
    say(f"version {version_id} is in service")


@versions.command("verify")
@click.option("--repair", is_flag=True, help="Replace damaged files by intact copies in other kept versions.")
@with_database
def verify_versions(settings: "Settings", database: "Database", repair: bool) -> None:
    """Check every file of every kept version; exit code 1 when one is damaged and not repaired."""
    from helpdesk.upkeep.verify import kept_versions

    damaged = False
    for version in kept_versions(settings, database, repair=repair):
        for problem in version.problems:
            say(f"{version.title}: {problem}")
        if version.mended:
            say(f"{version.title}: repaired {', '.join(version.mended)}")
        if version.mended and version.serving and not version.problems:
            say(f"`helpdesk versions promote {version.number}` lets running processes try it again")
        if not version.problems and not version.mended:
            say(f"{version.title}: intact")
        damaged |= bool(version.problems)
    if damaged:
        click.echo("what no kept version has intact comes back from a backup: `helpdesk restore`", err=True)
        click.get_current_context().exit(1)


@click.command()
@with_database
def rollback(settings: "Settings", database: "Database") -> None:
    """Put the version back that served before; nights then promote nothing until `versions promote`."""
    from helpdesk.records.versions import ROLLBACK, rollback_target
    from helpdesk.serving.promotion import put_in_service

    with database.read() as session:
        version_id = rollback_target(session)
    put_in_service(settings, database, version_id, reason=ROLLBACK)
    say(f"version {version_id} is in service")
    say(f"nights promote nothing until `helpdesk versions promote {version_id}` (or any other version)")


@with_database
def _list(settings: "Settings", database: "Database", as_json: bool) -> None:
    from helpdesk.records.versions import current, list_versions

    with database.read() as session:
        serving = current(session)
        rows = [
            {
                "version": version.id,
                "kind": version.kind,
                "verdict": version.verdict,
                "created": version.created_at.isoformat(timespec="seconds"),
                "in_service": serving is not None and serving.version_id == version.id,
            }
            for version in list_versions(session)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        mark = "*" if row["in_service"] else " "
        say(f"{mark} {row['version']:>4}  {row['kind']:<10} {row['verdict']:<8} {row['created']}")
