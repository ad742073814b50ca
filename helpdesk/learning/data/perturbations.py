"""Variants of a message as people type them: typos, case, punctuation, fillers, order, abbreviations, negation.

A variant depends on the seed, the kind and the text alone, so that two bundles get the same variants. English.
"""

import re
from collections.abc import Callable
from random import Random

NEGATION = "negation"
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OPENINGS = (
    "hi, ",
    "hello there, ",
    "good morning, ",
    "sorry to bother you, ",
    "hey, quick question: ",
    "um, so ",
    "ok so basically ",
    "dear team, ",
)
_CLOSINGS = ("", ", thanks", ", thank you in advance", " please", ", any idea?", ", cheers")
_SHORT = {
    "account": "acct",
    "and": "&",
    "are": "r",
    "because": "bc",
    "before": "b4",
    "cannot": "cant",
    "computer": "pc",
    "could": "cd",
    "document": "doc",
    "does not": "doesnt",
    "for": "4",
    "have": "hv",
    "information": "info",
    "is not": "isnt",
    "message": "msg",
    "number": "no",
    "office": "ofc",
    "password": "pwd",
    "people": "ppl",
    "phone": "ph",
    "please": "pls",
    "should": "shd",
    "thank you": "thx",
    "thanks": "thx",
    "to": "2",
    "transfer": "tfr",
    "what is": "whats",
    "why": "y",
    "with": "w/",
    "without": "w/o",
    "you": "u",
    "your": "ur",
}
_SHORTENED = re.compile(rf"\b({'|'.join(sorted(_SHORT, key=len, reverse=True))})\b")
_AUXILIARY = re.compile(
    r"\b((?:is|are|was|were|do|does|did|can|could|will|would|should|must|has|have|am)"
    r"(?: (?:i|you|we|they|he|she|it))?)\b"
)
_NEGATED = re.compile(
    r"\b(?:(do|does|did|is|are|was|were|could|would|should|has|have)(?:n['’]?t| not)|can(?:['’]?t|not| not))\b"
)
_INNER_VOWELS = re.compile(r"(?<=\w)[aeiou](?=\w)")
_MARKS = re.compile(r"[^\w\s]")


def perturb(text: str, kind: str, *, seed: int) -> str | None:
    """One variant of a message, None when this kind cannot change it (one word has no order)."""
    variant = PERTURBATIONS[kind](text, Random(f"{seed}:{kind}:{text}"))
    return None if variant is None or variant == text else variant


def mistype(text: str, random: Random, *, words_a_slip: int = 4) -> str | None:
    """One slip in every few words of four letters or more: two swapped, one lost, doubled, or a neighbouring key."""
    words = text.split(" ")
    eligible = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not eligible:
        return None
    slips = max(1, round(len(eligible) / words_a_slip))
    for place in random.sample(eligible, min(slips, len(eligible))):
        words[place] = _slip(words[place], random)
    return " ".join(words)


def _slip(word: str, random: Random) -> str:
    at = random.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    lost = word[:at] + word[at + 1 :]
    doubled = word[:at] + word[at] + word[at:]
    beside = word[:at] + _neighbour(word[at], random) + word[at + 1 :]
    choices = [slipped for slipped in (swapped, lost, doubled, beside) if slipped != word]
    return random.choice(choices)


def _neighbour(letter: str, random: Random) -> str:
    for row in _KEYS:
        if letter in row:
            at = row.index(letter)
            return random.choice(row[max(0, at - 1) : at] + row[at + 1 : at + 2])
    return letter


def _case(text: str, random: Random) -> str:
    return random.choice((text.upper(), text.title(), text.swapcase()))


def _punctuation(text: str, random: Random) -> str:
    """Marks inside are lost; where there are none, a comma slips in. Then a row of marks at the end."""
    bare = _MARKS.sub("", text)
    if bare == text:
        first, _, rest = text.partition(" ")
        bare = f"{first}, {rest}" if rest else first
    return bare + random.choice(("???", "!!!", " ...", " ?!"))


def _filler(text: str, random: Random) -> str:
    return random.choice(_OPENINGS) + text + random.choice(_CLOSINGS)


def _word_order(text: str, random: Random) -> str | None:
    """The end comes first: cut somewhere in the middle and swap the parts."""
    words = text.split(" ")
    if len(words) < 2:
        return None
    cut = random.randint(max(1, len(words) // 3), max(1, 2 * len(words) // 3))
    return " ".join(words[cut:] + words[:cut])


def _abbreviation(text: str, random: Random) -> str | None:
    """Common short forms; where none fits, the longest word loses its inner vowels."""
    short = _SHORTENED.sub(lambda found: _SHORT[found[0]], text)
    if short != text:
        return short
    longest = max(text.split(" "), key=len)
    squeezed = _INNER_VOWELS.sub("", longest)
    return text.replace(longest, squeezed, 1) if len(longest) >= 6 else None


def _negation(text: str, random: Random) -> str:
    """The opposite: a "not" is taken away, or put after the first auxiliary, or before everything."""
    if found := _NEGATED.search(text):
        return text[: found.start()] + (found[1] or "can") + text[found.end() :]
    if _AUXILIARY.search(text):
        return _AUXILIARY.sub(r"\1 not", text, count=1)
    return f"i do not mean {text}"


PERTURBATIONS: dict[str, Callable[[str, Random], str | None]] = {
    "typo": mistype,
    "case": _case,
    "punctuation": _punctuation,
    "filler": _filler,
    "word order": _word_order,
    "abbreviation": _abbreviation,
    NEGATION: _negation,
}
