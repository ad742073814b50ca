"""Every added phrasing is encoded once: by one process of a host, which leaves its vector in the database."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpdesk.matching.bundle import Bundle, encoder_hash
from helpdesk.matching.index import Vectors
from helpdesk.records import addition_vectors as records
from helpdesk.records.database import Database
from helpdesk.serving.day_additions import Added

ADDITIONS_LOCK = "additions.lock"
_AT_ONCE = 200  # encoded under one lock; between two such portions a process looks for promotions


class AdditionVectors:
    """The vectors of what was added to the FAQ, as far as anybody has encoded it. Of one process and one thread."""

    def __init__(self, database: Database, home: Path) -> None:
        self._database = database
        self._lock = home / ADDITIONS_LOCK
        self._encoder = ""
        self._known: dict[str, Vectors] = {}

    def read(self, bundle: Bundle, added: Sequence[Added]) -> dict[str, Vectors]:
        """Text key -> vector [dim], of those that are known here or in the database."""
        encoder = encoder_hash(bundle.manifest)
        if encoder != self._encoder:
            self._encoder, self._known = encoder, {}
        wanted = {row.text_key for row in added}
        missing = sorted(wanted - self._known.keys())
        if missing:
            with self._database.read() as session:
                self._known |= records.read_vectors(session, encoder, missing)
        self._known = {key: self._known[key] for key in wanted & self._known.keys()}
        return dict(self._known)

    def encode_some(self, bundle: Bundle, added: Sequence[Added]) -> int:
        """Encode a portion of what nobody has encoded yet; how much is left. Waits while another process does so."""
        with self._alone():
            known = self.read(bundle, added)
            missing = list({row.text_key: row for row in added if row.text_key not in known}.values())
            some = missing[:_AT_ONCE]
            if some:
                found = dict(zip([row.text_key for row in some], _encode(bundle, some), strict=True))
                self._known |= found  # here at least, where the database takes nothing
                with self._database.write() as session:
                    records.add_vectors(session, self._encoder, found)
        return len(missing) - len(some)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock ends with the process that holds it."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _encode(bundle: Bundle, added: Sequence[Added]) -> Vectors:
    return bundle.encoder.encode([row.normalised for row in added])
