"""The chats of other systems: their messages are answered once, and only when it is they who send them."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from desks import always_clarify
from flask import Flask
from flask.testing import FlaskClient
from other_systems import PAST, STORED_BUT_SILENT, OtherSystem, make_due, other_system
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from helpdesk.app import create_app
from helpdesk.channels.signatures import CHATWOOT, SLACK, TEAMS, Recipe, sign
from helpdesk.errors import BadInputError
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseRow, Conversation, DeliveryRow, Message
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.web.context import courier

DOORS = ("chatwoot", "slack", "mattermost", "teams", "deep-chat")
TEAMS_TOKEN = base64.b64encode(bytes(range(32))).decode()
SECRETS = {CHATWOOT: "cs2", SLACK: "ss", TEAMS: TEAMS_TOKEN}
KNOWN, ANSWER = "I forgot my password", "Open the self-service page."
UNSURE = "new one for the office please"


@pytest.fixture
def system() -> Iterator[OtherSystem]:
    with other_system() as made:
        yield made


@pytest.fixture
def chats(settings: Settings, live: LiveMatcher, system: OtherSystem) -> Flask:
    """An application with every door open."""
    opened = load_settings(
        **settings.model_dump(exclude_unset=True),
        chatwoot_url=system.url, chatwoot_token="bt", chatwoot_lookup_token="at",
        chatwoot_secret="cs1, cs2", chatwoot_url_secret="old",
        slack_url=system.url, slack_token="xoxb", slack_signing_secret="ss",
        mattermost_token="mt1,mt2", teams_secret=f"{TEAMS_TOKEN[::-1][1:]}=,{TEAMS_TOKEN}", deep_chat=True,
    )  # fmt: skip
    return create_app(opened, live=live)


@pytest.fixture
def visitor(chats: Flask) -> FlaskClient:
    return chats.test_client()


def signed(client: FlaskClient, recipe: Recipe, path: str, body: Mapping[str, Any], **more: Any) -> TestResponse:
    """POST what the other system signed."""
    raw = json.dumps(body).encode()
    given: dict[str, Any] = {"secret": SECRETS[recipe], "at": time.time()} | more
    headers = sign(recipe, given["secret"], body=raw, at=given["at"]) | {"Content-Type": "application/json"}
    return client.post(path, data=raw, headers=headers)


def chatwoot_event(text: str | None = KNOWN, number: int = 7, **more: Any) -> dict[str, Any]:
    """A customer's message as Chatwoot sends it."""
    talk = {"id": 42, "status": "pending", "channel": "Channel::WebWidget"}
    event = {"event": "message_created", "message_type": "incoming", "id": number, "content": text, "private": False}
    return event | {"account": {"id": 1}, "conversation": talk, "inbox": {"id": 3}} | more


def slack_event(text: str = KNOWN, moment: str = "1700000000.000100", **more: Any) -> dict[str, Any]:
    """A direct message as Slack sends it."""
    event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "text": text, "ts": moment}
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event | more}


def teams_activity(text: str = f"<at>Helpdesk</at> {KNOWN}\n", number: str = "1485", **more: Any) -> dict[str, Any]:
    """A message in a channel as Teams sends it."""
    activity = {
        "type": "message",
        "id": number,
        "timestamp": "2026-11-02T21:10:08.511Z",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "channelId": "msteams",
        "from": {"id": "29:1XJKJMvc5GBtc2JwZq0oj8t", "name": "Tim Jones", "aadObjectId": "7faf8d71"},
        "conversation": {"conversationType": "channel", "id": "19:253b1f@thread.skype;messageid=1485983194839"},
        "recipient": {"id": "28:c9e8c047", "name": "Helpdesk"},
        "text": text,
        "textFormat": "plain",
        "entities": [{"type": "mention", "text": "<at>Helpdesk</at>", "mentioned": {"id": "28:c9e8c047"}}],
    }
    return activity | more


def send_all(app: Flask) -> tuple[int, int]:
    """What the courier's thread would do now."""
    with app.app_context():
        return courier().send_due()


def count(records: Database, table: Any) -> int:
    """Rows of a table."""
    with records.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_closed_until_it_is_set_up(client: FlaskClient, door: str) -> None:
    """Nobody can tell that there could be one."""
    assert client.post(f"/webhooks/{door}", json={"messages": [{"text": "hi"}]}).status_code == 404


