"""Origins of web pages, as browsers send them: `https://shop.example`, or every host below one."""

import re
from collections.abc import Collection

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])"
_EXACT = re.compile(rf"https?://{_HOST}(?::\d{{1,5}})?")
_BELOW = re.compile(rf"https?://\*(?:\.{_LABEL}){{2,}}(?::\d{{1,5}})?")
_DEFAULT_PORT = re.compile(r"^(?:(http://.*):80|(https://.*):443)$")


def exact_origin(text: str) -> str:
    """An origin as browsers write it: lower case, without the port that goes without saying. Raises ValueError."""
    origin = _written(text)
    if not _EXACT.fullmatch(origin):
        raise ValueError(f"{text!r:.80} is no origin; expected one such as https://shop.example, without a path")
    return origin


def allowed_origin(text: str) -> str:
    """An exact origin, or `https://*.example.org` for every host below example.org. Raises ValueError."""
    origin = _written(text)
    if "*" not in origin:
        return exact_origin(text)
    if not _BELOW.fullmatch(origin):
        raise ValueError(f"{text!r:.80} would let in others; expected https://*.example.org or an exact origin")
    return origin


def allows(allowed: Collection[str], origin: str) -> bool:
    """Whether an origin is one of the allowed ones or below one of them."""
    if origin in allowed:
        return True
    if not _EXACT.fullmatch(origin):
        return False
    scheme, _, host = origin.partition("://")
    return any(
        host.endswith(below.removeprefix(f"{scheme}://*")) for below in allowed if below.startswith(f"{scheme}://*")
    )


def _written(text: str) -> str:
    origin = text.strip().lower()
    found = _DEFAULT_PORT.match(origin)
    return origin if found is None else found[1] or found[2]
