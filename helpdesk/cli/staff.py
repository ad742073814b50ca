"""`helpdesk staff`: who may log in."""

from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

ROLE_CHOICE = click.Choice(("viewer", "labeller", "editor", "admin"))


@click.group()
def staff() -> None:
    """Logins of the staff pages."""


@staff.command("list")
@with_database
def list_staff(settings: "Settings", database: "Database") -> None:
    """One line a person: role, state, last sign-in, labels given, name."""
    from helpdesk.records.people import list_people

    with database.read() as session:
        people = list_people(session)
    for person in people:
        state = "active" if person.active else "disabled"
        seen = f"{person.last_sign_in:%Y-%m-%d %H:%M} UTC" if person.last_sign_in else "not in 90 days"
        say(f"{person.role:<8} {state:<8} {seen:<20} {person.labels:>6} labels  {person.name}")


@staff.command("add")
@click.argument("name")
@click.option("--role", type=ROLE_CHOICE, default="labeller", show_default=True, help="What they may do.")
@click.password_option()
@with_database
def staff_add(settings: "Settings", database: "Database", name: str, role: str, password: str) -> None:
    """Make a login."""
    from helpdesk.records.roles import Role
    from helpdesk.records.staff import add_staff

    with database.write() as session:
        name = add_staff(session, name, password=password, role=Role(role)).name
    say(f"{name} may log in as {role}")


@staff.command("invite")
@click.argument("name")
@click.option("--role", type=ROLE_CHOICE, default="labeller", show_default=True, help="What they may do.")
@with_database
def staff_invite(settings: "Settings", database: "Database", name: str, role: str) -> None:
    """Make a link by which somebody joins and chooses a password; it works once, for 7 days."""
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.one_time_links import invite
    from helpdesk.records.roles import Role

    with database.write() as session:
        link = invite(session, name, role=Role(role), author=COMMAND_LINE)
    say(f"{link.name} joins as {role} at this address of the staff pages (shown this once, works once, 7 days):")
    say(f"/invite/{link.token}")


@staff.command("password")
@click.argument("name")
@click.password_option()
@with_database
def staff_password(settings: "Settings", database: "Database", name: str, password: str) -> None:
    """Change a password; every session of that login ends."""
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.staff import set_password

    with database.write() as session:
        set_password(session, name, password=password, author=COMMAND_LINE)
    say(f"the password of {name} is changed")


@staff.command("role")
@click.argument("name")
@click.argument("role", type=ROLE_CHOICE)
@with_database
def staff_role(settings: "Settings", database: "Database", name: str, role: str) -> None:
    """Change what somebody may do, from their next request on."""
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.people import set_role
    from helpdesk.records.roles import Role

    with database.write() as session:
        set_role(session, name, Role(role), author=COMMAND_LINE)
    say(f"{name} is {role}")


@staff.command("disable")
@click.argument("name")
@with_database
def staff_disable(settings: "Settings", database: "Database", name: str) -> None:
    """Let somebody in no more; their sessions end, what they did stays."""
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.people import disable

    with database.write() as session:
        disable(session, name, author=COMMAND_LINE)
    say(f"{name} is disabled")


@staff.command("enable")
@click.argument("name")
@with_database
def staff_enable(settings: "Settings", database: "Database", name: str) -> None:
    """Let somebody in again, with the password and the role they had."""
    from helpdesk.records.audit_log import COMMAND_LINE
    from helpdesk.records.people import enable

    with database.write() as session:
        enable(session, name, author=COMMAND_LINE)
    say(f"{name} may log in again")
