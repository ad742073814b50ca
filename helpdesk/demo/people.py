"""Who works at the desk of the demo."""

from helpdesk.records import staff
from helpdesk.records.database import Database
from helpdesk.records.roles import Role

EDITOR, LABELLER, SECOND, LEAD = "Ines", "Nadia", "Tom", "Lena"
PEOPLE = {EDITOR: Role.EDITOR, LABELLER: Role.LABELLER, SECOND: Role.LABELLER, LEAD: Role.VIEWER}


def hire(database: Database, *, password: str) -> dict[str, int]:
    """Make their logins, beside the admin's; their ids by name."""
    with database.write() as session:
        return {name: staff.add_staff(session, name, password=password, role=role).id for name, role in PEOPLE.items()}
