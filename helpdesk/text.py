"""The one normalising function: it keys the tables, and what it returns is what the encoder sees."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Final

OUT_OF_SCOPE: Final = ""  # stands where an intent is named: none of the FAQs is meant
_SPACES: Final = re.compile(r"\s+")
_EDGES: Final = " \t.,;:!?¡¿…\"'`´*_~-–—"
_QUOTES: Final = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"', "‐": "-", "‑": "-"})
_WORDS: Final = re.compile(r"[^\W_]+")
_ASCII_WORDS: Final = re.compile("[a-z0-9]+")
_LONGEST_SLUG: Final = 64
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]+")


@lru_cache(maxsize=512)
def normalise(text: str) -> str:
    """Fold what people do not mean when they type: width, case, invisible characters, spaces, end marks.

    NFKC and case folding; control, format (zero-width, bidi), surrogate and unassigned characters are removed;
    white space collapses to single spaces; punctuation at both ends goes. Idempotent. May return "".
    """
    if text.isascii():  # folding once is enough, and a tenth of the work: nearly every message is
        return _SPACES.sub(" ", _CONTROLS.sub("", text.casefold())).strip(_EDGES)
    folded = _fold(text)
    while (again := _fold(folded)) != folded:
        folded = again
    return folded


def text_key(normalised: str) -> str:
    """A short fixed-length key of a normalised text (128 bits of SHA-256, hex), for indexes and bundles."""
    return hashlib.sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def words(text: str) -> list[str]:
    """The words of a text: its runs of letters and digits."""
    return _WORDS.findall(text)


def slugify(text: str) -> str:
    """A stable identifier from free text of any script: folded words joined by underscores, at most 64 characters.

    Case, width, spaces, punctuation and the accents of Latin letters make no difference; longer texts end in a key of
    the whole. Idempotent. "" when there are no letters or digits.
    """
    slug = _slug(text)
    while (again := _slug(slug)) != slug:
        slug = again
    if len(slug) <= _LONGEST_SLUG:
        return slug
    return f"{slug[: _LONGEST_SLUG - 9].rstrip('_')}_{text_key(slug)[:8]}"


def humanise(slug: str) -> str:
    """The words of a slug: `card_arrival` -> `card arrival`."""
    return _SPACES.sub(" ", re.sub(r"[_\-.]+", " ", slug)).strip()


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 entry`, `1,200 entries`; `many`: the plural where it is not the noun with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def visible(text: str) -> str:
    """The same text with control and format characters written as `\\u202e`, for people to see."""
    return "".join(_spelled(c) for c in text)


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).casefold()
    text = "".join(" " if c in "\t\n\r\x0b\x0c\x85" else c for c in text if not _invisible(c))
    return unicodedata.normalize("NFKC", _SPACES.sub(" ", text).strip(_EDGES))


def _slug(text: str) -> str:
    if text.isascii():
        return "_".join(_ASCII_WORDS.findall(text.casefold()))
    letters = ""
    for c in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()):
        kind = unicodedata.category(c)[0]
        if kind in "LN" or (kind == "M" and letters[-1:] not in ("", "_") and not letters[-1].isascii()):
            letters += c
        elif kind != "M":
            letters += "_"
    return "_".join(unicodedata.normalize("NFC", word) for word in letters.split("_") if word)


def _invisible(character: str) -> bool:
    return unicodedata.category(character)[0] == "C" and character not in "\t\n\r\x0b\x0c\x85"


def _spelled(character: str) -> str:
    if character in "\n\t" or not _invisible(character):
        return character
    return f"\\u{ord(character):04x}"
