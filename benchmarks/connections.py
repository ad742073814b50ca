"""How long a new connection waits for its first answer, by the class of gunicorn's worker.

    python benchmarks/connections.py

Two workers of four threads answer messages with four milliseconds of work outside of Python and one inside. So many
clients keep their connections and write one message after the other, beside none and beside eight others that send half
a request and stay. A new client comes every 0.1 seconds, one at a time. Then as many clients as there are come at once.
The workers take turns, round by round, so that each meets the same machine. Nobody waits longer than 10 seconds.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from itertools import count, islice, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from load import exchange, first_answer, first_answers, message
from services import free_port, gunicorn

CLIENTS = (12, 16, 64, 256)
LONGEST = 10.0  # seconds that a client waits for an answer
HALF = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
WORKERS = ("gthread", "helpdesk.web.worker.FairWorker")
APPLICATION = """
import hashlib, time
block = bytes(4_000_000)
def application(environ, start_response):
    environ["wsgi.input"].read()
    began = time.thread_time()
    while time.thread_time() < began + 0.004:
        hashlib.sha256(block[:200_000])
    while time.thread_time() < began + 0.005:
        pass
    start_response("200 OK", [("Content-Length", "2")])
    return [b"{}"]
"""


def main() -> None:
    """A line for each number of clients and each worker."""
    arguments = _arguments()
    texts = (f"message {number}" for number in count())
    with ExitStack() as stack:
        ports = {worker: stack.enter_context(_serving(worker)) for worker in arguments.workers}
        for clients, slow in product(arguments.clients, (0, 8)):
            waits: dict[str, list[list[float]]] = {worker: [[], [], []] for worker in ports}
            for _ in range(arguments.rounds):
                for worker, port in ports.items():
                    fresh, kept = asyncio.run(beside_kept(port, texts, clients, slow=slow, seconds=arguments.seconds))
                    waits[worker][0] += fresh
                    waits[worker][1] += kept
                    waits[worker][2] += [max(first_answers(port, list(islice(texts, clients))))]
            for worker, (fresh, kept, firsts) in waits.items():
                print(
                    f"{clients:>4} clients, {slow} slow  {worker.rpartition('.')[2]:<12} {_line(fresh, kept, firsts)}",
                    flush=True,
                )


@contextmanager
def _serving(worker: str) -> Iterator[int]:
    port = free_port()
    arguments = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4", "--worker-class", worker]
    arguments += ["--worker-connections", "400", "--keep-alive", "15", "--no-control-socket", "working:application"]
    with TemporaryDirectory() as folder:
        Path(folder, "working.py").write_text(APPLICATION)
        with gunicorn(["--chdir", folder, *arguments], {}, f"http://127.0.0.1:{port}/"):
            yield port


async def beside_kept(
    port: int, texts: Iterator[str], clients: int, *, slow: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Milliseconds until the first answer of clients that come beside others, and until each answer of those."""
    until = time.perf_counter() + seconds
    fresh: list[float] = []
    kept: list[float] = []
    async with AsyncExitStack() as stack:
        for _ in range(slow):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(HALF)
        await asyncio.gather(
            _come(port, texts, until, fresh), *(_stay(port, texts, until, kept) for _ in range(clients))
        )
    return fresh, kept


async def _come(port: int, texts: Iterator[str], until: float, waits: list[float]) -> None:
    while time.perf_counter() < until:
        waits.append(await _bounded(first_answer(port, next(texts))))
        await asyncio.sleep(0.1)


async def _stay(port: int, texts: Iterator[str], until: float, waits: list[float]) -> None:
    streams = None
    while time.perf_counter() < until:
        started = time.perf_counter()
        streams = streams or await asyncio.open_connection("127.0.0.1", port)
        if await _bounded(exchange(*streams, message(next(texts)))) is not True:
            streams[1].close()
            streams = None
        waits.append((time.perf_counter() - started) * 1000)
    if streams:
        streams[1].close()


async def _bounded(answer: Awaitable[float]) -> float:
    """What it gives; all of the time where it does not come."""
    try:
        return await asyncio.wait_for(answer, LONGEST)
    except TimeoutError:
        return LONGEST * 1000


def _line(fresh: Sequence[float], kept: Sequence[float], firsts: Sequence[float]) -> str:
    return (
        f"first answer beside them p50 {np.median(fresh):5.0f}  slowest {max(fresh):6.0f} ms ({len(fresh)});  "
        f"kept p50 {np.median(kept):5.0f}  p99 {np.quantile(kept, 0.99):6.0f}  slowest {max(kept):6.0f} ms "
        f"({len(kept)});  slowest of all at once {np.median(firsts):6.0f} ms"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--workers", nargs="+", default=list(WORKERS), help="worker classes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="a round beside clients that stay")
    return parser.parse_args()


if __name__ == "__main__":
    main()
