"""Sends the public API what its OpenAPI document allows and what it does not, in every phase of schemathesis.

    python benchmarks/fuzz_api.py                 # 5,000 cases or more: open and with a key; a temporary home
    python benchmarks/fuzz_api.py --cases 500

A case fails when the reply is a fault of ours (5xx) or is not what the document says. Prints a line a way in.
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import schemathesis
from flask import Flask
from schemathesis.engine import events, from_schema
from schemathesis.openapi.checks import EnsureResourceAvailability
from werkzeug.serving import make_server

from helpdesk.app import create_app
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records.api_keys import Scope, add_key
from helpdesk.records.database import Database, open_database
from helpdesk.settings import Settings, temporary_settings

DOCUMENT = "/api/openapi.json"
WAYS = ("open", "with a key")
SHARE_OF_FUZZING = 1.1  # examples of random requests by cases; of routes that take nothing there is one


@dataclass
class Fuzzed:
    """What came of a run: cases by phase, replies by status, what failed, and what the tool could not do."""

    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many requests were sent."""
        return self.phases.total()


def main() -> None:
    """Fuzz open and with a key; exit code 1 when something failed or too little was sent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000, help="how many requests at least, in each way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", default=",".join(WAYS), help="of those two, by comma")
    wanted = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        settings = temporary_settings(Path(folder))
        database = open_database(settings)
        list(set_up(settings, database, starter_faq=True, progress=Bars()))
        app, key = closed(settings, database)
        ways = dict(zip(WAYS, [(create_app(settings), {}), (app, key)], strict=True))
        bad = False
        for way in wanted.ways.split(","):
            of_way, headers = ways[way]
            fuzzed = fuzz(of_way, headers, cases=wanted.cases, seed=wanted.seed)
            print(f"{way}: {fuzzed.cases} cases {dict(fuzzed.phases)}, replies {dict(sorted(fuzzed.statuses.items()))}")
            print("\n".join(f"  {fault}" for fault in (*fuzzed.failures.values(), *fuzzed.errors)), flush=True)
            bad |= bool(fuzzed.failures or fuzzed.errors or fuzzed.cases < wanted.cases)
        database.close()
    sys.exit(bad)


def closed(settings: Settings, database: Database) -> tuple[Flask, dict[str, str]]:
    """The application that nobody uses without a key, and the header with a key for everything."""
    with database.write() as session:
        key = add_key(session, "fuzz", scopes=list(Scope), author="benchmark").token
    return create_app(settings.model_copy(update={"require_key": True})), {"Authorization": f"Bearer {key}"}


def fuzz(
    app: Flask, headers: dict[str, str] | None = None, *, cases: int, seed: int = 1, coverage: bool = True
) -> Fuzzed:
    """Send an application about so many requests, at least those of the phases that are not random.

    coverage: every limit of every field too, some 30 requests a route.
    """
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "headers": headers or {},
            "generation": {"max-examples": 1, "database": "none"},
            "continue-on-failure": True,
            "phases": {"coverage": {"enabled": coverage}},
        }
    )
    routes = len(app_routes(app))
    config.projects.default.generation.max_examples = max(1, round(cases * SHARE_OF_FUZZING / routes))
    found = Fuzzed()
    with serving(app) as address:
        schema = schemathesis.openapi.from_url(address + DOCUMENT, config=config)
        for event in from_schema(schema).execute():
            note(found, event)
    return found


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application behind a real socket, in a thread; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def app_routes(app: Flask) -> list[str]:
    """What the document describes."""
    document: Any = app.test_client().get(DOCUMENT).json
    return [f"{method} {path}" for path, methods in document["paths"].items() for method in methods]


def note(found: Fuzzed, event: events.EngineEvent) -> None:
    """Count what an event tells."""
    if isinstance(event, events.ScenarioFinished):
        found.phases[str(event.phase.value)] += len(event.recorder.interactions)
        for interaction in event.recorder.interactions.values():
            found.statuses[interaction.response.status_code if interaction.response else 0] += 1
        for name, failure in _failed(event):
            found.failures.setdefault(name, failure)
    elif isinstance(event, events.NonFatalError | events.FatalError):
        found.errors.append(str(event.value if isinstance(event, events.NonFatalError) else event.exception))


def _failed(event: events.ScenarioFinished) -> Iterator[tuple[str, str]]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                if isinstance(failure, EnsureResourceAvailability) and _is_of_another_sender(event, case_id):
                    continue
                yield (
                    f"{event.label} {failure.title} {failure.message:.60}",
                    (f"{event.label}: {failure.title}: {failure.message}\n{check.failure_info.code_sample}"),
                )


def _is_of_another_sender(event: events.ScenarioFinished, case_id: str) -> bool:
    """Whether a message was stored for one `session_id` and feedback given with another: 404 is what is documented.

    The tool leaves out parts of a link now and then, and takes the message for lost.
    """
    stored, case = event.recorder.find_parent(case_id=case_id), event.recorder.cases[case_id].value
    bodies = [found.body if found and isinstance(found.body, dict) else {} for found in (stored, case)]
    return len({str(body.get("session_id")) for body in bodies}) == len(bodies)


if __name__ == "__main__":
    main()