def test_a_message_in_chatwoot_is_stored_and_its_reply_posted_once(
    visitor: FlaskClient, chats: Flask, records: Database, system: OtherSystem
) -> None:
    """However often the event comes, and though the first answer to the reply is lost."""
    for _ in range(3):
        assert signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event()).status_code == 200
    system.faults.append(STORED_BUT_SILENT)
    assert send_all(chats) == (0, 1)
    make_due(records)
    assert send_all(chats) == (1, 0)

    (posted,) = system.stored
    assert (posted["content"], posted["message_type"], posted["private"]) == (ANSWER, "outgoing", False)
    assert posted["place"] == "/api/v1/accounts/1/conversations/42/messages"
    assert count(records, Message) == 1


def test_choices_in_chatwoot_are_buttons_where_there_are_any(
    visitor: FlaskClient, chats: Flask, live: LiveMatcher, system: OtherSystem
) -> None:
    """And a press on one, which changes the bot's message, is understood; elsewhere choices are numbered."""
    always_clarify(live)
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event(UNSURE))
    send_all(chats)
    (asked,) = system.stored
    assert asked["content_type"] == "input_select"
    assert asked["content"] == "Which of these do you mean?"
    items = asked["content_attributes"]["items"]
    assert items[-1] == {"title": "None of these", "value": "None of these"}

    chosen = {"submitted_values": [items[0]]}
    update = chatwoot_event(asked["content"], 8, event="message_updated", message_type="outgoing")
    for _ in range(2):
        signed(visitor, CHATWOOT, "/webhooks/chatwoot", update | {"content_attributes": chosen})
    send_all(chats)
    assert len(system.stored) == 2
    assert "content_type" not in system.stored[1]

    mail = {"id": 43, "status": "pending", "channel": "Channel::Email"}
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event(UNSURE, 9, conversation=mail))
    send_all(chats)
    assert "\n1. " in system.stored[2]["content"]


@pytest.mark.parametrize(
    "more",
    [
        {"message_type": "outgoing"},
        {"private": True},
        {"event": "conversation_opened"},
        {"event": "message_updated", "content_attributes": {}},
        {"conversation": {"id": 42, "status": "open"}},
        {"conversation": None},
    ],
)
def test_what_is_not_said_to_the_bot_is_left_alone(
    visitor: FlaskClient, records: Database, more: dict[str, Any]
) -> None:
    """Its own messages, notes, other events, and conversations that a person has."""
    answer = signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event() | more)
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})
    assert count(records, Message) == 0


def test_a_late_reply_is_not_posted_beside_a_person(
    visitor: FlaskClient, chats: Flask, records: Database, system: OtherSystem
) -> None:
    """Who took over while it waited."""
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event())
    system.faults.append(500)
    send_all(chats)
    system.status = "open"
    make_due(records)

    assert send_all(chats) == (1, 0)
    assert system.stored == []


def test_pictures_and_long_texts_are_answered_too(visitor: FlaskClient, records: Database) -> None:
    """A picture as a message without letters, a text that is too long by its beginning."""
    for number, text in enumerate([None, "", "word " * 1000], 1):
        assert signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event(text, number)).status_code == 200
    with records.read() as session:
        stored = list(session.scalars(select(Message.text).order_by(Message.id)))
    assert stored[:2] == ["📎", "📎"]
    assert (len(stored[2]), stored[2][-1]) == (2000, "…")


@pytest.mark.parametrize(
    ("recipe", "path", "body"),
    [(CHATWOOT, "/webhooks/chatwoot", chatwoot_event()), (SLACK, "/webhooks/slack", slack_event())],
)
def test_forged_and_replayed_requests_are_refused(
    visitor: FlaskClient, records: Database, recipe: Recipe, path: str, body: dict[str, Any]
) -> None:
    """401, and nothing is stored; the raw bytes count, not what they mean."""
    assert signed(visitor, recipe, path, body, secret="wrong").status_code == 401
    assert signed(visitor, recipe, path, body, at=time.time() - 400).status_code == 401
    raw = json.dumps(body).encode()
    headers = sign(recipe, SECRETS[recipe], body=raw, at=time.time())
    assert visitor.post(path, data=raw.replace(b": ", b":"), headers=headers).status_code == 401
    assert visitor.post(path, data=raw).status_code == 401
    assert count(records, Message) == 0


