"""An uploaded file is stored once, whoever confirms it how often, and on every database."""

import pytest

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records import faq, staff, uploads
from helpdesk.records.database import Database
from helpdesk.records.files.faq_files import NamedFile, read_faq_files

FILE = NamedFile("C:\\Users\\ann\\faq.csv", b"question,answer\nNo VPN?,Restart it.\n")


@pytest.fixture
def ann(database: Database) -> int:
    """Somebody's id."""
    with database.write() as session:
        return staff.add_staff(session, "ann", password="correct horse").id


def confirm(database: Database, number: int, ann: int, *, seen: int) -> dict[str, object]:
    """Press the button."""
    with database.write() as session:
        return uploads.confirm_upload(
            session, number, read_faq_files([FILE]), staff_id=ann, seen=seen, replaces=False, renames=()
        )


def test_a_second_confirmation_gets_the_receipt_of_the_first(database: Database, ann: int) -> None:
    """Whatever it has seen; the file is forgotten, its name is not."""
    with database.write() as session:
        number = uploads.keep_upload(session, [FILE, NamedFile("", b"")], staff_id=ann)
    with pytest.raises(ConflictError, match="nothing was written"):
        confirm(database, number, ann, seen=7)
    with database.read() as session:
        assert uploads.waiting(session, staff_id=ann) == [(number, "faq.csv")]
    first, again = confirm(database, number, ann, seen=0), confirm(database, number, ann, seen=7)

    assert first == again
    assert first["files"] == ["faq.csv"]
    with database.read() as session:
        assert [intent.slug for intent in faq.list_intents(session)] == ["no_vpn"]
        assert uploads.waiting(session, staff_id=ann) == []
        found = uploads.find_upload(session, number, staff_id=ann)
        assert (found.receipt, found.files) == (first, [])


def test_a_discarded_upload_is_gone(database: Database, ann: int) -> None:
    """With its files, and for nobody else before."""
    with database.write() as session:
        number = uploads.keep_upload(session, [FILE], staff_id=ann)
        with pytest.raises(NotFoundError, match="choose the file again"):
            uploads.find_upload(session, number, staff_id=ann + 1)
        uploads.discard_upload(session, number, staff_id=ann)
    with pytest.raises(NotFoundError), database.read() as session:
        uploads.find_upload(session, number, staff_id=ann)
