"""A trial of operators' patterns: nested repetition can take for ever on a text that nearly matches.

Python cannot interrupt a search, so another process makes the trial, which can be ended. The texts are those that hurt:
what a pattern begins to match, repeated as often as a message is long, and then something else.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Final

_PARSER: Final[Any] = import_module("re._parser")  # Python has no public reader of patterns
_OP: Final[Any] = import_module("re._constants")
_CHARACTERS: Final = 2_000  # of a trial text, as many as the longest message has by default
_SECONDS: Final = 0.5  # of processor, for all texts of a pattern
_PATIENCE: Final = 5  # seconds for all patterns, because the machine may be busy
_TRIAL: Final = """
import json, re, sys, time
for number, (expression, texts) in enumerate(json.load(sys.stdin)):
    print(number, 0, flush=True)
    before = time.process_time()
    for text in texts:
        for _ in re.finditer(expression, text):
            pass
    print(number, time.process_time() - before, flush=True)
"""
_REPEATS: Final = (_OP.MAX_REPEAT, _OP.MIN_REPEAT, _OP.POSSESSIVE_REPEAT)
_CLASSES: Final = {_OP.CATEGORY_DIGIT: "1", _OP.CATEGORY_SPACE: " ", _OP.CATEGORY_WORD: "a"}
_OFTEN: Final = 10  # a repetition of no more times is no long one
_SOME: Final = "a1 -A_.@"


def slow_pattern(expressions: Sequence[str]) -> int | None:
    """Which of the regular expressions takes too long on a message, None when none does."""
    trials = [(expression, list(_texts(expression))) for expression in expressions]
    said = _tried(json.dumps(trials))
    for line in said.splitlines():
        number, seconds = line.split()
        if float(seconds) > _SECONDS:
            return int(number)
    finished = len(said.splitlines()) == 2 * len(trials)
    return None if finished else int(said.split()[-2])


def _tried(trials: str) -> str:
    """What the trial had said when it was over, or when it had to be ended."""
    command = [sys.executable, "-I", "-S", "-c", _TRIAL]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        try:
            return child.communicate(trials, timeout=_PATIENCE)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            return child.communicate()[0]


def _texts(expression: str) -> Iterator[str]:
    """Texts that match at first: each repetition goes on for long, one at a time and all at once, until the last
    character."""
    parsed = _PARSER.parse(expression)
    repetitions = sum(kind in _REPEATS for kind, _ in parsed)
    for long in (None, *range(repetitions)):
        yield f"{_matching(parsed, long)[:_CHARACTERS]}\0"


def _matching(parsed: Any, long: int | None, most: int = _CHARACTERS) -> str:
    """What a part of a pattern matches. long: which of its repetitions is a long one, None for all; most: how often."""
    pieces, repetition = [], 0
    for kind, value in parsed:
        if kind in _REPEATS:
            least, _, part = value
            chosen = long in (None, repetition) and value[1] > _OFTEN
            repetition += 1
            times = most if chosen else min(least, _CHARACTERS)
            pieces.append((_matching(part, None, 1) * times)[:_CHARACTERS])
        elif kind == _OP.SUBPATTERN:
            pieces.append(_matching(value[-1], long, most))
        elif kind == _OP.BRANCH:
            pieces.append(_matching(value[1][0], long, most))
        elif kind == _OP.LITERAL:
            pieces.append(chr(value))
        elif kind == _OP.IN:
            pieces.append(_member(value))
        elif kind in (_OP.ANY, _OP.NOT_LITERAL):
            pieces.append(next(c for c in _SOME if kind == _OP.ANY or c != chr(value)))
    return "".join(pieces)


def _member(members: Any) -> str:
    """A character of a set."""
    if members[0][0] == _OP.NEGATE:
        return next((c for c in _SOME if not any(_holds(member, c) for member in members[1:])), "~")
    kind, value = members[0]
    return chr(value) if kind == _OP.LITERAL else chr(value[0]) if kind == _OP.RANGE else _CLASSES.get(value, "~")


def _holds(member: Any, character: str) -> bool:
    kind, value = member
    if kind == _OP.LITERAL:
        return bool(value == ord(character))
    if kind == _OP.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return character in {_OP.CATEGORY_DIGIT: "1", _OP.CATEGORY_SPACE: " ", _OP.CATEGORY_WORD: "a1A_"}.get(value, "")
