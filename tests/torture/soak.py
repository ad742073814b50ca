"""Hours of everything at once, and whether anything grows.

    python -m torture.soak --minutes 30 --database postgresql

Messages, clarifications and choices, feedback, desk pages, labels and FAQ edits all along; promotions, rollbacks,
refreshed nights and erasures now and then; in the middle a backup, restored into a second home that must answer the
same. Memory, file descriptors and threads of every process of the service, and the write-ahead log, are sampled.

What is judged is the slope after the first quarter, by Theil and Sen: the median of the slopes between all pairs of
samples, with its 95% interval. A measure is not flat when the lower end of the interval, over the time that is judged,
comes to more than a share of the measure's median: what cannot be told from nothing, or is next to nothing, is flat.
"""

import argparse
import json
import logging
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import psutil
from homes import PASSWORD, STAFF
from measured import append, read
from scipy.stats import theilslopes

from helpdesk.errors import DatabaseFault
from helpdesk.records import versions
from helpdesk.records.versions import ROLLBACK
from helpdesk.settings import load_settings
from helpdesk.upkeep.backup import write_backup
from helpdesk.upkeep.restore import restore
from torture.__main__ import DATABASES, RESULTS, ROOT, record, worlds
from torture.report import SOAK, write_report
from torture.stage import Outcome, end_in_order_when_terminated
from torture.traffic import Traffic, acknowledged, judge_traffic
from torture.trainers import REFRESH, start, teach
from torture.worlds import Service, World, served

EVERY = 3.0  # seconds between samples
WARM = 0.25  # share of the time that is not judged
MAY_GROW = {"memory, MB": 0.10, "descriptors": 0.05, "threads": 0.05, "write-ahead log, MB": 0.25}  # of the median
PAGES = ("/desk", "/desk/queue", "/desk/report", "/desk/conversations", "/desk/inbox", "/faq", "/metrics")
LOCKED = str(DatabaseFault.LOCKED)
ODDITIES = 100
VAGUE = ("printer", "vpn wifi", "the laptop printer", "what about the office")
NIGHT_EVERY, SWAP_EVERY, ERASE_EVERY = 300.0, 20.0, 60.0
Samples = dict[tuple[str, str], list[tuple[float, float]]]  # (measure, whose) -> (seconds, value)


