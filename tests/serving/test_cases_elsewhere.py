"""Where no one works at the desk, a case that a receiver got long ago does not swallow the next one."""

import pytest
from other_systems import PAST, make_due
from sqlalchemy import select, update

from helpdesk.records.database import Database
from helpdesk.records.tables import CaseRow, DeliveryRow
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

WISH = "I want to talk to a human"


def cases_after(desk: ChatService, *, state: str) -> list[str]:
    """States of the cases of somebody who asks for a person twice, the first time long ago."""
    desk.reply(WISH, channel="rest", sender="u")
    make_due(desk.database)
    with desk.database.write() as session:
        session.execute(update(DeliveryRow).values(state=state, ended_at=None if state == "waiting" else PAST))
    desk.reply(WISH, channel="rest", sender="u")
    with desk.database.read() as session:
        return list(session.scalars(select(CaseRow.state).order_by(CaseRow.id)))


@pytest.mark.parametrize(
    ("inbox", "state", "expected"),
    [
        (False, "sent", ["closed", "open"]),
        (False, "waiting", ["open"]),
        (False, "dead", ["open"]),
        (True, "sent", ["open"]),
    ],
)
def test_the_next_wish_is_sent_too(
    settings: Settings, records: Database, live: LiveMatcher, inbox: bool, state: str, expected: list[str]
) -> None:
    """Unless it has not arrived yet, or people at the desk have it before them."""
    mail = {"smtp_host": "127.0.0.1", "mail_from": "a@example.org", "mail_to": ("b@example.org",), "inbox": inbox}
    desk = ChatService(records, live, settings.model_copy(update=mail))
    assert cases_after(desk, state=state) == expected
