"""How long somebody waits for PostgreSQL: once for each request.

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


@dataclass
class _Patience:
    over: bool = False


_PATIENCE: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def waiting_once() -> Iterator[None]:
    """Whoever waited in vain for the database inside does not wait again: whatever is asked next fails at once."""
    token = _PATIENCE.set(_Patience())
    try:
        yield
    finally:
        _PATIENCE.reset(token)


def connect_in_time(seconds: float, *arguments: Any, **options: Any) -> Any:
    """A psycopg connection that waits for an answer no longer than `seconds`, and is closed then: it may come yet.

    Raises psycopg.OperationalError.
    """
    from psycopg import OperationalError

    patience = _PATIENCE.get()
    if patience is not None and patience.over:
        raise OperationalError(f"no answer within {seconds:g} seconds")
    began = time.monotonic()
    try:
        return _connections(seconds).connect(*arguments, **options)
    except OperationalError:
        if patience is not None and time.monotonic() - began >= seconds:
            patience.over = True
        raise


@lru_cache
def _connections(seconds: float) -> Any:
    from psycopg import Connection, OperationalError

    class TimedConnection(Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            patience = _PATIENCE.get()
            left = 0.0 if patience is not None and patience.over else seconds + GRACE
            until = time.monotonic() + left
            try:
                return super().wait(gen, interval, left if timeout is None else min(left, timeout))
            except OperationalError:
                if time.monotonic() >= until:
                    self.pgconn.finish()
                    if patience is not None:
                        patience.over = True
                raise

    return TimedConnection