class Soak:
    """One run over one world."""

    def __init__(self, world: World, service: Service, folder: Path) -> None:
        self.world, self.service, self.folder = world, service, folder
        self.counts: Counter[str] = Counter()
        self.outcome = Outcome()
        self._chance = random.Random(0)
        self._stop = threading.Event()
        self._senders: list[str] = []

    @contextmanager
    def busy(self) -> Iterator[None]:
        """People who talk, work at the desk and edit."""
        people = [threading.Thread(target=self._repeat, args=(act,)) for act in (self._talk, self._desk(), self._edit)]
        for person in people:
            person.start()
        try:
            yield
        finally:
            self._stop.set()
            for person in people:
                person.join()

    def _repeat(self, act: Callable[[], None]) -> None:
        while not self._stop.wait(0.2):
            self._try(act)

    def _talk(self) -> None:
        """A vague message, the first choice if there are any, and what is thought of the reply."""
        sender = f"soak-{self.counts['talks']}"
        self._senders.append(sender)
        element = self.service.say(self._chance.choice(VAGUE), sender=sender)
        if element.get("buttons"):
            element = self.service.say(element["buttons"][0]["payload"], sender=sender)
            self.counts["choices"] += 1
        number = element["custom"]["message_id"]
        body = {"session_id": sender, "helpful": bool(self.counts["talks"] % 2)}
        answer = httpx.post(f"{self.service.url}/api/v1/messages/{number}/feedback", json=body, timeout=30)
        if answer.status_code >= 500:
            self.outcome.problems.append(f"feedback: status {answer.status_code}")
        self.counts["talks"] += 1

    def _desk(self) -> Callable[[], None]:
        """Somebody who is logged in, looks at a page and labels a message."""
        client = httpx.Client(base_url=self.service.url, timeout=60, follow_redirects=True)
        token = _hidden(client.get("/login").text)["csrf_token"]
        client.post("/login", data={"csrf_token": token, "name": STAFF, "password": PASSWORD})

        def work() -> None:
            for path in PAGES:
                status = client.get(path).status_code
                if status >= 500:
                    self.outcome.problems.append(f"{path}: status {status}")
            self._look_whether_ready(client.get("/readyz"))
            number = self.counts["labels"]
            text = f"soak oddity {number % ODDITIES} of a kind"  # an FAQ that grows takes memory, which is in order
            item = self.service.say(text, sender="soak-labelled")["custom"]["message_id"]
            fields = _hidden(client.get(f"/desk?item={item}").text) | {"label": "intent:vpn"}
            answer = client.post(f"/desk/{item}/label", data=fields)
            if answer.status_code >= 500:
                self.outcome.problems.append(f"label: status {answer.status_code}")
            self.counts["labels"] += 1
            self.counts["pages"] += len(PAGES)

        return work

    def _look_whether_ready(self, answer: httpx.Response) -> None:
        """It is in order that a process is not ready while an erasure, say, holds SQLite for more than two seconds."""
        problem = str(answer.json()["problem"]) if answer.status_code == 503 else ""
        self.counts["not ready, locked"] += LOCKED in problem
        if problem and LOCKED not in problem:
            self.outcome.problems.append(f"/readyz: {problem}")

    def _edit(self) -> None:
        teach(self.world, self.counts["edits"])
        self.counts["edits"] += 1
        self._stop.wait(10)

    def operate(self, seconds: float) -> None:
        """One after the other, whatever is due: swaps, erasures, nights, and one backup in the middle."""
        began, done = time.monotonic(), Counter[str]()
        acts = {"swap": (SWAP_EVERY, self.swap), "erase": (ERASE_EVERY, self.erase), "night": (NIGHT_EVERY, self.night)}
        while (now := time.monotonic() - began) < seconds and not self._stop.wait(0.5):
            if now > seconds / 2 and not done["backup"]:
                done["backup"] += 1
                self._try(self.save_and_restore)
            for act, (every, do) in acts.items():
                if now > (done[act] + 1) * min(every, seconds / 4):
                    done[act] += 1
                    self._try(do)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self.outcome.problems.append(f"{act.__name__}: {type(error).__name__}: {error}"[:200])

    def swap(self) -> None:
        """Between the version in service and another one that is kept."""
        with self.world.records() as database, database.read() as session:
            current = versions.current(session)
            kept = [
                v.id for v in versions.list_versions(session) if (self.world.settings.bundles / v.directory).is_dir()
            ]
        others = [number for number in kept if current is not None and number != current.version_id]
        if others:
            reason = ROLLBACK if self.counts["swaps"] % 2 else "soak"
            self.world.promote(self._chance.choice(others), reason=reason)
            self.counts["swaps"] += 1

    def night(self) -> None:
        """One refreshed night."""
        night = start(self.world, self.folder, *REFRESH)
        _, complaints = night.communicate(timeout=1200)
        self.outcome.expect(night.returncode in (0, 10), f"a night ended with {night.returncode}: {complaints[-200:]}")
        self.counts["nights"] += 1

    def erase(self) -> None:
        """Everything of one sender."""
        if self._senders:
            run = start(self.world, self.folder, "erase", "--sender", self._senders.pop(0))
            _, complaints = run.communicate(timeout=600)
            self.outcome.expect(run.returncode == 0, f"erase ended with {run.returncode}: {complaints[-200:]}")
            self.counts["erasures"] += 1

    def save_and_restore(self) -> None:
        """A backup while everything goes on, put into a second home; what serves there answers as the version does."""
        saved = self.folder / "soak.backup"
        with self.world.records() as database:
            write_backup(self.world.settings, database, saved, secret_key=True)
        with tempfile.TemporaryDirectory() as folder:
            url = self.world.postgres.new_database() if self.world.postgres else None
            chosen = self.world.settings.model_dump() | {
                "home": Path(folder) / "second",
                "database_url": url,
                "port": 0,
            }
            second = load_settings(**chosen)
            restore(second, saved, force=True)
            twin = World(second, {}, self.world.postgres, self.world.pair, self.world.golden)
            twin.current()
        saved.unlink()
        self.counts["backups restored"] += 1


def _hidden(page: str) -> dict[str, str]:
    """What the forms of a page carry unseen."""
    return dict(re.findall(r'name="(csrf_token|seen)" value="([^"]+)"', page))


