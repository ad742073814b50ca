"""A temporary helpdesk with sample traffic and a filled labelling queue, to look at."""

import os
import random
import tempfile
from pathlib import Path

import click

from helpdesk.home import set_up
from helpdesk.progress import Reporter
from helpdesk.records.database import open_database
from helpdesk.records.files.csv_files import read_column
from helpdesk.server import exec_server, require_port
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import resource, temporary_environment, temporary_settings


def run_demo(*, port: int | None, progress: Reporter) -> None:
    """Set up a temporary home, play sample messages into it, serve it. The folder is left for the system to clean.

    Whatever home or database is configured stays as it is, for the web processes too.
    """
    given = {} if port is None else {"port": port}
    require_port(temporary_settings(Path(tempfile.gettempdir()), **given))  # told before minutes of work, not after
    home = Path(tempfile.mkdtemp(prefix="helpdesk-demo-"))
    settings = temporary_settings(home, **given)
    os.environ.update(temporary_environment(home))
    database = open_database(settings)
    for line in set_up(settings, database, starter_faq=True, progress=progress):
        click.echo(line)
    live = LiveMatcher(database, settings)
    live.refresh()
    with progress as report:
        messages = sample_messages()
        for number, text in enumerate(messages, 1):
            ChatService(database, live, settings).reply(text, channel="demo", sender=f"visitor-{number % 40}")
            report("playing sample messages", number, len(messages))
    database.close()
    exec_server(settings)


def sample_messages() -> list[str]:
    """A day of made-up traffic: the evaluation messages and the unlabelled ones, some of them repeated."""
    texts = [*_texts("evaluation.csv"), *_texts("unlabelled.csv")]
    chance = random.Random(0)
    return chance.sample(texts, len(texts)) + chance.choices(texts, k=len(texts) // 3)


def _texts(name: str) -> list[str]:
    return read_column(resource("training_data") / name, "text")
