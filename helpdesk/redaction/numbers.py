"""Telephone numbers, payment cards and bank accounts in free text.

phonenumbers knows the numbering plans of all countries, python-stdnum the check digits. What they cannot know is what a
number is about: the words before it say so, and order numbers, dates and amounts are left alone.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

PHONE, CARD, IBAN = "phone", "card", "iban"

_IBAN: Final = re.compile(r"(?<![\w])[a-z]{2}\d\d(?:[ -]?[a-z0-9]){11,34}(?![a-z0-9])", re.IGNORECASE)
_CARD: Final = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])")
_PHONE: Final = re.compile(r"(?<![\w.,:/#$€£@-])(?:\+ ?|00 ?)?\(?\d[\d\s().\-/]{5,22}\d(?![\w%@])(?![.,:/]\d)")
_DATE: Final = re.compile(r"(?:\d{4}([-/.])\d\d?\1\d\d?|\d\d?([-/.])\d\d?\2(?:\d{4}|\d\d))(?:\D|$)")
_OTHER: Final = re.compile(
    r"\b(?:order|orders|ticket|invoice|case|error|code|version|build|ref|reference|tracking|track|parcel|shipment|serial"
    r"|customer|client|account|contract|imei|id|item|article|model|part|job|batch|transaction|booking|sku|isbn|no|nr|#)"
    r"(?: ?(?:number|no|nr|id|code|reference))?[.:#]*\s*(?:is|was|=|:|#|of)?\s*[#(]?$",
    re.IGNORECASE,
)
_CALL: Final = re.compile(
    r"\b(?:call|phone|phones|ring|tel|telephone|telefon|mobile|cell|cellphone|fax|text|sms|whatsapp|reach|dial|handy|hotline"
    r"|contact|signal|callback)\b[^.!?\n]{0,30}$|\b(?:my|new|old|the) number(?: is|:) ?$",
    re.IGNORECASE,
)
_PAID: Final = re.compile(r"\b(?:card|visa|mastercard|amex)\b", re.IGNORECASE)
_YEARS: Final = re.compile(r"(?:(?:19|20)\d\d[ ./-]*)+")
_LOOK_BACK = 40  # characters before a number that may say what it is
_CARD_STARTS = tuple("23456")
_SHORTEST, _LONGEST = 7, 15  # digits of a telephone number


def find_numbers(text: str, *, regions: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of the numbers in a text, bank accounts first; regions: of national telephone numbers."""
    yield from _ibans(text)
    for match in _CARD.finditer(text):
        before = _before(text, match.start())
        if _is_card(match[0]) and (_PAID.search(before) or not _OTHER.search(before)):
            yield match.start(), match.end(), CARD
    for match in _PHONE.finditer(text):
        found = match[0].rstrip(" (-/.")
        if _is_phone(found, _before(text, match.start()), regions):
            yield match.start(), match.start() + len(found), PHONE


def _ibans(text: str) -> Iterator[tuple[int, int, str]]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        found = match[0]
        while found and not iban.is_valid(found, check_country=False):  # words that follow look like its groups
            found = found.rpartition(" ")[0]
        if found:
            yield match.start(), match.start() + len(found), IBAN


def _is_card(found: str) -> bool:
    from stdnum import luhn

    digits = _digits(found)
    return digits.startswith(_CARD_STARTS) and luhn.is_valid(digits)


def _is_phone(found: str, before: str, regions: Sequence[str]) -> bool:
    digits = _digits(found)
    if (
        not _SHORTEST <= len(digits) <= _LONGEST
        or _DATE.match(found)
        or _YEARS.fullmatch(found)
        or _OTHER.search(before)
    ):
        return False
    if found.startswith("+") or (digits.startswith("00") and len(digits) >= _SHORTEST + 3):
        return _parses("+" + digits.removeprefix("00"), None, valid=False)
    if _CALL.search(before):
        return True
    set_apart = found.startswith("(") or digits.startswith("0") or len(re.findall(r"\d+", found)) in (2, 3)
    return set_apart and "." not in found and any(_parses(found, region, valid=True) for region in regions)


def _parses(number: str, region: str | None, *, valid: bool) -> bool:
    """valid: whether the numbering plan must have such a number, or only one of that length."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(parsed) if valid else phonenumbers.is_possible_number(parsed))


def _before(text: str, start: int) -> str:
    return text[max(0, start - _LOOK_BACK) : start]


def _digits(found: str) -> str:
    return "".join(str(int(c)) for c in found if c.isdecimal())
