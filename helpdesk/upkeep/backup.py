"""Writing a backup while everything runs: one state of the database, then the bundles that it names, each file once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpdesk.errors import BadInputError, BundleError
from helpdesk.matching.bundle import MANIFEST, fsync, sealed_manifest
from helpdesk.matching.bundle_repair import copies_by_hash
from helpdesk.matching.bundle_store import open_store
from helpdesk.matching.encoder import sha256
from helpdesk.records.clock import now
from helpdesk.records.copies import bundles_of_copy, copy_out
from helpdesk.records.database import Database
from helpdesk.records.files.reports import REPORTS
from helpdesk.records.own_files import require_not_ours
from helpdesk.settings import Settings
from helpdesk.upkeep.archive import BACKUP_FORMAT, Contents, Writer, is_backup, opened, writing

_SECRET_KEY = "secret_key"  # noqa: S105 - the name of its file


def write_backup(settings: Settings, database: Database, file: Path, *, secret_key: bool) -> Contents:
    """Write a backup under a temporary name, read it again, and give it its name; an older file of that name stays
    whole until then. Returns what is in it and what had to be left out.

    Raises UnavailableError when the database cannot be copied, OSError when the file cannot be written, BadInputError
    when another file than an older backup would be lost.
    """
    if file.is_dir():
        raise BadInputError(f"{file} is a folder; expected the name of a file to write")
    if not file.parent.is_dir():
        raise BadInputError(f"there is no folder {file.parent} to write {file.name} in")
    if file.exists() and not is_backup(file):
        raise BadInputError(f"{file} is there and is no backup; name another file, or remove it first")
    if not file.exists():
        require_not_ours(settings, database, file)
    beside = Path(tempfile.mkdtemp(prefix=f".{file.name}.", dir=file.parent))
    try:
        whole = beside / "backup"
        copy = beside / "database"
        rows = copy_out(settings, database, copy)
        with writing(whole) as writer:
            contents = _write(settings, database, copy, rows, writer, secret_key=secret_key)
            writer.finish(contents)
        with opened(whole):
            os.replace(whole, file)
        fsync(file.absolute().parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return contents


def _write(
    settings: Settings, database: Database, copy: Path, rows: dict[str, int], writer: Writer, *, secret_key: bool
) -> Contents:
    open_store(settings).fetch_all()
    folders, serving = bundles_of_copy(copy)
    kept = {number: settings.bundles / name for number, name in folders.items() if (settings.bundles / name).is_dir()}
    bundles, left_out = {}, []
    for number, directory in kept.items():
        files, missing = _add_bundle(directory, list(kept.values()), writer)
        if directory.is_dir():  # else a night removed it just now
            bundles[directory.name] = files
            left_out += [f"version {number}: {name} is damaged, and no copy of it is intact" for name in missing]
    if serving is not None and folders[serving] not in bundles:
        left_out.append(f"version {serving}, which is in service: its folder {folders[serving]} is gone")
    return Contents(
        format=BACKUP_FORMAT,
        created=now().isoformat(timespec="seconds"),
        revision=str(database.revision()),
        dialect=database.dialect,
        database=str(writer.add(copy)),
        rows=rows,
        bundles=bundles,
        files=_add_files(settings.home, writer, secret_key=secret_key),
        left_out=tuple(left_out),
    )


def _add_bundle(directory: Path, kept: list[Path], writer: Writer) -> tuple[dict[str, str], list[str]]:
    """File -> hash of what was added, and the files that are damaged everywhere."""
    try:
        sealed = sealed_manifest(directory)["files"]
        found = {MANIFEST: sha256(directory / MANIFEST)}
    except (BundleError, OSError):
        return {}, [MANIFEST]
    missing = []
    for name, expected in {MANIFEST: {"sha256": found[MANIFEST]}, **sealed}.items():
        wanted = expected["sha256"]
        if any(_added(writer, path, wanted) for path in _sources(directory / name, wanted, kept)):
            found[name] = wanted
        else:
            missing.append(name)
    return found, missing


def _sources(path: Path, wanted: str, kept: list[Path]) -> Iterator[Path]:
    """The file itself, then the others that had its hash when they were sealed."""
    yield path
    yield from copies_by_hash(kept).get(wanted, ())


def _added(writer: Writer, path: Path, wanted: str) -> bool:
    try:
        return writer.add(path, expected=wanted) is not None
    except OSError:  # it is gone, or its disk gives it no more; a disk that cannot be written fails again at once
        if not path.exists():
            return False
        raise


def _add_files(home: Path, writer: Writer, *, secret_key: bool) -> dict[str, str]:
    paths = [path for path in (home / REPORTS).glob("*.*") if path.is_file() and not path.name.startswith(".")]
    if secret_key and (home / _SECRET_KEY).is_file():
        paths.append(home / _SECRET_KEY)
    return {path.relative_to(home).as_posix(): str(writer.add(path)) for path in sorted(paths)}
