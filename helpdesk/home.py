"""A home: the folder of the database, the bundles and the secret key. `new_home.py` makes one."""

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from helpdesk.errors import BadInputError, HelpdeskError, NotFoundError
from helpdesk.records.database import Database, open_database, require_schema
from helpdesk.settings import Settings

SECRET_KEY = "secret_key"  # noqa: S105 - the name of its file
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
PRIVATE = 0o077  # the umask under which a home is written: nobody but its user reads what people wrote


def open_home(settings: Settings) -> Database:
    """The database of a home that is set up. Makes nothing; raises NotFoundError that says what is missing."""
    require_home(settings)
    close_to_others(settings.home)
    database = open_database(settings)
    try:
        require_schema(database)
    except HelpdeskError:
        database.close()
        raise
    return database


def require_home(settings: Settings) -> None:
    """Raise NotFoundError unless the home is a folder. That of a host with a store only holds copies, and is made."""
    if settings.bundle_store is not None:
        settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.home.exists():
        raise NotFoundError(f"there is no home {settings.home}; run `helpdesk init`, or name one in HELPDESK_HOME")
    if not settings.home.is_dir():
        raise NotFoundError(f"HELPDESK_HOME is {settings.home}, a file; expected a folder")


def tenant_homes(settings: Settings) -> dict[str, Path]:
    """Name -> home, of every folder of HELPDESK_TENANTS that can be the first part of a host name.

    Raises BadInputError when it is no folder.
    """
    folder = settings.tenants
    if folder is None or not folder.is_dir():
        raise BadInputError(f"HELPDESK_TENANTS is {str(folder or '')!r}; expected a folder with a home for each tenant")
    found = sorted(folder.absolute().iterdir(), key=lambda path: (path.is_symlink(), path.name))
    homes = (path for path in found if path.is_dir())
    return {path.name: path for path in homes if _HOST_LABEL.fullmatch(path.name)}


def close_to_others(home: Path) -> None:
    """Take the rights of others on a home away, and on the files in it; those of another user stay as they are."""
    for path in (home, *home.iterdir()):
        with suppress(FileNotFoundError):  # SQLite removes what it no longer needs
            found = path.stat()
            if found.st_mode & PRIVATE and found.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(found.st_mode) & ~PRIVATE)


def secret_key(settings: Settings) -> str:
    """What signs login cookies: the configured key, or one of the home, made where there is none.

    Raises BadInputError where several hosts would each make their own: a login on one would not count on another.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if settings.bundle_store is not None:
        raise BadInputError("hosts that share HELPDESK_BUNDLE_STORE need HELPDESK_SECRET_KEY, the same on all of them")
    require_home(settings)
    path = settings.home / SECRET_KEY
    if not path.exists():
        _make_secret_key(path)
    try:
        key = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} cannot be read ({error}); expected a file with the key as text") from error
    if not key:
        raise BadInputError(f"{path} is empty; delete it, and a new key is made")
    return key


def belongings(settings: Settings, database: Database) -> frozenset[str]:
    """What no other home may have: its database, and its secret key if there is one. Makes nothing."""
    has_key = settings.secret_key is not None or (settings.home / SECRET_KEY).exists()
    return frozenset((database.identity(), *([secret_key(settings)] if has_key else ())))


def _make_secret_key(path: Path) -> None:
    """Two processes may come here at once: the first one's key stays, and nobody reads half a key."""
    whole = path.with_name(f".{SECRET_KEY}.{secrets.token_hex(8)}")
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(whole, path)
    except FileExistsError:
        pass
    finally:
        whole.unlink()
