"""A delivery id is one message of its sender, however often, by whichever worker and at whatever moment it comes."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from forks import fork
from sqlalchemy import func, select

from helpdesk.errors import ConflictError
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow, Message
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings

WORKER = """
import json, sys
from helpdesk.records.database import open_database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings

settings = load_settings()
database = open_database(settings)
live = LiveMatcher(database, settings)
live.refresh()
desk = ChatService(database, live, settings)
ids = [desk.reply("hello there", channel="rest", sender="u", external_id=str(n)).message_id for n in range(40)]
print(json.dumps(ids))
"""


@pytest.fixture
def desk(database: Database) -> ChatService:
    """The serving side before a version serves: it stores and says that it does not know."""
    settings = load_settings()
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def count(database: Database) -> tuple[int, int]:
    """Messages and decisions."""
    with database.read() as session:
        messages, decisions = (session.scalar(select(func.count()).select_from(t)) for t in (Message, DecisionRow))
    return messages or 0, decisions or 0


def test_an_id_belongs_to_its_sender(desk: ChatService) -> None:
    """Another sender, or the same one on another channel, may use it; with another text it is refused to its own."""
    first = desk.reply("one", channel="rest", sender="a", external_id="1")
    others = [
        desk.reply("two", channel="rest", sender="b", external_id="1"),
        desk.reply("three", channel="api", sender="a", external_id="1"),
    ]

    assert desk.reply("one", channel="rest", sender="a", external_id="1").message_id == first.message_id
    assert len({first.message_id, *(other.message_id for other in others)}) == 3
    with pytest.raises(ConflictError, match="used before"):
        desk.reply("two", channel="rest", sender="a", external_id="1")


def test_threads_that_bring_one_id_bring_one_message(desk: ChatService) -> None:
    """The very first message of a sender too, whose conversation is made at the same time."""
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda n: desk.reply("hi", channel="rest", sender="u", external_id=str(n // 8)), range(32))
    assert len({reply.message_id for reply in said}) == 4
    assert count(desk.database) == (4, 4)


@pytest.mark.slow
def test_processes_that_bring_one_id_bring_one_message(database: Database, tmp_path: Path) -> None:
    """Two workers, forty ids each, the same ones."""
    url = database.engine.url.render_as_string(hide_password=False)
    environment = dict(os.environ) | {"HELPDESK_DATABASE_URL": url}
    workers = [fork(WORKER, environment=environment, folder=tmp_path) for _ in range(2)]
    printed = [worker.communicate(120) for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], printed
    first, second = (json.loads(out) for out, _ in printed)
    assert first == second
    assert count(database) == (40, 40)
