"""Bytes of a text file as text: the encodings that spreadsheets and editors write."""

import codecs
from typing import Final

from helpdesk.errors import BadInputError

ENCODINGS: Final = {  # codec -> what people call it
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "iso8859-15": "ISO 8859-15 (Latin 9)",
    "mac-roman": "Mac Roman",
    "cp850": "DOS 850",
    "shift_jis": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "euc_kr": "EUC-KR (Korean)",
}
_CONTAINED: Final = {"iso8859-1": "cp1252", "ascii": "utf-8", "utf-8-sig": "utf-8"}  # codec -> one that has its letters
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def find_encoding(name: str) -> str:
    """The key of ENCODINGS that a name of it means, such as `windows-1252`. Raises BadInputError."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    found = _CONTAINED.get(found, found)
    for encoding in ENCODINGS:
        if found == codecs.lookup(encoding).name:
            return encoding
    raise BadInputError(f"encoding {name!r:.40}; expected one of {', '.join(ENCODINGS)}")


def decode(data: bytes, encoding: str = "") -> tuple[str, str]:
    """The text, and the encoding that it was read in: the given one, or what the bytes look like.

    UTF-8 is tried first, since other text hardly ever is valid UTF-8; what is neither UTF-8 nor UTF-16 is taken for
    Windows-1252. Raises BadInputError for bytes that the encoding does not have.
    """
    encoding = find_encoding(encoding) if encoding else _guess(data)
    try:
        text = data.decode(_codec(data, encoding))
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"not {ENCODINGS[encoding]} at byte {error.start}; name another encoding, or save it as CSV UTF-8 or .xlsx"
        ) from None
    return text.removeprefix("\ufeff"), encoding


def _guess(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if _zero_bytes(data):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _codec(data: bytes, encoding: str) -> str:
    """UTF-16 without a mark: which of the two bytes of a letter is mostly zero tells their order."""
    if encoding != "utf-16" or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return encoding
    return "utf-16-be" if data[0::2].count(0) > data[1::2].count(0) else "utf-16-le"


def _zero_bytes(data: bytes) -> bool:
    start = data[:4000]
    return max(start[0::2].count(0), start[1::2].count(0)) > len(start) // 5
