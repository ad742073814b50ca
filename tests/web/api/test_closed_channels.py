"""Conversations in the chats of other systems, whose ids anybody can guess, are closed to the open API."""

from typing import Any

import pytest
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient
from homes import STAFF

from helpdesk.channels.chat_names import PROVEN_CHANNELS
from helpdesk.records import api_keys
from helpdesk.records.api_keys import Scope
from helpdesk.records.database import Database
from helpdesk.serving.chat_service import ChatService
from helpdesk.web.context import service

SENDER = "1:17"


@pytest.fixture
def desk(app: Flask) -> ChatService:
    """What answers behind every door."""
    with app.app_context():
        return service()


def say(client: FlaskClient, channel: str, **more: Any) -> int:
    body = {"session_id": SENDER, "channel": channel, "text": "vpn not connecting"}
    return client.post("/api/v1/messages", json=body, **more).status_code


def look(client: FlaskClient, channel: str) -> int:
    return client.get(f"/api/v1/sessions/{SENDER}/updates?channel={channel}").status_code


@pytest.mark.parametrize("channel", sorted(PROVEN_CHANNELS))
def test_nobody_writes_reads_or_rates_in_them_without_a_key(app: Flask, desk: ChatService, channel: str) -> None:
    """Not even who guesses the conversation and the message; nothing of it is stored."""
    number = desk.reply("vpn not connecting", channel=channel, sender=SENDER).message_id
    client = app.test_client()
    rated = client.post(f"/api/v1/messages/{number}/feedback", json={"session_id": SENDER, "helpful": False})

    assert (say(client, channel), look(client, channel), rated.status_code) == (403, 403, 404)
    assert desk.reply("hello", channel=channel, sender=SENDER).message_id == number + 1


def test_other_channels_stay_open(app: Flask) -> None:
    """Their session ids are the secret."""
    client = app.test_client()

    assert [(say(client, name), look(client, name)) for name in ("api", "rest", "widget", "own")] == [(200, 200)] * 4


def test_a_program_with_a_key_and_staff_may(app: Flask, records: Database) -> None:
    """The one is trusted with the scope, the others see all conversations anyway."""
    with records.write() as session:
        made = api_keys.add_key(session, "crm", scopes=(Scope.MESSAGES,), origins=(), author=STAFF)
    staff = app.test_client()
    log_in(staff)

    assert say(app.test_client(), "slack", headers={"Authorization": f"Bearer {made.token}"}) == 200
    assert look(staff, "slack") == 200
