"""Who works at the desk of the demo."""

from helpdesk.new_home import ADMIN
from helpdesk.records import people, staff
from helpdesk.records.database import Database
from helpdesk.records.one_time_links import invite
from helpdesk.records.roles import Role
from helpdesk.records.sign_ins import record_sign_in

EDITOR, LABELLER, SECOND, LEAD, FORMER = "Ines", "Nadia", "Tom", "Lena", "Jonas"
PEOPLE = {
    EDITOR: Role.EDITOR,
    LABELLER: Role.LABELLER,
    SECOND: Role.LABELLER,
    LEAD: Role.VIEWER,
    FORMER: Role.LABELLER,
}
_LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
_DESKS = {EDITOR: ("10.20.4.17", _LINUX), SECOND: ("10.20.4.31", _LINUX)}


def hire(database: Database, *, password: str) -> dict[str, int]:
    """Make their logins, beside the admin's; their ids by name."""
    with database.write() as session:
        return {
            name: staff.add_staff(session, name, password=password, role=role, author=ADMIN).id
            for name, role in PEOPLE.items()
        }


def sign_in(database: Database, name: str) -> None:
    """Somebody logs in at their own desk."""
    address, browser = _DESKS.get(name, ("10.20.4.52", _WINDOWS))
    with database.write() as session:
        record_sign_in(session, staff.find_staff(session, name), address=address, browser=browser)


def change_people(database: Database) -> None:
    """One of them has left, and somebody was invited."""
    with database.write() as session:
        people.disable(session, FORMER, author=ADMIN)
        invite(session, "Mara", role=Role.EDITOR, author=ADMIN)
