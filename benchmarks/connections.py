"""How long a new connection waits for its first answer, by the class of gunicorn's worker.

    python benchmarks/connections.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv

So many clients keep their connections and write one message after the other; some others send half a request and stay.
Beside them a new client comes every 0.1 seconds, one at a time. Then as many clients as there are come at once. The
workers take turns, round by round, so that each meets the same machine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import numpy as np
from home import bench_home
from load import distinct_texts, exchange
from services import free_port, helpdesk_service

from helpdesk.records.files.faq_files import read_labelled

CLIENTS = (12, 16, 64, 256)
SLOW = 8
HALF = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
STOCK, OURS = "gthread", "helpdesk.web.worker.FairWorker"


def main() -> None:
    """A line for each number of clients and each worker."""
    arguments = _arguments()
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=arguments.seed)
    with ExitStack() as stack:
        home = stack.enter_context(bench_home(arguments.train, home=arguments.home, seed=arguments.seed))
        ports = {}
        for worker in arguments.workers:
            settings = home[0].model_copy(update={"port": free_port()})
            stack.enter_context(helpdesk_service(settings, worker=worker))
            ports[worker] = settings.port
        for clients in arguments.clients:
            waits: dict[str, list[list[float]]] = {worker: [[], [], []] for worker in ports}
            for _ in range(arguments.rounds):
                for worker, port in ports.items():
                    fresh, kept = asyncio.run(beside_kept(port, texts, clients, seconds=arguments.seconds))
                    waits[worker][0] += fresh
                    waits[worker][1] += kept
                    waits[worker][2] += [max(asyncio.run(at_once(port, texts, clients)))]
            for worker, (fresh, kept, firsts) in waits.items():
                print(f"{clients:>4} clients  {worker.rpartition('.')[2]:<12} {_line(fresh, kept, firsts)}", flush=True)


async def beside_kept(
    port: int, texts: Iterator[str], clients: int, *, seconds: float
) -> tuple[list[float], list[float]]:
    """Milliseconds until the first answer of clients that come beside others, and until each answer of those."""
    until = time.perf_counter() + seconds
    fresh: list[float] = []
    kept: list[float] = []
    async with AsyncExitStack() as stack:
        for _ in range(SLOW):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(HALF)
        await asyncio.gather(
            _come(port, texts, until, fresh), *(_stay(port, texts, until, kept) for _ in range(clients))
        )
    return fresh, kept


async def at_once(port: int, texts: Iterator[str], clients: int) -> list[float]:
    """Milliseconds until the first answer of each of so many clients that come at the same moment."""
    return list(await asyncio.gather(*(_first(port, next(texts)) for _ in range(clients))))


async def _come(port: int, texts: Iterator[str], until: float, waits: list[float]) -> None:
    while time.perf_counter() < until:
        waits.append(await _first(port, next(texts)))
        await asyncio.sleep(0.1)


async def _stay(port: int, texts: Iterator[str], until: float, waits: list[float]) -> None:
    streams = None
    while time.perf_counter() < until:
        started = time.perf_counter()
        streams = streams or await asyncio.open_connection("127.0.0.1", port)
        if not await exchange(*streams, _body(next(texts))):
            streams[1].close()
            streams = None
        waits.append((time.perf_counter() - started) * 1000)
    if streams:
        streams[1].close()


async def _first(port: int, text: str) -> float:
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await exchange(reader, writer, _body(text))
    writer.close()
    return (time.perf_counter() - started) * 1000


def _body(text: str) -> bytes:
    return json.dumps({"sender": f"bench-{hash(text) % 64}", "message": text}).encode()


def _line(fresh: Sequence[float], kept: Sequence[float], firsts: Sequence[float]) -> str:
    return (
        f"first answer beside them p50 {np.median(fresh):5.0f}  slowest {max(fresh):6.0f} ms ({len(fresh)});  "
        f"kept p50 {np.median(kept):5.0f}  p99 {np.quantile(kept, 0.99):6.0f}  slowest {max(kept):6.0f} ms "
        f"({len(kept)});  slowest of all at once {np.median(firsts):6.0f} ms"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--home", type=Path, help="where the home of these rows is kept, or is to be kept")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--workers", nargs="+", default=[STOCK, OURS], help="worker classes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="a round beside clients that stay")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
