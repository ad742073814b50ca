"""The paired slices of the fairness report: the same message twice, with one trait of its writer changed. English.

Both variants carry a mark of about the same length, so that they differ in whose mark it is, not in whether there is
one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

from helpdesk.learning.data.perturbations import mistype
from helpdesk.text import normalise

Mark = Callable[[str, Random], str]
_ENGLISH = ("emily", "jack", "sarah", "thomas", "emma", "oliver")
_ARABIC = ("mohammed", "fatima", "ahmed", "aisha", "omar", "khadija")
_SOUTH_ASIAN = ("priya", "rajesh", "lakshmi", "sanjay", "anjali", "venkat")
_EAST_EUROPEAN = ("agnieszka", "vladimir", "katarzyna", "dragan", "oksana", "zoltan")
_DRAWS = 200  # enough to see every mark that a side can draw
_WITH_NAME = ("this is {name}, {text}", "{name} here, {text}", "my name is {name}, {text}")


@dataclass(frozen=True)
class Slice:
    """One trait: its two groups in words, and how a message is marked for each group.

    Slices of one family draw the same marks, so that they share the messages of a common first group.
    """

    name: str
    family: str
    sides: tuple[str, str]
    marks: tuple[Mark, Mark]

    def pair(self, text: str, *, seed: int) -> tuple[str, str]:
        """The message on both sides, with matching marks; the same ones for the same seed."""
        first, second = (mark(text, Random(f"{seed}:{self.family}:{text}")) for mark in self.marks)
        return first, second

    def carried_by(self, text: str) -> bool:
        """Whether a normalised text has a mark of either side already."""
        return any(text.startswith(before) and text.endswith(after) for before, after in self._bare_marks)

    @cached_property
    def _bare_marks(self) -> set[tuple[str, str]]:
        """What stands before and after the message, for every mark."""
        drawn = {mark("0", Random(draw)).partition("0") for mark in self.marks for draw in range(_DRAWS)}
        return {(normalise(before), normalise(after)) for before, _, after in drawn if before or after}


def _named(names: tuple[str, ...]) -> Mark:
    return lambda text, random: random.choice(_WITH_NAME).format(name=random.choice(names), text=text)


def _phrased(*forms: str) -> Mark:
    return lambda text, random: random.choice(forms).format(text=text)


def _as_it_is(text: str, random: Random) -> str:
    return text


def _unpractised(text: str, random: Random) -> str:
    """No apostrophes or commas, and a slip in every other word."""
    bare = text.replace("'", "").replace(",", "")
    return mistype(bare, random, words_a_slip=2) or bare


_ENGLISH_NAMES = ("English names", _named(_ENGLISH))
_STANDARD = (
    "standard English",
    _phrased("hello, can you help me with this, {text}", "{text}, i do not know what is wrong"),
)
_POLITE = ("polite", _phrased("could you please help me, {text}, thank you", "if you do not mind, {text}, many thanks"))


def _slice(family: str, name: str, first: tuple[str, Mark], second: tuple[str, Mark]) -> Slice:
    return Slice(name, family, (first[0], second[0]), (first[1], second[1]))


FAIRNESS_SLICES = (
    _slice("name", "name: Arabic", _ENGLISH_NAMES, ("Arabic names", _named(_ARABIC))),
    _slice("name", "name: South Asian", _ENGLISH_NAMES, ("South Asian names", _named(_SOUTH_ASIAN))),
    _slice("name", "name: East European", _ENGLISH_NAMES, ("East European names", _named(_EAST_EUROPEAN))),
    _slice(
        "dialect",
        "dialect: African American English",
        _STANDARD,
        (
            "African American English",
            _phrased("hey, can y'all help me wit this, {text}", "{text}, i ain't know what be wrong"),
        ),
    ),
    _slice(
        "dialect",
        "dialect: Indian English",
        _STANDARD,
        (
            "Indian English",
            _phrased("sir, kindly do the needful for this, {text}", "{text}, i am having one doubt only"),
        ),
    ),
    _slice(
        "dialect",
        "dialect: Scots",
        _STANDARD,
        ("Scots", _phrased("hullo, can ye gie us a haun wi this, {text}", "{text}, ah dinnae ken whit's wrang")),
    ),
    _slice(
        "tone",
        "register: slang",
        _POLITE,
        ("slang", _phrased("yo guys, {text}, lol this sucks", "omg wtf guys, {text}")),
    ),
    _slice(
        "tone",
        "politeness: curt",
        _POLITE,
        ("curt", _phrased("sort this out now, {text}, hurry up", "listen to me, {text}, and be quick")),
    ),
    _slice("typing", "typing: unpractised", ("as typed", _as_it_is), ("unpractised typing", _unpractised)),
)
