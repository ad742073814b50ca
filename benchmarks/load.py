"""A small load client: raw asyncio HTTP/1.1, one connection a client, reopened when the server closes it."""

import asyncio
import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

CONNECTIONS = 32
MESSAGES_EACH = 4  # of one sender: many people write a few messages each, so that no limit is met
_RUN = uuid4().hex[:8]
_numbers = count()


@dataclass(frozen=True)
class Load:
    """What a run of requests gave: requests a second, and the latencies in milliseconds."""

    rps: float
    latencies: tuple[float, ...]

    @property
    def p50(self) -> float:
        """Median latency in milliseconds."""
        return statistics.median(self.latencies)


def message(text: str) -> bytes:
    """The body that posts a message, of the next sender."""
    return json.dumps({"sender": f"bench-{_RUN}-{next(_numbers) // MESSAGES_EACH}", "message": text}).encode()


class Client:
    """One blocking keep-alive connection to the Rasa webhook."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Content-Type": "application/json", "Host": host}

    def post(self, text: str) -> float:
        """Milliseconds until the answer to one message was read. Raises RuntimeError on any status but 200."""
        body = message(text)
        started = time.perf_counter()
        self._connection.request("POST", "/webhooks/rest/webhook", body, self._headers)
        response = self._connection.getresponse()
        payload = response.read()
        seconds = time.perf_counter() - started
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {payload[:300]!r}")
        return seconds * 1000

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def post_all(port: int, texts: Sequence[str], *, clients: int) -> Load:
    """POST every text once to the Rasa webhook. Raises RuntimeError on any status but 200."""
    return asyncio.run(_post_all(port, texts, clients))


def post_paced(port: int, texts: Iterator[str], *, rate: float, seconds: float, seed: int) -> Load:
    """POST messages that arrive at random, `rate` a second on average, whether or not earlier ones are answered.

    A latency counts from the moment when the message was due. Raises RuntimeError on any status but 200.
    """
    chance = random.Random(seed)
    due, moments = 0.0, []
    while (due := due + chance.expovariate(rate)) < seconds:
        moments.append(due)
    return asyncio.run(_post_paced(port, [(moment, next(texts)) for moment in moments]))


def first_answers(port: int, texts: Sequence[str]) -> list[float]:
    """Milliseconds until the first answer of each of so many clients that come at the same moment."""

    async def all_at_once() -> list[float]:
        return list(await asyncio.gather(*(first_answer(port, text) for text in texts)))

    return asyncio.run(all_at_once())


async def first_answer(port: int, text: str) -> float:
    """Milliseconds until a client that comes now has its first answer."""
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await exchange(reader, writer, message(text))
    writer.close()
    return (time.perf_counter() - started) * 1000


def distinct_texts(texts: Sequence[str], *, seed: int) -> Iterator[str]:
    """Endless texts that were not sent before: the test messages, then the same with a word or more left out.

    Not parts of several: a message of two parts costs more than what most people write.
    """
    chance = random.Random(seed)
    order = chance.sample(list(texts), len(texts))
    sent = dict.fromkeys(order)
    yield from list(sent)
    for turn in count():
        for text in order:
            words = text.split()
            for _ in range(min(1 + turn // 4, len(words) - 2)):
                del words[chance.randrange(len(words))]
            shorter = " ".join(words)
            if shorter in sent:
                shorter = f"{shorter} {chance.random():.6f}"
            sent[shorter] = None
            yield shorter


async def _post_paced(port: int, arrivals: Sequence[tuple[float, str]]) -> Load:
    waiting = list(reversed(arrivals))
    latencies: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_paced_client(port, started, waiting, latencies) for _ in range(CONNECTIONS)))
    return Load(len(arrivals) / (time.perf_counter() - started), tuple(latencies))


async def _paced_client(port: int, started: float, waiting: list[tuple[float, str]], latencies: list[float]) -> None:
    streams = None
    while waiting:
        due, text = waiting.pop()
        await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
        body = message(text)
        streams = streams or await asyncio.open_connection("127.0.0.1", port)
        keep = await exchange(*streams, body)
        latencies.append((time.perf_counter() - started - due) * 1000)
        if not keep:
            streams[1].close()
            streams = None
    if streams:
        streams[1].close()


async def _post_all(port: int, texts: Sequence[str], clients: int) -> Load:
    waiting = list(reversed(texts))
    latencies: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_client(port, waiting, latencies) for _ in range(clients)))
    return Load(len(texts) / (time.perf_counter() - started), tuple(latencies))


async def _client(port: int, waiting: list[str], latencies: list[float]) -> None:
    streams = None
    while waiting:
        text = waiting.pop()
        body = message(text)
        started = time.perf_counter()
        streams = streams or await asyncio.open_connection("127.0.0.1", port)
        keep = await exchange(*streams, body)
        latencies.append((time.perf_counter() - started) * 1000)
        if not keep:
            streams[1].close()
            streams = None
    if streams:
        streams[1].close()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> bool:
    """POST one message and read the answer; whether the connection stays. Raises RuntimeError on any status but 200."""
    head = (
        "POST /webhooks/rest/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(answer.split("content-length:")[1].split("\r\n")[0])
    payload = await reader.readexactly(length)
    if " 200 " not in answer.split("\r\n")[0]:
        raise RuntimeError(f"{answer.splitlines()[0]}: {payload[:300]!r}")
    return "connection: close" not in answer
