"""The form of a backup: a zip file of parts, each once, named by its sha256, and a list of what they are."""

import errno
import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpdesk.errors import BadInputError
from helpdesk.matching.bundle import fsync
from helpdesk.matching.encoder import sha256

BACKUP_FORMAT = 1
_CONTENTS = "contents.json"
_MOST_CONTENTS = 64 << 20  # bytes
_CHUNK = 1 << 20
_DAMAGED = (  # what zipfile raises where bits are not what they were
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class Contents(BaseModel):
    """What is in a backup. Files are named by their sha256; bundles: folder -> file in it -> hash."""

    model_config = ConfigDict(frozen=True)

    format: int
    created: str
    revision: str
    dialect: str
    database: str = Field(pattern="^[0-9a-f]{64}$")
    rows: Mapping[str, int]
    bundles: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    def parts(self) -> set[str]:
        """The hash of every part."""
        return {
            self.database,
            *self.files.values(),
            *(part for files in self.bundles.values() for part in files.values()),
        }


class Writer:
    """Adds parts to a backup that is being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._added: set[str] = set()

    def add(self, path: Path, *, expected: str | None = None) -> str | None:
        """Put a file in unless it is there already. Returns its hash, None when it is not the expected one."""
        if expected in self._added:
            return expected
        found = sha256(path)
        if expected not in (None, found):
            return None
        if found not in self._added:
            self._archive.write(path, found)
            self._added.add(found)
        return found

    def finish(self, contents: Contents) -> None:
        """Write the list of what is in it."""
        self._archive.writestr(_CONTENTS, contents.model_dump_json())


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """A new backup that nobody else may read, forced to disk at the end."""
    with (
        os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as whole,
        zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive,
    ):
        yield Writer(archive)
    fsync(file)


def is_backup(file: Path) -> bool:
    """Whether a file is a backup, whole or not, by its list of contents."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _CONTENTS in archive.namelist()
    except (*_DAMAGED, OSError):
        return False


class Backup:
    """A backup whose every part was read and has its hash."""

    def __init__(self, archive: zipfile.ZipFile, contents: Contents) -> None:
        self._archive = archive
        self.contents = contents

    def unpack(self, part: str, target: Path) -> None:
        """Write a part into a new file that nobody else may read, forced to disk."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in _chunks(self._archive, part):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def opened(file: Path) -> Iterator[Backup]:
    """A backup, checked whole. Raises BadInputError when it is damaged, none at all, or of another format."""
    with ExitStack() as open_files:
        try:
            archive = open_files.enter_context(zipfile.ZipFile(file))
            contents = _contents(archive)
            _check_parts(archive, contents)
        except _DAMAGED as error:
            raise BadInputError(f"{file} is no whole backup of helpdesk: {error}") from None
        except OSError as error:
            if error.errno not in (None, errno.EINVAL):
                raise
            # No number: data that bz2 cannot unpack. EINVAL: a place in the file that is before its beginning.
            wrong = error if error.errno is None else "its beginning is missing"
            raise BadInputError(f"{file} is no whole backup of helpdesk: {wrong}") from None
        yield Backup(archive, contents)


def _check_parts(archive: zipfile.ZipFile, contents: Contents) -> None:
    for part in sorted(contents.parts()):
        digest = hashlib.sha256()
        for chunk in _chunks(archive, part):
            digest.update(chunk)
        if digest.hexdigest() != part:
            raise BadInputError(f"the backup is damaged: part {part[:12]} is not what was written")


def _contents(archive: zipfile.ZipFile) -> Contents:
    if archive.getinfo(_CONTENTS).file_size > _MOST_CONTENTS:
        raise BadInputError("the backup's list of contents is longer than any that was written")
    try:
        contents = Contents.model_validate_json(archive.read(_CONTENTS))
    except ValidationError as error:
        raise BadInputError(f"the backup's list of contents is not one: {error.errors()[0]['msg']}") from None
    if contents.format != BACKUP_FORMAT:
        raise BadInputError(f"the backup is of format {contents.format}; expected {BACKUP_FORMAT}")
    for name in (*contents.bundles, *(name for files in contents.bundles.values() for name in files), *contents.files):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\x00" in name:
            raise BadInputError(f"the backup names {name!r:.80}; expected a path inside the home")
    return contents


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with archive.open(part) as source:
        yield from _read(source)


def _read(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
