"""The whole way at every door: a question, a question back, none of these, a case at the receiver, a person's reply."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clients import log_in, post
from desks import always_clarify
from flask import Flask
from flask.testing import FlaskClient
from other_systems import SECRET, OtherSystem, make_due, other_system
from playwright.sync_api import Browser, expect
from sites import Site, served
from sqlalchemy import func, select

from helpdesk.app import create_app
from helpdesk.channels.chat_names import PROVEN_CHANNELS
from helpdesk.channels.signatures import CHATWOOT, SLACK, Recipe, sign
from helpdesk.records import api_keys
from helpdesk.records.api_keys import Scope
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseRow
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.web.context import courier

QUESTION, NONE, REPLY = "new one for the office please", "None of these", "It is on **floor 2**."
Say = Callable[[FlaskClient, str, int], None]  # a message with its number


def as_rasa(client: FlaskClient, text: str, number: int) -> None:
    body = {"sender": "rest", "message": text, "metadata": {"message_id": number}}
    assert client.post("/webhooks/rest/webhook", json=body).status_code == 200


def as_program(client: FlaskClient, text: str, number: int) -> None:
    body = {"session_id": "api", "text": text, "message_id": str(number)}
    assert client.post("/api/v1/messages", json=body).status_code == 200


def as_deep_chat(client: FlaskClient, text: str, number: int) -> None:
    body = {"messages": [{"role": "user", "text": text}], "sessionId": "deep", "messageId": str(number)}
    assert client.post("/webhooks/deep-chat", json=body).status_code == 200


def as_mattermost(client: FlaskClient, text: str, number: int) -> None:
    body = {"token": "mt", "channel_id": "c", "user_id": "u", "post_id": str(number), "text": text}
    assert client.post("/webhooks/mattermost", data=body).status_code == 200


def as_slack(client: FlaskClient, text: str, number: int) -> None:
    event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "text": text, "ts": f"{number}.1"}
    send_signed(client, SLACK, "/webhooks/slack", {"type": "event_callback", "team_id": "T1", "event": event})


def as_chatwoot(client: FlaskClient, text: str, number: int) -> None:
    talk = {"id": 42, "status": "pending", "channel": "Channel::WebWidget"}
    event = {"event": "message_created", "message_type": "incoming", "id": number, "content": text, "private": False}
    event |= {"account": {"id": 1}, "conversation": talk, "inbox": {"id": 3}}
    send_signed(client, CHATWOOT, "/webhooks/chatwoot", event)


def send_signed(client: FlaskClient, recipe: Recipe, path: str, body: dict[str, Any]) -> None:
    """What another system sends."""
    raw = json.dumps(body).encode()
    headers = sign(recipe, "s", body=raw, at=time.time()) | {"Content-Type": "application/json"}
    assert client.post(path, data=raw, headers=headers).status_code == 200


POLLED = {  # whoever uses these asks for replies: sender, channel
    "rasa": (as_rasa, "rest", "rest"),
    "api": (as_program, "api", "api"),
    "deep-chat": (as_deep_chat, "deep", "deep-chat"),
    "mattermost": (as_mattermost, "c:u", "mattermost"),
}
POSTED = {"slack": as_slack, "chatwoot": as_chatwoot}


@pytest.fixture
def system() -> Iterator[OtherSystem]:
    with other_system() as made:
        yield made


def opened(settings: Settings, system: OtherSystem, **more: Any) -> Settings:
    """Every door open, people at the inbox, and a receiver of cases."""
    return load_settings(
        **settings.model_dump(exclude_unset=True),
        inbox=True, handover_webhook_url=f"{system.url}/hook", handover_webhook_secret=SECRET,
        chatwoot_url=system.url, chatwoot_token="bt", chatwoot_lookup_token="at", chatwoot_secret="s",
        slack_url=system.url, slack_token="xoxb", slack_signing_secret="s",
        mattermost_token="mt", deep_chat=True, **more,
    )  # fmt: skip


def send_all(app: Flask, records: Database) -> None:
    """What the courier does, after a first try that fails."""
    with app.app_context():
        courier().send_due()
    make_due(records)
    with app.app_context():
        courier().send_due()


def reply_from_desk(app: Flask, records: Database) -> None:
    """Somebody at the desk answers the newest case."""
    desk = app.test_client()
    assert log_in(desk).status_code == 303
    with records.read() as session:
        case = session.scalar(select(func.max(CaseRow.id)))
    page = f"/desk/inbox/{case}"
    form = {"text": REPLY, "token": f"{case:032}", "do": "send"}
    assert post(desk, f"{page}/reply", page, **form).status_code == 303


def program(app: Flask, records: Database) -> FlaskClient:
    """What has a key of its own."""
    with records.write() as session:
        made = api_keys.add_key(session, "bridge", scopes=(Scope.MESSAGES,), origins=(), author="ann")
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {made.token}"
    return client


def received(system: OtherSystem) -> list[dict[str, Any]]:
    """The cases that the receiver got."""
    return [one["data"] for one in system.stored if one.get("type") == "case.opened"]


def test_every_door_leads_to_people_and_back(
    settings: Settings, live: LiveMatcher, records: Database, system: OtherSystem
) -> None:
    """The case arrives once, with what was said, though messages are repeated and the first try fails; whoever asked
    gets what a person replied."""
    always_clarify(live)
    app = create_app(opened(settings, system), live=live)
    doors: dict[str, Say] = {**{name: door[0] for name, door in POLLED.items()}, **POSTED}
    for count, (name, say) in enumerate(doors.items(), 1):
        client = app.test_client()
        for number, text in ((10 * count, QUESTION), (10 * count + 1, NONE), (10 * count + 1, NONE)):
            say(client, text, number)
        system.faults.append(500)
        send_all(app, records)
        cases = received(system)
        assert len(cases) == count, name
        assert [turn["customer"] for turn in cases[-1]["transcript"]] == [QUESTION, NONE], name
        assert (cases[-1]["reason"], cases[-1]["transcript"][0]["bot"][:11]) == ("none_of_these", "asked back:"), name

        before = len(system.stored)
        reply_from_desk(app, records)
        send_all(app, records)
        if name in POLLED:
            _, sender, channel = POLLED[name]
            asker = client if channel not in PROVEN_CHANNELS else program(app, records)
            found: Any = asker.get(f"/api/v1/sessions/{sender}/updates?channel={channel}").json
            assert [update["text"] for update in found["updates"]] == ["It is on floor 2."], name
            assert "<strong>floor 2</strong>" in found["updates"][0]["html"], name
        else:
            said = [one.get("text") or one.get("content") for one in system.stored[before:]]
            assert said == ["It is on floor 2."], name
    assert system.status == "open"


@pytest.mark.slow
@pytest.mark.browser
def test_the_widget_leads_to_people_and_back(
    browser: Browser, settings: Settings, live: LiveMatcher, records: Database, system: OtherSystem
) -> None:
    """On a page of another origin, in Chromium."""
    always_clarify(live)
    site = Site()
    with served(site.app) as shop:
        app = create_app(opened(settings, system, allowed_origins=shop), live=live)
        page = browser.new_page(locale="en-GB")
        with served(app) as address:
            site.add("shop", address)
            page.goto(f"{shop}/shop")
            page.locator(".launcher").click()
            page.locator("#message").fill(QUESTION)
            page.locator("#message").press("Enter")
            page.get_by_role("button", name=NONE).click()
            expect(page.locator(".notice")).to_have_text("Your request is with our team.")
            system.faults.append(500)
            send_all(app, records)
            reply_from_desk(app, records)
            expect(page.locator(".turn strong")).to_have_text("floor 2", timeout=20_000)
            expect(page.locator(".author")).to_have_text("Colleague")
            expect(page.get_by_role("button", name=NONE, pressed=True)).to_be_disabled()
        page.close()
    (case,) = received(system)
    assert [turn["customer"] for turn in case["transcript"]] == [QUESTION, NONE]
