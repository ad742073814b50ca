"""E-mail and network addresses in free text."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

EMAIL, IP = "email", "ip"
SPELLED_HINTS: Final = ("dot", "punkt", "punto", "(at)", "[at]", "{at}")

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b")
_DOT: Final = r" ?(?:[\[({]dot[\])}]| (?:dot|punkt|punto) ) ?"
_SPELLED: Final = re.compile(
    rf"(?P<local>[\w.+-]{{1,64}})(?: at (?:[\w-]{{1,63}}{_DOT}){{1,4}}"
    rf"|(?: ?[\[({{]at[\])}}] ?| @ |@ )(?:[\w-]{{1,63}}(?: ?\. ?|{_DOT})){{1,4}})[a-z]{{2,24}}\b",
    re.IGNORECASE,
)
# "Look at example dot com" is about a place.
_NO_NAME: Final = frozenset(
    re.findall(
        r"\w+",
        """
    a all available back bought buy click download error everything find found go hosted in information is it live
    located log login look looked looking me meet met more open order ordered page peek register registered see shop
    shopping shops sign site store stuff support that them these this us visit was work working works you
        """,
    )
)
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE)
# "version 4.2.1.0" is no address.
_VERSION: Final = re.compile(
    r"(?:\b(?:version|ver|v|build|release|firmware|driver|update|patch|sdk|client|chrome|firefox|edge|safari|ios|macos"
    r"|android|windows|office|java|python|section|chapter)[ .:]*(?:is |to |from |number )?|\bv)$",
    re.IGNORECASE,
)
# Shortened addresses begin as those that are given out do; "a::b" is a name in a program.
_ROUTED: Final = re.compile(r"[23][0-9a-f]{3}:|f[c-f][0-9a-f]{2}:|64:ff9b:|::1$|::ffff:", re.IGNORECASE)
_LOGIN: Final = re.compile(r"://[^\s:/@]+:[^\s@/]*$")  # what stands before @ is a password, and after it a host
_LOOK_BACK_LOGIN = 80  # characters
_LOOK_BACK = 24  # characters before an address that may say what it is


def find_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of the addresses in a text."""
    for match in _EMAIL.finditer(text):
        if _LOGIN.search(text[max(0, match.start() - _LOOK_BACK_LOGIN) : match.start()]):
            continue
        lead = len(match[0]) - len(match[0].lstrip("!#$%&'*/=?^`{|}~.-"))
        yield match.start() + lead, match.end(), EMAIL
    for match in _SPELLED.finditer(text):
        if match["local"].casefold() not in _NO_NAME:
            yield match.start(), match.end(), EMAIL
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _is_ip(match[0]) and not _VERSION.search(text[max(0, match.start() - _LOOK_BACK) : match.start()]):
                yield match.start(), match.end(), IP


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "::" not in text or _ROUTED.match(text) is not None
