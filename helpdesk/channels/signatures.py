"""HMAC signatures of other systems: one table of recipes, verified over the raw bytes, made for what we send."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

TOLERANCE_SECONDS = 300


class HeaderLookup(Protocol):
    """The headers of a request."""

    def get(self, key: str, default: str, /) -> str:
        """A header's value, else the default."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How one system signs a request with HMAC-SHA256.

    signed: what is signed, with `{id}`, `{timestamp}` and `{body}`; several: the header may hold several signatures,
    separated by blanks; key: secret -> bytes of the key; encode: digest -> text after `prefix`; timestamp: None where
    no moment is signed, so that a replay is known by the message's id alone.
    """

    signature: str
    timestamp: str | None
    signed: bytes
    prefix: str
    encode: Callable[[bytes], str]
    key: Callable[[str], bytes] = str.encode
    id: str | None = None
    several: bool = False


def standard_key(secret: str) -> bytes:
    """The key of a secret in base64, after the `whsec_` of Standard Webhooks if that is there. Raises ValueError."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


CHATWOOT = Recipe("X-Chatwoot-Signature", "X-Chatwoot-Timestamp", b"{timestamp}.{body}", "sha256=", bytes.hex)
SLACK = Recipe("X-Slack-Signature", "X-Slack-Request-Timestamp", b"v0:{timestamp}:{body}", "v0=", bytes.hex)
TEAMS = Recipe("Authorization", None, b"{body}", "HMAC ", _base64, key=standard_key)
STANDARD_WEBHOOKS = Recipe(
    "webhook-signature",
    "webhook-timestamp",
    b"{id}.{timestamp}.{body}",
    "v1,",
    _base64,
    key=standard_key,
    id="webhook-id",
    several=True,
)


def sign(recipe: Recipe, secret: str, *, body: bytes, at: float, message_id: str = "") -> dict[str, str]:
    """The headers that sign a body at a moment (seconds since 1970)."""
    timestamp = str(int(at))
    digest = _digest(recipe, recipe.key(secret), message_id, timestamp, body)
    named = {recipe.id: message_id} if recipe.id else {}
    dated = {recipe.timestamp: timestamp} if recipe.timestamp else {}
    return named | dated | {recipe.signature: recipe.prefix + recipe.encode(digest)}


def is_signed(recipe: Recipe, secrets: Sequence[str], headers: HeaderLookup, body: bytes, *, now: float) -> bool:
    """Whether the raw body is signed with one of the secrets, not more than five minutes before or after now.

    headers: looked up as the recipe names them; werkzeug's do not tell case apart.
    """
    timestamp = headers.get(recipe.timestamp, "") if recipe.timestamp else ""
    message_id, given = headers.get(recipe.id, "") if recipe.id else "", headers.get(recipe.signature, "")
    if (recipe.timestamp and not _is_lately(timestamp, now)) or (recipe.id and not message_id):
        return False
    candidates = [one.encode() for one in (given.split() if recipe.several else [given])]
    keys = [recipe.key(secret) for secret in secrets]
    expected = [recipe.prefix + recipe.encode(_digest(recipe, key, message_id, timestamp, body)) for key in keys]
    return any(hmac.compare_digest(good.encode(), one) for good in expected for one in candidates)


def _is_lately(timestamp: str, now: float) -> bool:
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    return abs(now - int(timestamp)) <= TOLERANCE_SECONDS


def is_secret(given: str, secrets: Sequence[str]) -> bool:
    """Whether a token is one of the secrets; how long the comparison takes tells nothing of them."""
    return any(hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode()) for secret in secrets)


def _digest(recipe: Recipe, key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    filled = recipe.signed.replace(b"{id}", message_id.encode()).replace(b"{timestamp}", timestamp.encode())
    return hmac.digest(key, filled.removesuffix(b"{body}") + body, hashlib.sha256)
