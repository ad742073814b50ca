"""Regular expressions that are compiled when they are first looked for: hundreds of them take a second."""

import re
from functools import cached_property


class LatePattern:
    """One of them."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def search(self, text: str) -> "re.Match[str] | None":
        """The first match in a text."""
        return self._compiled.search(text)

    def sub(self, replacement: str, text: str) -> str:
        """The text with every match replaced."""
        return self._compiled.sub(replacement, text)

    @cached_property
    def _compiled(self) -> "re.Pattern[str]":
        return re.compile(self._pattern)
