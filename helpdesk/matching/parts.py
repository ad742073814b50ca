"""Where a message may fall into two questions: at the end of a sentence, or at a word that adds another matter."""

import re

MOST_SPLITS = 3
_SENTENCE_END = re.compile(r"[.?!;]+\s+(?:(?:and|also|plus)\s+)?")
_MORE = re.compile(r",?\s+(?:and\s+also|as\s+well\s+as|also|plus|besides|außerdem|también|aussi)\s+")
_AND = re.compile(r",?\s+(?:and|&|und|et)\s+")
_FEWEST_WORDS = 2


def splits(text: str) -> list[tuple[str, str]]:
    """Up to three ways to read a normalised text as two questions, the most telling boundary first.

    Each part has at least two words. Whether there really are two questions is decided from the scores of the parts.
    """
    found: dict[int, tuple[str, str]] = {}
    for boundary in (_SENTENCE_END, _MORE, _AND):
        for match in boundary.finditer(text):
            parts = text[: match.start()], text[match.end() :]
            if all(len(part.split()) >= _FEWEST_WORDS for part in parts):
                found.setdefault(match.end(), parts)
    return list(found.values())[:MOST_SPLITS]
