"""What a text that comes in must be."""

from typing import Final

from helpdesk.errors import BadInputError

MAX_SENDER: Final = 256
MAX_EXTERNAL_ID: Final = 128


def check_text(name: str, text: str, *, limit: int) -> None:
    """Raise BadInputError unless the text is not empty, within the limit, and storable as UTF-8 without NUL."""
    if not text.strip():
        raise BadInputError(f"{name} is empty; expected text")
    if len(text) > limit:
        raise BadInputError(f"{name} has {len(text):,} characters; expected at most {limit:,}")
    if "\x00" in text or not _is_unicode(text):
        raise BadInputError(f"{name} holds a NUL or a lone surrogate; expected Unicode text")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
