"""Messages in which what is personal is marked, and how well a redactor finds it."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from helpdesk.redaction import Redactor

MESSAGES = Path(__file__).parent / "redaction_messages.txt"
_MARKED = re.compile(r"\{(\w+)\|([^}]*)\}")
_ESCAPED = re.compile(r"\\(?:n|u[0-9a-f]{4})")


@dataclass(frozen=True)
class MarkedMessage:
    """One message, and the (kind, text) of what is personal in it."""

    text: str
    personal: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Score:
    """Right, missed and wrongly replaced pieces of one kind."""

    right: int
    missed: int
    wrong: int

    @property
    def precision(self) -> float:
        """The share of what was replaced that had to be."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """The share of what had to be replaced that was."""
        return self.right / max(self.right + self.missed, 1)


def read_marked() -> list[MarkedMessage]:
    """Every message of the set."""
    lines = [_ESCAPED.sub(_character, line) for line in MESSAGES.read_text(encoding="utf-8").split("\n")]
    return [
        MarkedMessage(_MARKED.sub(r"\2", line), tuple(_MARKED.findall(line)))
        for line in lines
        if line and not line.startswith("#")
    ]


def _character(escaped: re.Match[str]) -> str:
    return "\n" if escaped[0] == r"\n" else chr(int(escaped[0][2:], 16))


def score(redactor: Redactor, messages: list[MarkedMessage]) -> tuple[dict[str, Score], list[str]]:
    """Kind -> score, `all` for all kinds; and one line for each mistake. A piece counts when it is found whole."""
    right, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    mistakes = []
    for message in messages:
        found = Counter((f.kind, message.text[f.start : f.end]) for f in redactor.find(message.text))
        wanted = Counter(message.personal)
        for counts, pieces in ((right, found & wanted), (missed, wanted - found), (wrong, found - wanted)):
            for (kind, _), number in pieces.items():
                counts[kind] += number
        mistakes += [f"missed {kind} {text!r} in {message.text!r}" for kind, text in (wanted - found)]
        mistakes += [f"replaced {kind} {text!r} in {message.text!r}" for kind, text in (found - wanted)]
    scores = {kind: Score(right[kind], missed[kind], wrong[kind]) for kind in sorted(right | missed | wrong)}
    return scores | {"all": Score(right.total(), missed.total(), wrong.total())}, mistakes
