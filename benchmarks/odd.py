"""Messages as people really type them, to the starter FAQ: how many are handled right, by kind of message.

    python benchmarks/odd.py [--home HOME] [--part figures|development|all] [--other] [--json] [--show]

Without --home a home is made as `helpdesk init` makes one. Each message of `training_data/odd_messages.csv` is decided
as `POST /api/v1/match` decides it. Half of the messages, by a hash of their text, are there to work with
(`development`, which --show lists from); the other half only to be counted (`figures`): read no message of that half
for its failure.
--other takes the messages in German, French and Spanish, by language.

expected    handled right if
answer      answered with exactly the entries that the row names
offer       answered with nothing but entries that the row names, or one of them is among the options
both        each of the two entries is answered or among the options
none        not answered
smalltalk   not answered
human       handed over to a colleague, or the entry of the service desk is answered or among the options

wrong answers: of the messages that are answered directly, the share that got an entry which the row does not name.
"""

import argparse
import csv
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from helpdesk.home import open_home
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records.database import open_database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import resource, temporary_settings
from helpdesk.text import normalise

DEVELOPMENT: Final = "development"
FIGURES: Final = "figures"
PARTS: Final = {DEVELOPMENT: (DEVELOPMENT,), FIGURES: (FIGURES,), "all": (DEVELOPMENT, FIGURES)}
_SHOWN = 160  # characters of a message


@dataclass(frozen=True)
class Row:
    """One message and what should become of it."""

    text: str
    kind: str
    expected: str
    intents: tuple[str, ...] = ()
    language: str = "en"


class Decided(Protocol):
    """What is judged of a decision. Kinds are compared as strings: those of a later version count too."""

    @property
    def kind(self) -> str: ...
    @property
    def intents(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> tuple[str, ...]: ...
    @property
    def reason(self) -> str: ...


Judged = Sequence[tuple[Row, Decided]]


def main() -> None:
    """Decide, judge, print."""
    arguments = _arguments()
    rows = read("odd_messages_other.csv" if arguments.other else "odd_messages.csv")
    rows = [row for row in rows if half(row.text) in PARTS[arguments.part]]
    with _service(arguments.home) as service:
        judged = [(row, service.match(row.text)[0]) for row in rows]
    group = "language" if arguments.other else "kind"
    found = {
        part: figures([pair for pair in judged if half(pair[0].text) == part], group=group)
        for part in PARTS[arguments.part]
    }
    print(json.dumps(found) if arguments.json else as_table(found, group=group))
    if arguments.show:
        print("\n".join(["", *failures(judged)]))


def read(name: str) -> list[Row]:
    """The rows of a file of `training_data/`."""
    with (resource("training_data") / name).open(encoding="utf-8", newline="") as file:
        return [
            Row(row["text"], row["kind"], row["expected"], _slugs(row["intents"]), row.get("language", "en"))
            for row in csv.DictReader(file)
        ]


def half(text: str) -> str:
    """The half that a message belongs to, whatever file it stands in: SHA-256 of its normalised text, even or odd."""
    return FIGURES if hashlib.sha256(normalise(text).encode()).digest()[-1] % 2 else DEVELOPMENT


def handled(row: Row, decision: Decided) -> bool:
    """Whether a message was handled right, by the table of the module's docstring."""
    wanted, answered, offered = set(row.intents), set(decision.intents), set(decision.options)
    match row.expected:
        case "answer":
            return decision.kind == "answer" and answered == wanted
        case "offer":
            return answered <= wanted if decision.kind == "answer" else bool(offered & wanted)
        case "both":
            return wanted <= answered | offered
        case "human":
            return decision.kind == "handoff" or bool(wanted & (answered | offered))
        case "none" | "smalltalk":
            return decision.kind != "answer"
    raise ValueError(f"expected is {row.expected!r}; known are answer, offer, both, human, none and smalltalk")


def figures(judged: Judged, *, group: str) -> dict[str, Any]:
    """Counts and shares from 0 to 1, overall and by a column of the rows."""
    names = list(dict.fromkeys(getattr(row, group) for row, _ in judged))
    answers = [(row, decision) for row, decision in judged if decision.kind == "answer"]
    wrong = [not set(decision.intents) <= set(row.intents) for row, decision in answers]
    groups = {name: _right([pair for pair in judged if getattr(pair[0], group) == name]) for name in names}
    return {"groups": groups, "total": _right(judged), "answers": len(answers), "wrong_rate": _share(wrong)}


def failures(judged: Judged) -> Iterator[str]:
    """One line for each message of the development half that was not handled right."""
    for row, decision in judged:
        if half(row.text) == DEVELOPMENT and not handled(row, decision):
            wanted = f"{row.expected} {';'.join(row.intents)}".strip()
            got = f"{decision.kind} {';'.join(decision.intents or decision.options)}".strip()
            text = " / ".join(row.text.split("\n"))
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            yield f"{row.kind}: {shown}\n    wanted {wanted}, got {got} ({decision.reason})"


def as_table(found: dict[str, dict[str, Any]], *, group: str) -> str:
    """A line a group, the halves side by side."""
    names = dict.fromkeys(name for half_ in found.values() for name in half_["groups"])
    lines = [
        f"| {group} | " + " | ".join(f"messages, {part} | handled right" for part in found) + " |",
        "|---|" + "---|---|" * len(found),
    ]
    for name in names:
        lines.append(_line(name, [half_["groups"].get(name, _right([])) for half_ in found.values()]))
    lines.append(_line("total", [half_["total"] for half_ in found.values()]))
    wrong = [f"{half_['answers']} answers | {100 * half_['wrong_rate']:.1f}% wrong" for half_ in found.values()]
    return "\n".join([*lines, f"| wrong answers | {' | '.join(wrong)} |"])


def _slugs(joined: str) -> tuple[str, ...]:
    return tuple(filter(None, joined.split(";")))


def _line(name: str, halves: Sequence[dict[str, Any]]) -> str:
    return f"| {name} | " + " | ".join(f"{h['messages']} | {100 * h['right']:.1f}%" for h in halves) + " |"


def _right(judged: Judged) -> dict[str, Any]:
    return {"messages": len(judged), "right": _share([handled(row, decision) for row, decision in judged])}


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else 0.0


@contextmanager
def _service(home: Path | None) -> Iterator[ChatService]:
    """What answers in a home that exists, or in a fresh one with the starter FAQ."""
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        settings = temporary_settings(home or Path(folder))
        with closing(open_database(settings) if home is None else open_home(settings)) as database:
            if home is None:
                for _ in set_up(settings, database, starter_faq=True, progress=Bars()):
                    pass
            live = LiveMatcher(database, settings)
            live.refresh()
            if not live.status().ready:
                raise SystemExit(f"nothing to answer with: {live.status().problem}")
            yield ChatService(database, live, settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home whose version in service decides")
    parser.add_argument("--part", choices=sorted(PARTS), default="all")
    parser.add_argument("--other", action="store_true", help="the messages in other languages")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", action="store_true", help="list what went wrong in the development half")
    return parser.parse_args()


if __name__ == "__main__":
    main()
