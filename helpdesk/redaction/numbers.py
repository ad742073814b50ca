"""Telephone numbers, payment cards and bank accounts in free text.

phonenumbers knows the numbering plans of all countries, python-stdnum the check digits. What they cannot know is what a
number is about: the words before it say so, and order numbers, dates and amounts are left alone. Nor can they know
where it ends: a card's expiry or opening hours follow it, so whole groups of digits are tried.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PHONE, CARD, IBAN = "phone", "card", "iban"

_IBAN: Final = re.compile(r"(?<![\w])[a-z]{2}\d\d(?:[ -]{0,2}[a-z0-9]){11,34}(?![a-z0-9])", re.IGNORECASE)
_LAST_GROUP: Final = re.compile(r"(?:^|[ -]+)[^ -]*$")
_CARDS: Final = re.compile(r"(?<![\w.+-])\d+(?:[ -]{1,2}\d+)*(?![\w-])")
_PHONES: Final = re.compile(r"(?<![\w.,:/#$€£@-])(?:\+ ?)?\(?\d+(?:[\s().\-/]{1,3}\d+)*")
_GOES_ON: Final = re.compile(r"(?!x\d|ext)[\w%@]|[,:]\d")  # after digits: they are no telephone number's end
_DATE: Final = re.compile(
    r"(?<!\d)(?<!\d[-/.])"
    r"(?:(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:[0-2]?\d|3[01])([-/.])(?:[0-2]?\d|3[01])\2(?:\d{4}|\d\d))"
    r"(?!\d|[-/.]\d)"
)
_NUMBERED = (  # what has a number that can look like a card's
    "order|orders|ticket|invoice|case|error|code|version|build|ref|reference|tracking|track|parcel|shipment|serial"
    "|customer|client|contract|imei|item|article|model|part|job|batch|transaction|booking|sku|isbn"
    "|po|rma|request|receipt|quote|purchase|delivery|reservation|confirmation|claim|policy|licen[cs]e|waybill"
    "|(?:bestell|rechnungs|auftrags|kunden|sendungs|vorgangs|artikel|serien|vertrags)(?:nummer|nr)"
    "|bestellung|rechnung|auftrag|lieferung|sendung|vorgang|commande|facture|colis|dossier|pedido|factura|reserva"
    "|envío|ordine|fattura|spedizione|bestelling|factuur|encomenda|fatura|zamówienie|faktura"
)
_AFTER_NAME = r"(?: ?(?:number|no|nr|id|code|reference|nummer))?[.:#]*\s*(?:is|was|ist|est|es|=|:|#|of)?\s*[#(]?$"
_REFERENCE: Final = re.compile(rf"\b(?:{_NUMBERED}){_AFTER_NAME}", re.IGNORECASE)
_OTHER: Final = re.compile(rf"(?:\b(?:{_NUMBERED}|account|id|no|nr)|#){_AFTER_NAME}", re.IGNORECASE)
_CALL: Final = re.compile(
    r"\b(?:call|phone|phones|ring|tel|telephone|telefon|mobile|cell|cellphone|fax|text|sms|whatsapp|reach|dial|handy|hotline"
    r"|contact|signal|callback)\b[^.!?\n]{0,30}$|\b(?:my|new|old|the) number(?: is|:) ?$",
    re.IGNORECASE,
)
_PAID: Final = re.compile(r"\b(?:card|visa|mastercard|amex)\b", re.IGNORECASE)
_YEARS: Final = re.compile(r"(?:(?:19|20)\d\d[ ./-]*)+")
_AMOUNT: Final = re.compile(r"[1-9]\d?(?: \d{3})+|[1-9]\d\d(?: \d{3})* 000")
_MASK: Final = "\ufffc"  # for each character of what is done with
_LOOK_BACK = 40  # characters before a number that may say what it is
_CARD_STARTS = tuple("23456")
_SHORTEST_CARD, _LONGEST_CARD, _USUAL_CARD = 13, 19, 16  # digits
_IN_GROUP = 4  # digits of a card that are written together, at least
_SHORTEST, _LONGEST = 7, 15  # digits of a telephone number


class _Group(NamedTuple):
    """Characters `start` to `end` of a text are digits; apart: whether a space stands before them."""

    start: int
    end: int
    apart: bool

    @property
    def digits(self) -> int:
        return self.end - self.start


def find_numbers(text: str, *, regions: Sequence[str]) -> list[tuple[int, int, str]]:
    """(start, end, kind) of the numbers in a text, bank accounts first; regions: of national telephone numbers."""
    found = [(start, end, IBAN) for start, end in _ibans(text)]
    text = _DATE.sub(lambda match: _MASK * len(match[0]), text)
    for match in _CARDS.finditer(text):
        found += [(start, end, CARD) for start, end in _cards(text, _groups(text, match))]
    for start, end, _ in found:
        text = text[:start] + _MASK * (end - start) + text[end:]
    for match in _PHONES.finditer(text):
        if not _OTHER.search(_before(text, match.start())):
            found += [(start, end, PHONE) for start, end in _phones(text, match, regions)]
    return found


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        found = match[0]
        while found and not iban.is_valid(found, check_country=False):  # words that follow look like its groups
            found = _LAST_GROUP.sub("", found)
        if found:
            yield match.start(), match.start() + len(found)


def _groups(text: str, match: re.Match[str]) -> list[_Group]:
    return [
        _Group(*group.span(), text[max(0, group.start() - 2) : group.start()].strip("(-./") != "")
        for group in re.compile(r"\d+").finditer(text, *match.span())
    ]


def _cards(text: str, groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
    """The cards among groups of digits; those of the usual length are tried first."""
    at = 0
    while at < len(groups):
        runs: list[Sequence[_Group]] = []
        if at == 0 or (groups[at].apart and groups[at].digits >= _IN_GROUP):
            runs = [
                run
                for run in _runs(groups, at, _SHORTEST_CARD, _LONGEST_CARD)
                if _is_grouped(run, whole=len(run) == len(groups))
            ]
        runs.sort(key=lambda run: abs(sum(group.digits for group in run) - _USUAL_CARD))
        found = next((run for run in runs if _is_card(text, run[0].start, run[-1].end)), None)
        if found:
            yield found[0].start, found[-1].end
        at += len(found) if found else 1


def _runs(groups: Sequence[_Group], at: int, shortest: int, longest: int) -> Iterator[Sequence[_Group]]:
    """The runs of groups from one on that have so many digits, the shortest first."""
    digits = 0
    for end in range(at, len(groups)):
        digits += groups[end].digits
        if digits > longest:
            return
        if digits >= shortest:
            yield groups[at : end + 1]


def _is_grouped(run: Sequence[_Group], *, whole: bool) -> bool:
    """Whether digits are grouped as on a card, or evenly; whole: nothing but them stands there."""
    sizes = [group.digits for group in run]
    return (min(sizes[:-1], default=_IN_GROUP) >= _IN_GROUP and sizes[-1] >= _IN_GROUP - 1) or (
        whole and len(set(sizes[:-1])) == 1
    )


def _is_card(text: str, start: int, end: int) -> bool:
    from stdnum import luhn

    digits, before = _digits(text[start:end]), _before(text, start)
    about_it = _PAID.search(before) or not _REFERENCE.search(before)
    return bool(about_it) and digits.startswith(_CARD_STARTS) and luhn.is_valid(digits)


def _phones(text: str, match: re.Match[str], regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The telephone numbers among the groups of digits of a match: at its start, after one stray number, or after
    another telephone number."""
    groups = _groups(text, match)
    if not match[0].startswith("+") and _GOES_ON.match(text, match.end()):
        groups.pop()
    expected = called = bool(_CALL.search(_before(text, match.start())))
    at = 0
    while at < len(groups) and (at <= 1 or expected):
        start = match.start() if at == 0 else groups[at].start - (text[groups[at].start - 1] == "(")
        runs = list(_runs(groups, at, _SHORTEST, _LONGEST)) if at == 0 or groups[at].apart else []
        found = _phone(text, start, runs, regions, whole=len(groups), expected=expected)
        if found:
            yield start, found[-1].end
        expected = bool(found) or (called and at == 0)
        at += len(found) or 1