def soak(world: World, folder: Path, minutes: float) -> tuple[Soak, Samples]:
    """Everything for so long."""
    samples: Samples = defaultdict(list)
    name = f"soak_{world.database}"
    log = folder / f"{name}.jsonl"
    log.unlink(missing_ok=True)
    with served(world) as service:
        run = Soak(world, service, folder)
        operator = threading.Thread(target=run.operate, args=(minutes * 60,))
        with Traffic(world, log, name=name, clients=2, pause=0.1) as load, run.busy():
            began = time.monotonic()
            operator.start()
            while (now := time.monotonic() - began) < minutes * 60:
                _sample(samples, world, service, now)
                sys.stderr.write(f"\r{now / 60:.1f} of {minutes:g} minutes, {dict(run.counts)}   ")
                time.sleep(EVERY)
            operator.join()
        run.outcome.problems += judge_traffic(world, load.tries, name=name)[:5]
        run.counts["messages acknowledged"] = acknowledged(load.tries)
    return run, samples


def _sample(samples: Samples, world: World, service: Service, now: float) -> None:
    master = psutil.Process(service.process.pid)
    for number, process in enumerate([master, *master.children()]):
        whose = f"worker {number}" if number else "master"
        samples["memory, MB", whose].append((now, process.memory_info().rss / 1e6))
        samples["descriptors", whose].append((now, process.num_fds()))
        samples["threads", whose].append((now, process.num_threads()))
    wal = world.settings.home / "helpdesk.db-wal"
    if world.postgres is None and wal.exists():
        samples["write-ahead log, MB", "database"].append((now, wal.stat().st_size / 1e6))


def judge_slopes(samples: Samples) -> tuple[list[str], list[str]]:
    """A line for each measure, and those that are not flat."""
    lines, problems = [], []
    for (measure, whose), found in samples.items():
        judged = found[int(len(found) * WARM) :]
        if len(judged) < 10:
            continue
        moments, values = zip(*judged, strict=True)
        slope, _, low, high = theilslopes(values, moments)
        span, median = moments[-1] - moments[0], sorted(values)[len(values) // 2]
        line = f"{measure}, {whose}: median {median:.1f}, slope {slope * 3600:+.2f} an hour"
        line += f" (95% interval {low * 3600:+.2f} to {high * 3600:+.2f})"
        lines.append(line)
        if low * span > MAY_GROW[measure] * median:
            problems.append(f"not flat: {line}")
    return lines, problems


def draw(samples: Samples, path: Path) -> None:
    """One panel a measure, one line a process."""
    from matplotlib.figure import Figure

    measures = list(dict.fromkeys(measure for measure, _ in samples))
    figure = Figure(figsize=(9, 2.2 * len(measures)), layout="constrained")
    for panel, measure in zip(figure.subplots(len(measures), squeeze=False)[:, 0], measures, strict=True):
        for (name, whose), found in samples.items():
            if name == measure:
                moments, values = zip(*found, strict=True)
                panel.plot([moment / 60 for moment in moments], values, label=whose)
        panel.set(ylabel=measure, ylim=(0, None))
        panel.legend(loc="lower right")
    panel.set_xlabel("minutes")
    figure.savefig(path)


def main() -> None:
    """Soak, judge, draw; exit code 1 when something failed or is not flat."""
    wanted = _arguments()
    end_in_order_when_terminated()
    logging.disable(logging.WARNING)
    wanted.out.mkdir(parents=True, exist_ok=True)
    passed = True
    for database in wanted.database or DATABASES[:1]:
        with tempfile.TemporaryDirectory(prefix="helpdesk-soak-") as folder, worlds(Path(folder), database) as world:
            run, samples = soak(world, wanted.out.resolve(), wanted.minutes)
        lines, problems = judge_slopes(samples)
        found = run.outcome
        found.problems += problems
        found.done = round(wanted.minutes)
        found.figures = {**run.counts}
        draw(samples, wanted.out / f"soak-{database}.svg")
        (wanted.out / f"soak-{database}.json").write_text(
            json.dumps([[*key, values] for key, values in samples.items()])
        )
        print("\n" + "\n".join([*lines, *found.problems]))
        append(wanted.out / RESULTS, record(SOAK, database, 0, found))
        passed &= not found.problems
    write_report(read(wanted.out / RESULTS), wanted.report)
    sys.exit(not passed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--database", action="append", choices=DATABASES)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "torture", help="folder of results and plots")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "reliability.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
