"""How long somebody waits for PostgreSQL: so long for each request, however often it asks.

A server that is frozen, or cut off, says nothing, and the kernel goes on confirming what is sent to it. So the time is
kept here, beside the limits that the server itself keeps.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

GRACE = 0.5  # seconds that the server has to end a statement by its own limit, which keeps the connection
_SHORTEST_CONNECT = 1.0  # seconds; libpq waits no less than two


@dataclass
class _Patience:
    waited: float = 0.0  # seconds, in waits longer than GRACE: shorter ones are work, of which a request may have much


_PATIENCE: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def waiting_once() -> Iterator[None]:
    """The waits for the database inside come to no more than the timeout, together: whatever is asked after that fails
    at once."""
    token = _PATIENCE.set(_Patience())
    try:
        yield
    finally:
        _PATIENCE.reset(token)


@contextmanager
def _waiting(seconds: float) -> Iterator[float]:
    """One wait; gives how long it may be."""
    patience = _PATIENCE.get() or _Patience()
    began = time.monotonic()
    try:
        yield max(0.0, seconds + GRACE - patience.waited)
    finally:
        took = time.monotonic() - began
        patience.waited += took if took > GRACE else 0.0


def connect_in_time(seconds: float, *arguments: Any, **options: Any) -> Any:
    """A psycopg connection that waits for an answer no longer than `seconds`, and is closed then: it may come yet.

    Raises psycopg.OperationalError.
    """
    from psycopg import OperationalError

    with _waiting(seconds) as left:
        if left < min(_SHORTEST_CONNECT, seconds):
            raise OperationalError(f"no answer within {seconds:g} seconds")
        timeout = min(options["connect_timeout"], max(2, round(left)))
        return _connections(seconds).connect(*arguments, **options | {"connect_timeout": timeout})


@lru_cache
def _connections(seconds: float) -> Any:
    from psycopg import Connection, OperationalError

    class TimedConnection(Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            with _waiting(seconds) as left:
                until = time.monotonic() + left
                try:
                    return super().wait(gen, interval, left if timeout is None else min(left, timeout))
                except OperationalError:
                    if time.monotonic() >= until:
                        self.pgconn.finish()
                    raise

    return TimedConnection