def _phone(
    text: str, start: int, runs: Sequence[Sequence[_Group]], regions: Sequence[str], *, whole: int, expected: bool
) -> Sequence[_Group]:
    """The run that is a telephone number, the longest that a numbering plan has; empty when none is.

    whole: of how many groups the run is all that stands there; expected: whether something says that one stands there.
    """
    written = [(run, text[start : run[-1].end]) for run in reversed(runs)]
    written = [
        (run, found)
        for run, found in written
        if not _YEARS.fullmatch(found) and found.count("(") == found.count(")")  # another one's area code follows
    ]
    if not written:
        return ()
    digits = _digits(written[0][1])
    if text[start] == "+" or (digits.startswith("00") and len(digits) >= _SHORTEST + 3):
        return _international(written)
    for run, found in written:
        looks_right = expected or (_stands_alone(found, run, whole) and not _AMOUNT.fullmatch(found))
        if looks_right and any(_parses(found, region, valid=True) for region in regions):
            return run
    return written[0][0] if expected else ()


def _international(written: Sequence[tuple[Sequence[_Group], str]]) -> Sequence[_Group]:
    for valid in (True, False):
        for run, found in written:
            if _parses("+" + _digits(found).removeprefix("00"), None, valid=valid):
                return run
    return ()


def _stands_alone(found: str, run: Sequence[_Group], whole: int) -> bool:
    """Whether a number without a word before it is written as telephone numbers are."""
    return "." not in found and (found.startswith(("(", "0")) or (len(run) == whole and whole in (2, 3)))


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
