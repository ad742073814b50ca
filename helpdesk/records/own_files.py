"""The files that the helpdesk keeps, which no command may write over."""

from pathlib import Path
from typing import Final

from helpdesk.errors import BadInputError
from helpdesk.records.certificates import CERTIFICATES
from helpdesk.records.database import Database, sqlite_file
from helpdesk.records.erasure import REPLAY_FOLDER
from helpdesk.records.files.reports import REPORTS
from helpdesk.settings import Settings

_OWN_FOLDERS: Final = ("bundles", REPORTS, CERTIFICATES, REPLAY_FOLDER, "unfinished-nights")


def require_not_ours(settings: Settings, database: Database, file: Path) -> None:
    """Raise BadInputError when a file that a command is to write is one that the helpdesk keeps itself.

    Such are its database, what lies in its home already, and all in the folders of its home. A name that is new in the
    home is free, and so is everything elsewhere.
    """
    target, home = file.resolve(), settings.home.resolve()
    inside = target.relative_to(home).parts if target.is_relative_to(home) else ()
    own = (len(inside) == 1 and target.is_file()) or (bool(inside) and inside[0] in _OWN_FOLDERS)
    stored = sqlite_file(database)
    if stored is not None:
        stored = stored.resolve()
        own |= target in [stored.with_name(stored.name + end) for end in ("", "-wal", "-shm", "-journal")]
    if own:
        raise BadInputError(f"{file} is a file of the helpdesk itself; name another one to write")
