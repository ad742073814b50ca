"""How many cases wait, for the navigation of every page of the desk."""

from contextlib import suppress

from flask import Flask

from helpdesk.errors import UnavailableError
from helpdesk.records import cases
from helpdesk.records.cases import Backlog
from helpdesk.web.context import service
from helpdesk.web.policy import may_use


def install(app: Flask) -> None:
    """Pages ask for `backlog()`."""
    app.jinja_env.globals.update(backlog=backlog)


def backlog() -> Backlog | None:
    """What waits; None for those who may not look at it, where nobody looks into the inbox, and while the database does
    not answer: the page that says so has a navigation too."""
    if not service().settings.inbox or not may_use("inbox.page"):
        return None
    with suppress(UnavailableError), service().database.read() as session:
        return cases.read_backlog(session)
    return None