def test_an_older_chatwoot_has_a_secret_in_the_address(visitor: FlaskClient) -> None:
    """Where nothing is signed."""
    assert visitor.post("/webhooks/chatwoot?secret=old", json=chatwoot_event()).status_code == 200
    assert visitor.post("/webhooks/chatwoot?secret=new", json=chatwoot_event()).status_code == 401


def test_a_message_that_cannot_be_stored_is_sent_again_by_chatwoot(chats: Flask, visitor: FlaskClient) -> None:
    """It repeats 500 and no 503, at which it would give the conversation to people."""
    found = chats.extensions["helpdesk"]
    gone = load_settings(database_url="postgresql+psycopg://nobody@127.0.0.1:1/none", database_timeout=1)
    from helpdesk.records.database import open_database

    chats.extensions["helpdesk"] = replace(found, database=open_database(gone))
    assert signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event()).status_code == 500


def test_slack_is_answered_in_the_conversation(
    visitor: FlaskClient, chats: Flask, records: Database, system: OtherSystem
) -> None:
    """A repetition and a second event of one message are the same message; a mention is answered under it."""
    challenge = signed(visitor, SLACK, "/webhooks/slack", {"type": "url_verification", "challenge": "abc"})
    assert challenge.json == {"challenge": "abc"}
    for _ in range(2):
        assert signed(visitor, SLACK, "/webhooks/slack", slack_event()).status_code == 200
    mention: dict[str, Any] = {"type": "app_mention", "channel_type": None, "channel": "C1", "ts": "1700000000.000200"}
    signed(visitor, SLACK, "/webhooks/slack", slack_event(f"<@U99> {KNOWN} &amp; <http://x.example|this>", **mention))
    for ignored in ({"bot_id": "B1"}, {"subtype": "message_changed"}, {"channel_type": "channel"}):
        signed(visitor, SLACK, "/webhooks/slack", slack_event(**ignored))
    assert send_all(chats) == (2, 0)

    direct, threaded = system.stored
    assert (direct["channel"], direct["text"], direct.get("thread_ts")) == ("D1", ANSWER, None)
    assert (threaded["channel"], threaded["thread_ts"]) == ("C1", "1700000000.000200")
    with records.read() as session:
        assert list(session.scalars(select(Message.text))) == [KNOWN, f"{KNOWN} & this"]


def test_mattermost_gets_its_answer_at_once(visitor: FlaskClient, records: Database) -> None:
    """As a form or as JSON, without the trigger word; one post is one message."""
    sent = {"channel_id": "c", "user_id": "u", "post_id": "p", "text": f"bot {KNOWN}", "trigger_word": "bot"}
    for _ in range(2):
        said = visitor.post("/webhooks/mattermost", data=sent | {"token": "mt2"})
        assert said.json == {"text": ANSWER, "response_type": "comment"}
    assert visitor.post("/webhooks/mattermost", json=sent | {"token": "mt1", "post_id": "q"}).status_code == 200
    assert visitor.post("/webhooks/mattermost", data=sent | {"token": "no"}).status_code == 401
    assert visitor.post("/webhooks/mattermost", data={"token": "mt1"}).status_code == 400
    assert count(records, Message) == 2


def test_teams_gets_its_answer_at_once(visitor: FlaskClient, records: Database) -> None:
    """Once however often it is sent; the mention and what Teams makes of letters are no part of what was asked."""
    path = "/webhooks/teams"
    for _ in range(2):
        said = signed(visitor, TEAMS, path, teams_activity())
        assert said.json == {"type": "message", "text": ANSWER, "textFormat": "plain"}
    signed(visitor, TEAMS, path, teams_activity("<p><at>Helpdesk</at>&nbsp;a &lt;b&gt; &amp; c</p>", "2"))
    forged = signed(visitor, TEAMS, path, teams_activity(), secret=base64.b64encode(bytes(32)).decode())
    strange = signed(visitor, TEAMS, path, teams_activity() | {"from": {"name": "x" * 9999}})

    assert (forged.status_code, strange.status_code) == (401, 400)
    assert forged.get_json()["detail"] == "Authorization does not sign this body"  # Teams signs no moment
    assert strange.get_json()["detail"] == "from.id is None; expected text"
    with records.read() as session:
        texts = session.scalars(select(Message.text).order_by(Message.id)).all()
    assert texts == [KNOWN, "a <b> & c"]


