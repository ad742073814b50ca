"""How long a label holds up other writers, and how long its giver waits, by how many texts are stored.

    python benchmarks/labelling.py --data ../shared/data --texts 1000 13000 50000

Without `--scan` near-duplicates are read before the write transaction, as the desk does; with it inside.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from labelled_sets import load

from helpdesk.records import conversations, faq, labels, staff
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.faq import Entry
from helpdesk.settings import load_settings
from helpdesk.text import normalise

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.0, "out_of_scope": 0.0, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
LABELS = 40


def main() -> None:
    """Print milliseconds (wall time, then processor time of this process), median and 95th percentile of 40 labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with banking77/ and clinc150/")
    parser.add_argument("--texts", type=int, nargs="+", default=[1_000, 13_000, 50_000])
    parser.add_argument("--scan", action="store_true", help="look for near-duplicates inside the transaction")
    parser.add_argument("--database-url", help="an empty PostgreSQL database; without it SQLite, one file a size")
    options = parser.parse_args()
    stored = texts(options.data, max(options.texts) + LABELS * len(options.texts))
    for number, count in enumerate(sorted(options.texts)):
        with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as home:
            database = open_database(load_settings(home=Path(home), database_url=options.database_url))
            new = stored[len(stored) - LABELS * (number + 1) :][:LABELS]
            found = measure(database, stored[:count], new, scan=options.scan)
            database.close()
        print(f"{count:,} texts: " + "; ".join(f"{name} {shown(values)}" for name, values in found.items()), flush=True)


def texts(folder: Path, count: int) -> list[str]:
    """Distinct messages of BANKING77 and CLINC150, and beyond these halves of two of them put together."""
    chance = random.Random(0)
    parts = [rows for name in ("banking77", "clinc150") for rows in load(name, folder)]
    found = list(dict.fromkeys(normalise(text) for rows in parts for text, _ in rows))
    chance.shuffle(found)
    halves = [text.split() for text in found]
    known = set(found)
    while len(found) < count:
        first, second = chance.choice(halves), chance.choice(halves)
        text = " ".join([*first[: len(first) // 2], *second[len(second) // 2 :]])
        if text not in known:
            known.add(text)
            found.append(text)
    return found


def measure(database: Database, stored: list[str], new: list[str], *, scan: bool) -> dict[str, list[float]]:
    """Milliseconds per label: while others wait and in all, on the clock and of the processor."""
    upgrade(database)
    with database.write() as session:
        faq.store_entries(session, [Entry("a", answer="So.", phrasings=tuple(stored))], author="benchmark")
        name = f"benchmark {len(stored)}"
        staff_id = staff.add_staff(session, name, password="not a real login").id
        messages = [
            conversations.log_message(session, text, channel=name, sender="b", external_id=None, decision=DECISION)
            for text in new
        ]
    found: dict[str, list[float]] = {"locked": [], "in all": [], "locked, processor": [], "in all, processor": []}
    for message in messages:
        begun = clocks()
        known: dict[str, Any] = {}
        if not scan:
            with database.read() as session:
                known = {"known": labels.read_neighbours(session, message)}
        locked = clocks()
        with database.write() as session:
            given: dict[str, Any] = {"kind": "intent", "intent": "a", "staff_id": staff_id, "holdout_share": 0.3}
            labels.label_message(session, message, **given, **known)
        ended = clocks()
        for name, since in (("locked", locked), ("in all", begun)):
            found[name].append((ended[0] - since[0]) * 1000)
            found[f"{name}, processor"].append((ended[1] - since[1]) * 1000)
    return found


def clocks() -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    return time.perf_counter(), time.process_time()


def shown(values: list[float]) -> str:
    """Median and 95th percentile."""
    return f"{statistics.median(values):.1f} / {statistics.quantiles(values, n=20)[-1]:.1f} ms"


if __name__ == "__main__":
    main()
