"""Hosts that share one PostgreSQL and one store of bundles, and people who talk to whichever answers."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx2 as httpx
import plain_http
from commands import HELPDESK

PATIENCE = 2.0  # seconds until a person asks another host


@dataclass
class Node:
    """One host: a home of its own, and `helpdesk serve` with one worker in a process group of its own."""

    home: Path
    environment: dict[str, str]
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Serve."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        own = {"HELPDESK_HOME": str(self.home), "HELPDESK_PORT": str(self.port), "HELPDESK_WORKERS": "1"}
        log = (self.home / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [*HELPDESK, "serve"], env=self.environment | own, start_new_session=True, stdout=log, stderr=log
        )

    def signal(self, number: int) -> None:
        """To all its processes."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def end(self) -> None:
        """Whatever state it is in."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(30)

    def version(self) -> int | None:
        """The version that it serves; None while it is not ready."""
        with suppress(httpx.HTTPError):
            told = plain_http.get(f"http://127.0.0.1:{self.port}/readyz", timeout=PATIENCE)
            if told.status_code == 200:
                version: int = told.json()["version"]
                return version
        return None


@dataclass
class People:
    """Some people, each of whom sends one message after the other to the hosts in turn, and to the next one when a host
    says nothing, or that it cannot now. answered: sender -> the version of each reply, in order."""

    nodes: Sequence[Node]
    senders: int
    answered: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Talk until told to stop."""
        self._threads = [threading.Thread(target=self._talk, args=(name, n)) for n, name in enumerate(self._names())]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Each gets the answer to the last message first."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def total(self) -> int:
        """How many messages were answered."""
        return sum(map(len, self.answered.values()))

    def talk_on(self, messages: int) -> None:
        """Until each has the answers to so many more."""
        before = {sender: len(self.answered[sender]) for sender in self._names()}
        wait_until(lambda: all(len(self.answered[sender]) >= before[sender] + messages for sender in before))

    def _names(self) -> list[str]:
        return [f"person-{number}" for number in range(self.senders)]

    def _talk(self, sender: str, turn: int) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            for number in count():
                if self._stop.is_set():
                    return
                message = {"session_id": sender, "text": f"vpn not connecting {number}", "message_id": f"m{number}"}
                turn = self._ask(client, message, turn)

    def _ask(self, client: httpx.Client, message: dict[str, str], turn: int) -> int:
        """Until it is answered; the turn after that."""
        while True:
            node, turn = self.nodes[turn % len(self.nodes)], turn + 1
            try:
                told = client.post(f"http://127.0.0.1:{node.port}/api/v1/messages", json=message)
            except httpx.HTTPError:
                continue
            if told.status_code == 200:
                self.answered[message["session_id"]].append(told.json()["model"]["version"])
                return turn
            if told.status_code != 503:
                self.refused.append(f"{told.status_code}: {told.text[:200]}")
                return turn


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Fails when it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)