def test_senders_that_share_a_long_beginning_are_two(visitor: FlaskClient, records: Database) -> None:
    """In Teams an id has no length; in Chatwoot a number has 64 bits."""
    for number, end in enumerate("aba"):
        activity = teams_activity(number=str(number)) | {"from": {"id": f"29:{'x' * 400}{end}"}}
        assert signed(visitor, TEAMS, "/webhooks/teams", activity).status_code == 200
    with records.read() as session:
        senders = session.scalars(select(Conversation.sender)).all()
    assert len(set(senders)) == 2
    assert {len(sender) for sender in senders} == {256}
    huge = chatwoot_event(account={"id": 10**300})
    assert signed(visitor, CHATWOOT, "/webhooks/chatwoot", huge).status_code == 400


@pytest.mark.parametrize(
    ("token", "failed"), [(TEAMS_TOKEN, False), ("short", True), ("not base64 at all, really", True)]
)
def test_a_token_that_cannot_sign_is_named(token: str, failed: bool) -> None:
    """When the process starts; the token is not repeated."""
    if not failed:
        assert load_settings(teams_secret=token).answering_chats == ("teams",)
        return
    with pytest.raises(BadInputError, match=r"HELPDESK_TEAMS_SECRET=.*base64 of at least 24 bytes") as error:
        load_settings(teams_secret=token)
    assert token not in str(error.value)


def test_deep_chat_shows_answers_choices_and_errors(visitor: FlaskClient, live: LiveMatcher) -> None:
    """A choice is a button that sends its text, in the same session."""

    def say(text: str) -> Any:
        body = {"messages": [{"role": "user", "text": text}], "sessionId": 5}
        return visitor.post("/webhooks/deep-chat", json=body).json

    assert say(KNOWN) == {"text": ANSWER}
    always_clarify(live)
    asked = say(UNSURE)
    assert asked["text"] == "Which of these do you mean?"
    assert 'class="deep-chat-button deep-chat-suggestion-button">None of these</button>' in asked["html"]
    bad = visitor.post("/webhooks/deep-chat", json={"messages": []})
    assert bad.status_code == 400
    assert "messages" in bad.json["error"]  # type: ignore[index]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"event": 1}', b'{"token": "\\ud800"}', b'{"a": NaN}'])
@pytest.mark.parametrize("door", DOORS)
def test_garbage_is_refused_with_a_reason(visitor: FlaskClient, door: str, body: bytes) -> None:
    """Never a fault of ours, signed or not."""
    path = f"/webhooks/{door}"
    recipe = {"chatwoot": CHATWOOT, "slack": SLACK}.get(door, SLACK)
    headers = sign(recipe, SECRETS[recipe], body=body, at=time.time()) | {"Content-Type": "application/json"}
    assert visitor.post(path, data=body, headers=headers).status_code in (200, 400, 401)


def test_nothing_is_queued_twice_for_one_message(visitor: FlaskClient, records: Database) -> None:
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event())
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event())
    assert count(records, DeliveryRow) == 1


def test_a_conversation_that_people_gave_back_can_be_handed_over_again(
    visitor: FlaskClient, chats: Flask, records: Database, system: OtherSystem
) -> None:
    """Pending again in Chatwoot: its case is done. A message that overtook the hand-over closes nothing."""
    for number, wish in ((1, "human please"), (2, "a human please!")):
        signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event(wish, number))
        send_all(chats)
    assert system.status == "open"
    assert count(records, CaseRow) == 1

    make_due(records)
    with records.write() as session:
        session.execute(update(DeliveryRow).values(ended_at=PAST))
    system.status = "pending"
    signed(visitor, CHATWOOT, "/webhooks/chatwoot", chatwoot_event("I want a person", 3))
    send_all(chats)
    assert system.status == "open"
    assert count(records, CaseRow) == 2
