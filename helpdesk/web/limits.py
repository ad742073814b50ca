"""How often somebody may do something: one sender, one address, one API key.

The `limits` library keeps the rules; counts are shared through the database (`serving/tallies.py`), or through Redis
or Valkey. Flask-Limiter, which stands on the same library, decides before the body is read and so cannot know a sender.
"""

import logging
import time
from collections.abc import Callable
from functools import lru_cache

from flask import Flask, current_app, request
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from helpdesk.errors import BadInputError, TooManyError
from helpdesk.records.networks import is_this_machine, network_of
from helpdesk.serving.tallies import Tallies
from helpdesk.settings import Settings
from helpdesk.settings.protection import UNLIMITED

log = logging.getLogger(__name__)
_PUBLIC = ("/api/", "/webhooks/")
_LOGINS = ("login.enter", "invitation.use", "account.set_password")
_STORE_SECONDS = 0.5
_PASSED_OVER_SECONDS = 5.0  # after a failure, so that messages do not wait in turn for a store that is silent


class TallyStorage(Storage):
    """The counts of `Tallies` as the `limits` library wants them."""

    STORAGE_SCHEME = None

    def __init__(self, tallies: Tallies) -> None:
        super().__init__(None)
        self._tallies = tallies
        self._seconds: dict[str, int] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing that could fail is waited for."""
        return StorageError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count uses in a window of `expiry` seconds."""
        return self._tallies.use(key, expiry, amount=amount)

    def get(self, key: str) -> int:
        """Uses in the window of now; how long it is stands at the end of the key."""
        return self._tallies.uses(key, _seconds(key))

    def get_expiry(self, key: str) -> float:
        """When the window of now ends."""
        seconds = _seconds(key)
        return (int(time.time()) // seconds + 1) * seconds

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> int | None:
        """Counts of others cannot be taken back."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Counts of others cannot be taken back."""
        raise NotImplementedError


class Limiter:
    """The limits of one process."""

    def __init__(self, settings: Settings, tallies: Tallies) -> None:
        storage = _storage(settings) or TallyStorage(tallies)
        self._limiter = FixedWindowRateLimiter(storage)
        self._alone = FixedWindowRateLimiter(MemoryStorage())
        self._asked_again_at = 0.0
        self._rules: dict[str, list[RateLimitItem]] = {
            "session": _rules(settings.limit_session),
            "address": _rules(settings.limit_address),
            "key": _rules(settings.limit_key),
            "login": _rules(settings.limit_login),
        }

    def use(self, kind: str, who: str) -> None:
        """Count a use. Raises TooManyError when there were as many as are allowed; refused ones are not counted."""
        for rule in self._rules[kind]:
            wait = self._wait(rule, kind, who)
            if wait is not None:
                raise TooManyError(f"more than {rule} by this {kind}; try again in {wait} s", seconds=wait)

    def _wait(self, rule: RateLimitItem, kind: str, who: str) -> int | None:
        if time.monotonic() >= self._asked_again_at:
            try:
                return _use(self._limiter, rule, kind, who)
            except StorageError as error:
                self._asked_again_at = time.monotonic() + _PASSED_OVER_SECONDS
                log.warning("limits are counted by each process for itself: %s", error)
        return _use(self._alone, rule, kind, who)


def install(app: Flask, settings: Settings, tallies: Tallies, *, key_of: Callable[[], str | None]) -> None:
    """Limit what is public, and logins. key_of: the API key of the request, None without one."""
    limiter = app.extensions["limiter"] = Limiter(settings, tallies)

    @app.before_request
    def _limit() -> None:
        if request.endpoint in _LOGINS and request.method == "POST":
            _by_address(limiter, "login")
        elif request.path.startswith(_PUBLIC) and (request.method == "POST" or request.endpoint == "api.search"):
            key = key_of()
            if key is None:
                _by_address(limiter, "address")
            else:
                limiter.use("key", key)


def count_message(channel: str, sender: str) -> None:
    """Count a message of a sender. Raises TooManyError."""
    limiter: Limiter = current_app.extensions["limiter"]
    limiter.use("session", f"{channel}/{sender}")


def _by_address(limiter: Limiter, kind: str) -> None:
    """Not for this machine, on which a proxy may be that is not trusted: all the world would be one address."""
    address = request.remote_addr
    if address and not is_this_machine(address):
        limiter.use(kind, network_of(address))


def _use(limiter: FixedWindowRateLimiter, rule: RateLimitItem, kind: str, who: str) -> int | None:
    """None for a use that is allowed, else the seconds until the next one may be."""
    if limiter.test(rule, kind, who) and limiter.hit(rule, kind, who):
        return None
    return max(1, round(limiter.get_window_stats(rule, kind, who).reset_time - time.time()))


def _rules(text: str) -> list[RateLimitItem]:
    return [] if text == UNLIMITED else parse_many(text)


@lru_cache(maxsize=4096)
def _seconds(key: str) -> int:
    """The length of the window of a key, which ends in amount, multiple and granularity."""
    _, multiple, granularity = key.rsplit("/", 2)
    return parse_many(f"1 per {multiple} {granularity}")[0].get_expiry()


def _storage(settings: Settings) -> Storage | None:
    """The store of the settings, None for the database."""
    if settings.limit_store is None:
        return None
    try:
        limits = {"socket_timeout": _STORE_SECONDS, "socket_connect_timeout": _STORE_SECONDS}
        return storage_from_string(settings.limit_store.get_secret_value(), wrap_exceptions=True, **limits)  # type: ignore[return-value]
    except Exception as error:
        raise BadInputError(
            f"HELPDESK_LIMIT_STORE: {type(error).__name__}; expected e.g. redis://host/0 or valkey://host/0, "
            "with `pip install 'helpdesk[redis]'` or `'helpdesk[valkey]'`"
        ) from None
