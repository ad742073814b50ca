"""Messages are redacted before they are matched and stored, once, whichever way they come."""

import pytest
from desks import open_desk
from sqlalchemy import func, select

from helpdesk.errors import ConflictError
from helpdesk.records.database import Database
from helpdesk.records.tables import AskedText, Message
from helpdesk.serving.chat_service import ChatService
from helpdesk.settings import Settings

WHO = {"channel": "rest", "sender": "u"}


@pytest.fixture
def desk(settings: Settings) -> ChatService:
    """The serving side over the tiny home."""
    return open_desk(settings)


def stored(database: Database) -> list[str]:
    """The texts of all messages."""
    with database.read() as session:
        return list(session.scalars(select(Message.text).order_by(Message.id)))


def test_only_the_redacted_text_is_stored(desk: ChatService) -> None:
    """Messages and the queue hold placeholders."""
    desk.reply("the boiler sings, write to jane@example.com", **WHO)

    assert stored(desk.database) == ["the boiler sings, write to [email]"]
    with desk.database.read() as session:
        assert "jane" not in "".join(session.scalars(select(AskedText.normalised)))


def test_what_is_matched_is_what_is_stored(desk: ChatService) -> None:
    """`match` decides about the redacted text too."""
    one, _ = desk.match("vpn not connecting from 192.168.1.15")
    other, _ = desk.match("vpn not connecting from [ip]")
    assert one.columns() == other.columns()


def test_a_redelivery_is_one_message(desk: ChatService) -> None:
    """Equal ids with the text that was typed are one message; another text is a conflict."""
    text = "my password is hunter22 and the vpn fails"
    first = desk.reply(text, **WHO, external_id="1")

    assert desk.reply(text, **WHO, external_id="1").message_id == first.message_id
    with pytest.raises(ConflictError, match="used before"):
        desk.reply("the vpn fails", **WHO, external_id="1")
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_a_delivery_of_before_redaction_is_known(settings: Settings) -> None:
    """Its text is stored as it was typed."""
    text = "call me on +44 7911 123456"
    open_desk(settings.model_copy(update={"redact": False})).reply(text, **WHO, external_id="1")
    desk = open_desk(settings)

    assert desk.reply(text, **WHO, external_id="1").message_id == 1
    assert stored(desk.database) == [text]


PERSONAL = {
    "I forgot my password, it was hunter22, I am jane@example.com": "password",
    "my password is Sommer2024! how do I reset it": "password",
    "vpn not connecting from 192.168.1.15": "vpn",
    "cannot connect to the vpn, call me on +44 7911 123456": "vpn",
    "the printer at 172.16.254.1 does not print": "printer",
    "wifi not working, password: CoffeeHouse1": "wifi",
    "I need a new laptop, my number is (202) 456-1111": "laptop",
    "order a notebook for eva@example.se please": "laptop",
}


def test_the_matcher_understands_placeholders(real_desk: ChatService) -> None:
    """With placeholders as many messages are taken for what they mean as with what was typed."""
    live = real_desk.live.take()
    assert live is not None
    typed = {text: live.match(text).ranking[0].intent for text in PERSONAL}
    redacted = {text: real_desk.match(text)[0].ranking[0].intent for text in PERSONAL}
    right = [sum(found[text] == meant for text, meant in PERSONAL.items()) for found in (typed, redacted)]
    print(f"right as typed {right[0]}, redacted {right[1]} of {len(PERSONAL)}")
    assert right[1] >= right[0]
    assert right[1] >= len(PERSONAL) - 1
