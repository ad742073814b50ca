"""Promotions and rollbacks under load: does a request fail, does an answer mix versions, how soon is it in force?

    python benchmarks/swaps.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv

Two versions of one FAQ, without and with as many labels as phrasings, take turns behind real gunicorn while clients
never pause. What each version says of each message is recorded beforehand, one version at a time; every answer under
load names its version and must be what that one said. Every other swap is a rollback.

failed       requests without an answer, or with any status but 200
mixed        answers that are not what the version they name had said
slowest      seconds from the end of the command to the last request that the old version still answered
"""

import argparse
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
from click.testing import CliRunner
from home import label_all, night, temporary_home
from services import free_port, helpdesk_service

from helpdesk.cli.main import cli
from helpdesk.records.database import Database
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.files.labelled_sets import first_of_each
from helpdesk.records.versions import current
from helpdesk.settings import Settings

CLIENTS = 6
SHOTS = 20
IN_A_ROW = 30
PAUSE = 0.5  # seconds between a swap in force and the next
Said = tuple[Any, ...]


@dataclass
class Load:
    """Clients that send the texts round and round; replies are (start, version, text, what was said)."""

    port: int
    texts: Sequence[str]
    replies: list[tuple[float, int, str, Said]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def send(self, number: int) -> None:
        """One client, until told to stop."""
        with httpx.Client(timeout=30) as client:
            while not self.stop.is_set():
                text = self.texts[number % len(self.texts)]
                number += 1
                started = time.monotonic()
                try:
                    version, said = ask(client, self.port, text)
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    self.failures.append(repr(error))
                else:
                    self.replies.append((started, version, text, said))


def main() -> None:
    """Build, swap, print."""
    arguments = _arguments()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    rows = first_of_each(read_labelled(arguments.train), SHOTS)
    texts = [text for text, _ in read_labelled(arguments.test)][:: max(1, 3000 // arguments.messages)]
    with temporary_home(rows[::2], port=free_port()) as (settings, database):
        first = _serving(database)
        label_all(database, rows[1::2])
        night(settings, database, minutes=1, finetune=False)
        with helpdesk_service(settings):
            result = measure(settings, (first, _serving(database)), texts, swaps=arguments.swaps)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<10} {value}" for name, value in result.items()))


def measure(settings: Settings, versions: tuple[int, int], texts: Sequence[str], *, swaps: int) -> dict[str, Any]:
    """Record both versions, then swap them under load."""
    first, second = versions
    if first == second:
        raise RuntimeError("the second version was not promoted")
    expected = {second: _record(settings, texts)}
    _command(settings, "rollback")
    _until_served(settings, first)
    expected[first] = _record(settings, texts)
    swapped = []
    with _under_load(settings.port, texts) as load:
        for number in range(swaps):
            words = ("rollback",) if number % 2 else ("versions", "promote", str(second))
            _command(settings, *words)
            version = first if number % 2 else second
            swapped.append((time.monotonic(), version))
            _until_served(settings, version)
            print(f"swap {number + 1}/{swaps}", file=sys.stderr)
            time.sleep(PAUSE)
    ends = [moment for moment, _ in swapped[1:]] + [float("inf")]
    late = [
        max(
            (started - moment for started, version, *_ in load.replies if moment < started < end and version != new),
            default=0.0,
        )
        for (moment, new), end in zip(swapped, ends, strict=True)
    ]
    return {
        "swaps": swaps,
        "requests": len(load.replies) + len(load.failures),
        "failed": len(load.failures),
        "mixed": sum(expected[version][text] != said for _, version, text, said in load.replies),
        "differ": sum(expected[first][text] != expected[second][text] for text in texts) / len(texts),
        "slowest": round(max(late), 2),
        "failures": load.failures[:5],
    }


def ask(client: httpx.Client, port: int, text: str) -> tuple[int, Said]:
    """The version that answered, and what it said."""
    response = client.post(f"http://127.0.0.1:{port}/api/v1/match", json={"text": text})
    response.raise_for_status()
    found = response.json()
    ranking = tuple((match["intent"], round(match["confidence"], 3)) for match in found["matches"])
    return found["model"]["version"], (found["decision"], round(found["confidence"], 3), ranking)


def _record(settings: Settings, texts: Sequence[str]) -> dict[str, Said]:
    with httpx.Client(timeout=30) as client:
        return {text: ask(client, settings.port, text)[1] for text in texts}


def _until_served(settings: Settings, version: int) -> None:
    """Until every worker answers with a version: many answers in a row."""
    served, deadline = 0, time.monotonic() + 60
    with httpx.Client(timeout=30) as client:
        while served < IN_A_ROW:
            served = served + 1 if ask(client, settings.port, "hello")[0] == version else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"version {version} is not in force after 60 seconds")


@contextmanager
def _under_load(port: int, texts: Sequence[str]) -> Iterator[Load]:
    load = Load(port, texts)
    clients = [threading.Thread(target=load.send, args=(number * 17,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.stop.set()
        for client in clients:
            client.join()


def _command(settings: Settings, *words: str) -> None:
    done = CliRunner().invoke(cli, words, env={"HELPDESK_HOME": str(settings.home)}, catch_exceptions=False)
    if done.exit_code:
        raise RuntimeError(f"helpdesk {' '.join(words)}: {done.output}")


def _serving(database: Database) -> int:
    with database.read() as session:
        serving = current(session)
    if serving is None:
        raise RuntimeError("no version was built")
    return serving.version_id


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
