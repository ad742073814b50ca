"""`helpdesk staff`: who may log in."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

ROLES = ("viewer", "labeller", "editor", "admin")


@click.group()
def staff() -> None:
    """Logins of the labelling page."""


@staff.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="labeller", show_default=True, help="What they may do.")
@click.password_option()
@with_database
def staff_add(settings: "Settings", database: "Database", name: str, role: str, password: str) -> None:
    """Make a login."""
    from helpdesk.records.roles import Role
    from helpdesk.records.staff import add_staff

    with database.write() as session:
        add_staff(session, name, password=password, role=Role(role))
    click.echo(f"{name} may log in as {role}")


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
