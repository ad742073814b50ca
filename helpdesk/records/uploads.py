"""Imports by page: uploaded files wait for a day, for whoever uploaded them, until they are confirmed once."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log, faq
from helpdesk.records.clock import now
from helpdesk.records.files.faq_files import NamedFile
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.import_plan import make_plan, store_plan
from helpdesk.records.import_report import report_lines
from helpdesk.records.tables import Staff, Upload, UploadedFile

KEPT: Final = timedelta(days=1)
MAX_FILES: Final = 50
_LISTED: Final = 5


def keep_upload(session: Session, files: Sequence[NamedFile], *, staff_id: int) -> int:
    """Keep files for a day, and forget what was kept for longer. Returns the upload's id."""
    forget_uploads(session)
    given = [file for file in files if file.name and file.data]
    if not given:
        raise BadInputError("there was no file, or nothing in it; choose one")
    if len(given) > MAX_FILES:
        raise BadInputError(f"there were {len(given)} files; expected at most {MAX_FILES}")
    kept = [UploadedFile(name=_base_name(file.name), content=file.data) for file in given]
    upload = Upload(staff_id=staff_id, until=now() + KEPT, files=kept)
    session.add(upload)
    session.flush()
    return upload.id


def forget_uploads(session: Session) -> None:
    """Delete those whose time is over."""
    session.execute(delete(Upload).where(Upload.until < now()).execution_options(synchronize_session=False))


def drop_uploads(session: Session) -> Counter[str]:
    """Delete every upload, for an erasure: what is in a file is not known until it is read, and a receipt quotes it.

    Whoever uploaded one still has the file. Returns table -> rows.
    """
    gone = session.execute(delete(Upload).execution_options(synchronize_session=False))
    return Counter({Upload.__tablename__: gone.rowcount})  # type: ignore[attr-defined]


def find_upload(session: Session, upload_id: int, *, staff_id: int, locked: bool = False) -> Upload:
    """An upload of this person, its files loaded. Raises NotFoundError for others' and for what is forgotten."""
    wanted = select(Upload).where(Upload.id == upload_id, Upload.staff_id == staff_id, Upload.until >= now())
    wanted = wanted.with_for_update() if locked else wanted.options(selectinload(Upload.files))
    upload = session.scalar(wanted)
    if upload is None:
        raise NotFoundError(
            "this upload is not there any more; it waits for a day, and until somebody's messages are erased: "
            "choose the file again"
        )
    return upload


def files_of(upload: Upload) -> list[NamedFile]:
    """Its files, as a reader takes them."""
    return [NamedFile(file.name, file.content) for file in upload.files]


def waiting(session: Session, *, staff_id: int) -> list[tuple[int, str]]:
    """(id, names of the files) of this person's newest uploads that are not confirmed."""
    wanted = select(Upload.id).where(Upload.staff_id == staff_id, Upload.until >= now(), Upload.receipt.is_(None))
    numbers = session.scalars(wanted.order_by(Upload.id.desc()).limit(_LISTED)).all()
    names: dict[int, list[str]] = {number: [] for number in numbers}
    rows = select(UploadedFile.upload_id, UploadedFile.name).where(UploadedFile.upload_id.in_(numbers))
    for number, name in session.execute(rows.order_by(UploadedFile.id)):
        names[number].append(name)
    return [(number, ", ".join(found)) for number, found in names.items()]


def confirm_upload(
    session: Session,
    upload_id: int,
    found: FaqFile,
    *,
    staff_id: int,
    seen: int,
    replaces: bool,
    renames: Collection[str],
    outside: bool = True,
) -> dict[str, Any]:
    """Store what was read from an upload, once: later confirmations get the receipt of the first one.

    seen: the revision of the FAQ that the person saw the file compared with. Raises ConflictError for another one.
    """
    upload = find_upload(session, upload_id, staff_id=staff_id, locked=True)
    if upload.receipt is not None:
        return upload.receipt
    if faq.revision(session) != seen:
        raise ConflictError("Somebody changed the FAQ meanwhile; nothing was written. Look at the comparison again.")
    author = session.get_one(Staff, staff_id).name
    plan = make_plan(session, found, replaces=replaces, renames=renames, outside=outside)
    stored = store_plan(session, plan, author=author)
    names = [file.name for file in upload.files]
    upload.receipt = {"files": names, "sentence": stored.sentence(), "lines": list(report_lines(plan))}
    upload.files.clear()
    audit_log.note(session, "faq.imported", author=author, subject=", ".join(names), said=stored.sentence())
    return upload.receipt


def discard_upload(session: Session, upload_id: int, *, staff_id: int) -> None:
    """Forget an upload of this person that is not confirmed."""
    session.delete(find_upload(session, upload_id, staff_id=staff_id))


def _base_name(name: str) -> str:
    """Some browsers send the path on their machine."""
    return PurePosixPath(name.replace("\\", "/")).name[-200:]
