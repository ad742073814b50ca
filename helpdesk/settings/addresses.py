"""Settings that are addresses, of the web and of mail; what may be secret is not repeated in a message."""

import re
from urllib.parse import urlsplit

_MAIL = re.compile(r"[!-~]+@[!-~]+")


def check_web_address(address: str) -> str:
    """The address, which can be called. Raises ValueError that says what was expected."""
    if not _can_be_called(address):
        raise ValueError("expected an http or https address")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise ValueError("expected an address of printable ASCII letters without blanks")
    return address


def check_mail_address(address: str) -> str:
    """The address of a mailbox. Raises ValueError that says what was expected."""
    if not _MAIL.fullmatch(address) or address.count("@") != 1 or set(address) & set('<>,;:"()[]\\'):
        raise ValueError("expected an address such as support@example.com")
    return address


def _can_be_called(address: str) -> bool:
    parts = urlsplit(address)
    try:
        known = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and known
