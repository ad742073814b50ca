"""Where bundles lie: in a folder of this host, and with `HELPDESK_BUNDLE_STORE` in a store that all hosts share.

The store has each bundle as it was sealed. Its manifest is written last and removed first, so a folder without one is
no bundle. A host copies what it needs, compares every file with the manifest's sha256, and only then gives the copy its
name. https://filesystem-spec.readthedocs.io says which addresses there are.
"""

import fcntl
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from helpdesk.errors import BadInputError, BundleError, UnavailableError
from helpdesk.matching.bundle import MANIFEST, READ_WHEN_SERVING, damage, fsync, sealed_manifest
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
_FETCHING = ".fetching-"
_LOCK = "bundles.lock"
_here = threading.Lock()  # a file lock does not keep threads of one process apart


@dataclass(frozen=True)
class BundleStore:
    """The bundles of one host in `folder`, and at `url` those of all hosts; None where this host is the only one."""

    folder: Path
    url: str | None

    def fetch(self, name: str, *, whole: bool = False) -> Path:
        """This host's copy of a bundle, with what it lacked or had damaged; whole: also what only nights read.

        Raises UnavailableError when the store does not answer or has none of that name, BundleError when it is damaged.
        """
        local = self.folder / name
        if self.url is None:
            return local
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                lacking = _lacking(local, whole=whole)
            except BundleError:
                self._copy(name, local, whole=whole)
            else:
                for file, expected in lacking.items():
                    self._get(f"{name}/{file}", local / file, expected)
        return local

    def fetch_all(self) -> None:
        """Whole copies of every bundle in the store; what is damaged there is logged. Raises UnavailableError."""
        for name in sorted(self.names()):
            try:
                self.fetch(name, whole=True)
            except BundleError as error:
                log.warning("%s", error)

    def publish(self, sealed: Path, name: str) -> None:
        """Give a sealed folder to all hosts under a name. Raises UnavailableError."""
        if self.url is None:
            return
        files = [*sealed_manifest(sealed)["files"], MANIFEST]
        with self._connected() as (system, root):
            for file in files:
                system.makedirs(str(PurePosixPath(root, name, file).parent), exist_ok=True)
                system.put_file(str(sealed / file), f"{root}/{name}/{file}")

    def remove(self, name: str) -> None:
        """Take a bundle out of the store; one that is not there is no fault. Raises UnavailableError."""
        if self.url is None:
            return
        with self._connected() as (system, root):
            with suppress(FileNotFoundError):
                system.rm_file(f"{root}/{name}/{MANIFEST}")
            with suppress(FileNotFoundError):
                system.rm(f"{root}/{name}", recursive=True)

    def names(self) -> set[str]:
        """The bundles in the store. Raises UnavailableError."""
        if self.url is None:
            return set()
        with self._connected() as (system, root):
            try:
                found = [PurePosixPath(path).name for path in system.ls(root, detail=False)]
            except FileNotFoundError:
                return set()
            return {name for name in found if system.exists(f"{root}/{name}/{MANIFEST}")}

    def here(self) -> set[str]:
        """The bundles that this host has a copy of."""
        return {path.parent.name for path in self.folder.glob(f"[!.]*/{MANIFEST}")}

    def forget(self, name: str) -> None:
        """Remove this host's copy."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def _copy(self, name: str, local: Path, *, whole: bool) -> None:
        for left in self.folder.glob(f"{_FETCHING}*/"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        staging = self.folder / f"{_FETCHING}{name}"
        staging.mkdir()
        self._get(f"{name}/{MANIFEST}", staging / MANIFEST, None)
        for file, expected in _lacking(staging, whole=whole).items():
            self._get(f"{name}/{file}", staging / file, expected)
        shutil.rmtree(local, ignore_errors=True)  # its manifest is gone or damaged
        staging.rename(local)
        fsync(self.folder)

    def _get(self, remote: str, target: Path, expected: dict[str, Any] | None) -> None:
        """One file, which is compared with its line in the manifest before it gets its name."""
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.fetching")
        try:
            with self._connected() as (system, root):
                system.get_file(f"{root}/{remote}", str(fresh))
            wrong = expected and damage(fresh.parent, fresh.name, expected)
            if wrong:
                raise BundleError(f"{remote} in the store {self.url}: {wrong}")
            fsync(fresh)
            os.replace(fresh, target)
        except FileNotFoundError:
            raise UnavailableError(f"the store {self.url} has no {remote}; is it there, and the right one?") from None
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of the processes of this host one copies, the others wait and find it there."""
        with _here, (self.folder.parent / _LOCK).open("a") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _connected(self) -> Iterator[tuple[Any, str]]:
        """The file system of the store and its path there. What it raises for its many reasons is one error here."""
        try:
            import fsspec

            system, root = fsspec.url_to_fs(self.url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise BadInputError(
                f"HELPDESK_BUNDLE_STORE is {self.url!r}: {error}; `pip install 'helpdesk[hosts]'`, and what fsspec "
                "needs for such an address"
            ) from None
        try:
            yield system, root
        except (FileNotFoundError, BundleError):
            raise
        except Exception as error:
            raise UnavailableError(f"the store {self.url} does not answer: {type(error).__name__}: {error}") from error


def open_store(settings: Settings) -> BundleStore:
    """The bundles of an installation; nothing is connected yet."""
    return BundleStore(settings.bundles, settings.bundle_store)


def _lacking(directory: Path, *, whole: bool) -> dict[str, Any]:
    """The files of a bundle that are not as they were sealed, each with its line in the manifest.

    Raises BundleError without a sound manifest.
    """
    files = sealed_manifest(directory)["files"]
    wanted = {name: expected for name, expected in files.items() if whole or name in READ_WHEN_SERVING}
    return {name: expected for name, expected in wanted.items() if damage(directory, name, expected)}
