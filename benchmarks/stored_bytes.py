"""How many bytes of the database a message takes, by table and index.

    python benchmarks/stages.py --home DIR --train ../shared/data/banking77/train.csv \\
        --test ../shared/data/banking77/test.csv
    python benchmarks/stored_bytes.py --home DIR --test ../shared/data/banking77/test.csv

Two copies of an SQLite home get as many messages by the webhook, four of each sender: texts that differ, and texts of
which a few come often. Pages are counted whole, so some thousand messages are needed.
"""

import argparse
import json
import logging
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from helpdesk.app import close_app, create_app
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import temporary_settings

OFTEN = 400  # texts that repeated messages are drawn from, with a long tail
SHOWN = 8


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    logging.disable(logging.INFO)
    chance = random.Random(0)
    texts = sorted({text for text, _ in read_labelled(arguments.test)})
    chance.shuffle(texts)
    repeated = [texts[int(chance.paretovariate(1)) % OFTEN] for _ in range(arguments.messages)]
    distinct = texts[: arguments.messages]
    result = {name: bytes_each(arguments.home, some) for name, some in (("distinct", distinct), ("repeated", repeated))}
    if arguments.json:
        print(json.dumps(result))
        return
    for name, found in result.items():
        largest = sorted(found.items(), key=lambda part: -part[1])[:SHOWN]
        print(f"{name}: {sum(found.values()):.0f} bytes a message; " + ", ".join(f"{n} {b:.0f}" for n, b in largest))


def bytes_each(home: Path, texts: Sequence[str]) -> dict[str, float]:
    """Table or index -> bytes that it grew by with each message."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("bundles", "helpdesk.db*"))
        shutil.copytree(home / "bundles", copy / "bundles", copy_function=os.link)
        with closing(sqlite3.connect(home / "helpdesk.db")) as stored, closing(_database(copy)) as own:
            stored.backup(own)
        before = _sizes(copy)
        app = create_app(temporary_settings(copy))
        client = app.test_client()
        for number, text in enumerate(texts):
            said = client.post("/webhooks/rest/webhook", json={"sender": f"person-{number // 4}", "message": text})
            if said.status_code != 200:
                raise RuntimeError(said.text)
        close_app(app)
        after = _sizes(copy)
    return {name: (size - before.get(name, 0)) / len(texts) for name, size in after.items() if size}


def _database(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "helpdesk.db")


def _sizes(home: Path) -> dict[str, int]:
    with closing(_database(home)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--messages", type=int, default=3_000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
