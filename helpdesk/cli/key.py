"""`helpdesk key`: keys of programs and of sites for the API."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import NUMBER, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

SCOPE_CHOICE = click.Choice(("messages", "feedback", "search", "faqs", "match", "model", "internals"))


@click.group()
def key() -> None:
    """Keys of programs and of sites for the API."""


@key.command("add")
@click.argument("name")
@click.option("--scope", "scopes", type=SCOPE_CHOICE, multiple=True, help="What it may be used for; repeat for more.")
@click.option("--origin", "origins", multiple=True, help="A site's key: only its pages may send it; repeat for more.")
@click.option("--days", type=int, help="Until it expires; without this, never.")
@with_database
def key_add(
    settings: "Settings",
    database: "Database",
    name: str,
    scopes: tuple[str, ...],
    origins: tuple[str, ...],
    days: int | None,
) -> None:
    """Make a key, and show it this once. Without --scope it may send messages and feedback."""
    from helpdesk.records.api_keys import add_key
    from helpdesk.records.audit_log import COMMAND_LINE

    with database.write() as session:
        made = add_key(
            session, name, scopes=scopes or ("messages", "feedback"), origins=origins, days=days, author=COMMAND_LINE
        )
    click.echo(f"{made.row.kind} key {made.row.name} for {', '.join(made.row.scopes)} (shown this once):", err=True)
    click.echo(made.token)


@key.command("list")
@with_database
def list_all_keys(settings: "Settings", database: "Database") -> None:
    """One line a key: number, kind, beginning, state, last use, scopes, name, origins."""
    from helpdesk.records.api_keys import counts, list_keys

    with database.read() as session:
        rows = list_keys(session)
    for row in rows:
        state = "counts" if counts(row) else "revoked" if row.revoked_at else "expired"
        used = f"used {row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never used"
        scopes, origins = ",".join(row.scopes), " ".join(row.origins)
        click.echo(f"{row.id:>4} {row.kind:<6} {row.prefix:<11} {state:<7} {used:<25} {scopes}  {row.name}  {origins}")


@key.command("revoke")
@click.argument("key_id", type=NUMBER)
@with_database
def key_revoke(settings: "Settings", database: "Database", key_id: int) -> None:
    """Let a key count no more, from the next request on."""
    from helpdesk.records.api_keys import revoke_key
    from helpdesk.records.audit_log import COMMAND_LINE

    with database.write() as session:
        name = revoke_key(session, key_id, author=COMMAND_LINE).name
    click.echo(f"the key {name} does not count any more")
