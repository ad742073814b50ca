"""The Rasa webhook and our own API: the contract, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from desks import always_clarify
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow, Message
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

WEBHOOK = "/webhooks/rest/webhook"
UNSURE = "new one for the office please"


def say(client: FlaskClient, text: str, sender: str = "u1") -> dict[str, Any]:
    """The first element of the webhook's answer."""
    response = client.post(WEBHOOK, json={"sender": sender, "message": text})
    assert response.status_code == 200, response.text
    assert response.json is not None
    element: dict[str, Any] = response.json[0]
    return element


def test_a_known_question_is_answered_in_the_first_element(client: FlaskClient) -> None:
    """The whole answer, the recipient, and in `custom` what decided it."""
    element = say(client, "I forgot my password")

    assert element["text"] == "Open the self-service page."
    assert element["recipient_id"] == "u1"
    assert element["custom"]["intent"] == "password"
    assert element["custom"]["decision"] == "answer"
    assert element["custom"]["version"] == 1
    assert "buttons" not in element


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("what is the capital of peru", "in other words"),
        ("asdf qwer", "in other words"),
        ("???", "in other words"),
        ("Wie backe ich einen Kuchen?", "Ich verstehe nur: English."),
    ],
)
def test_what_is_not_known_is_not_answered(client: FlaskClient, text: str, said: str) -> None:
    """Out of scope, gibberish, nothing at all, another language: never a confident answer."""
    element = say(client, text)

    assert element["custom"]["decision"] == "fallback"
    assert said in element["text"]


def test_the_channel_says_that_it_is_there(client: FlaskClient) -> None:
    """Rasa's health check."""
    assert client.get("/webhooks/rest/").json == {"status": "ok"}


@pytest.mark.parametrize("choice", ["1", "2"])
def test_a_clarifying_question_takes_a_number_or_a_button(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, live: LiveMatcher, choice: str
) -> None:
    """Options are numbered in the text and are buttons too; either way leads to the answer."""
    always_clarify(live)
    element = say(client, UNSURE)
    options = element["buttons"]

    assert element["custom"]["decision"] == "clarify"
    assert f"{choice}. {options[int(choice) - 1]['title']}" in element["text"].splitlines()
    assert options[-1]["title"] == "None of these"
    by_number = say(client, choice)
    by_button = say(client, options[int(choice) - 1]["payload"], sender="u2")
    assert by_number["custom"]["decision"] == by_button["custom"]["decision"] == "answer"
    assert by_number["text"] == by_button["text"]


def test_none_of_these_hands_over(client: FlaskClient, live: LiveMatcher) -> None:
    """By its button or by its number."""
    always_clarify(live)
    for sender in ("a", "b"):
        buttons = say(client, UNSURE, sender)["buttons"]
        said = buttons[-1]["payload"] if sender == "a" else str(len(buttons))
        custom = say(client, said, sender)["custom"]
        assert (custom["decision"], custom["reason"]) == ("fallback", "none_of_these")


def test_a_number_out_of_the_blue_is_a_message(client: FlaskClient) -> None:
    """Without a question before it, "2" chooses nothing."""
    assert say(client, "2")["custom"]["reason"] != "choice"


def test_the_message_and_its_decision_are_stored_before_the_reply(client: FlaskClient, records: Database) -> None:
    """Full ranking, thresholds and version stand beside the decision."""
    message_id = say(client, "my vpn fails")["custom"]["message_id"]

    with records.read() as session:
        decision = session.scalars(select(DecisionRow).where(DecisionRow.message_id == message_id)).one()
        assert session.get_one(Message, message_id).text == "my vpn fails"
    assert decision.ranking[0]["intent"] == "vpn"
    assert len(decision.ranking) == 5
    assert decision.version_id == 1
    assert set(decision.thresholds) == {"answer", "clarify"}


def body(**more: Any) -> dict[str, Any]:
    """A good message of our own API with these changes."""
    return {"session_id": "s", "text": "forgot my password"} | more


@pytest.mark.parametrize(
    ("path", "raw", "words"),
    [
        (WEBHOOK, b"{", "not JSON"),
        (WEBHOOK, b"[]", "an array; expected an object"),
        (WEBHOOK, b'{"sender": "a"}', "message is missing"),
        (WEBHOOK, b'{"sender": true, "message": "x"}', "sender is True; Input should be a valid string"),
        (WEBHOOK, b'{"sender": 5.5, "message": "x"}', "sender is 5.5; Input should be a valid string"),
        (WEBHOOK, b'{"sender": "a", "message": "x", "metadata": {"message_id": []}}', "metadata.message_id is []"),
        (WEBHOOK, b'{"sender": "a", "message": "x", "n": 1e999}', "1e999 is too large"),
        (WEBHOOK, b'{"sender": "a", "message": false}', "message is False"),
        (WEBHOOK, b'{"sender": "a", "message": null}', "message is None"),
        (WEBHOOK, b'{"sender": "", "message": "x"}', "sender is empty"),
        (WEBHOOK, b'{"sender": "a", "message": "  "}', "message is empty"),
        (WEBHOOK, b'{"sender": "a", "message": NaN}', "NaN is not JSON"),
        (WEBHOOK, b'{"sender": "a", "sender": "b", "message": "x"}', "repeats a key"),
        (WEBHOOK, b'{"sender": "a", "message": "x\\u0000"}', "NUL"),
        (WEBHOOK, b'{"sender": "a", "message": "\\ud800"}', "lone surrogate"),
        (WEBHOOK, b'{"sender": "a", "message": "\xff"}', "not UTF-8 at byte 28"),
        (WEBHOOK, b'{"sender": "a", "message": "x", "metadata": ' + b"[" * 30 + b"]" * 30 + b"}", "deeper than 20"),
        (WEBHOOK, b'{"sender": "a", "message": "x", "n": ' + b"9" * 5000 + b"}", "5000 digits"),
        (WEBHOOK, b'{"sender": "a", "message": "' + b"x" * 2001 + b'"}', "2,001 characters; expected at most 2,000"),
        (WEBHOOK, b'{"sender": "' + b"s" * 257 + b'", "message": "x"}', "sender has 257 characters"),
        ("/api/v1/messages", b'{"text": "x"}', "session_id is missing"),
        ("/api/v1/messages", b'{"session_id": " ", "text": "x"}', "session_id is empty"),
        ("/api/v1/messages", b'{"session_id": "s", "text": " "}', "text is empty"),
        ("/api/v1/messages", b'{"session_id": "s", "text": "x", "channel": "A b"}', "channel is 'A b'"),
        ("/api/v1/messages", b'{"session_id": "s", "text": "x", "message_id": 7.5}', "message_id is 7.5"),
        ("/api/v1/messages", b'{"session_id": "s", "text": "x", "message_id": {}}', "message_id is {}"),
        ("/api/v1/match", b"{}", "text is missing"),
    ],
)
def test_bad_bodies_are_refused_with_what_was_expected(
    client: FlaskClient, records: Database, path: str, raw: bytes, words: str
) -> None:
    """400 problem+json that names the fault; nothing is stored."""
    response = client.post(path, data=raw, content_type="application/json")

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    problem = response.get_json(force=True)
    assert words in problem["detail"]
    assert problem["status"] == 400
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", WEBHOOK, {"data": b"a=b", "content_type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/api/v1/match", {"data": b"{}", "content_type": "text/plain"}, 415),
        ("GET", WEBHOOK, {}, 405),
        ("POST", WEBHOOK, {"data": b"x" * 70_000, "content_type": "application/json"}, 413),
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/api/v1/search", {}, 400),
        ("GET", "/api/v1/search?q=vpn&limit=0", {}, 400),
        ("GET", "/api/v1/search?q=vpn&limit=ten", {}, 400),
    ],
)
def test_other_faults_are_problems_too(
    client: FlaskClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    """Every error of the API has the same form."""
    response = client.open(path, method=method, **options)

    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_the_same_delivery_is_one_message(client: FlaskClient, records: Database) -> None:
    """The stored answer is given again; another text under the same id is a conflict."""
    first = client.post("/api/v1/messages", json=body(message_id="m1")).json
    again = client.post("/api/v1/messages", json=body(message_id="m1")).json
    other = client.post("/api/v1/messages", json=body(message_id="m1", text="something else"))

    assert first is not None
    assert again is not None
    assert first["message_id"] == again["message_id"]
    assert first["messages"] == again["messages"]
    assert other.status_code == 409
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_parallel_deliveries_of_one_id_are_one_message(app: Flask, records: Database) -> None:
    """A retry that races the original is answered alike."""

    def post(_: int) -> int:
        response = app.test_client().post("/api/v1/messages", json=body(message_id="m2"))
        assert response.status_code == 200, response.text
        assert response.json is not None
        return int(response.json["message_id"])

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(post, range(16)))

    assert len(ids) == 1


def test_our_own_api_says_what_it_matched(client: FlaskClient) -> None:
    """Decision, ranking and version."""
    answer = client.post("/api/v1/messages", json=body()).json

    assert answer is not None
    assert answer["decision"] == "answer"
    assert answer["intent"] == answer["matches"][0]["intent"] == "password"
    assert answer["model"] == {"version": 1}


def test_matching_alone_stores_nothing(client: FlaskClient, records: Database) -> None:
    """`/api/v1/match` is for looking."""
    found = client.post("/api/v1/match", json={"text": "vpn is down"}).json

    assert found is not None
    assert found["matches"][0]["intent"] == "vpn"
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_search_ranks_the_faq_by_meaning(client: FlaskClient) -> None:
    """The words need not be shared."""
    found = client.get("/api/v1/search?q=my+credentials+are+gone+from+my+memory&limit=3").json

    assert found is not None
    assert len(found["results"]) == 3
    assert found["results"][0]["intent"] == "password"
    assert found["results"][0]["answer"] == "Open the self-service page."


def test_the_model_and_the_faq_can_be_read(client: FlaskClient, settings: Settings) -> None:
    """What serves, and what it can answer."""
    model, listed = client.get("/api/v1/model").json, client.get("/api/v1/faqs").json

    assert model is not None
    assert (model["version"], model["base_model"], model["intents"]) == (1, settings.base_model, 5)
    assert listed is not None
    assert [entry["intent"] for entry in listed["faqs"]] == ["laptop", "password", "printer", "vpn", "wifi"]


def test_a_missing_database_is_503_and_readyz_says_so(app: Flask, settings: Settings) -> None:
    """The caller is told to come back; nothing pretends to be stored."""
    app.extensions["helpdesk"].database.engine.dispose()
    (settings.home / "helpdesk.db").unlink()
    (settings.home / "helpdesk.db").mkdir()
    client = app.test_client()

    refused = client.post(WEBHOOK, json={"sender": "a", "message": "hello"})

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert ready.json["database"] == "unavailable"
    assert client.get("/livez").status_code == 200


def test_only_named_origins_may_call_from_a_browser(settings: Settings, live: LiveMatcher) -> None:
    """No origin by default, those in the setting otherwise, and never the staff pages."""
    from helpdesk.app import create_app

    allowed = settings.model_copy(update={"allowed_origins": ("https://shop.example",)})
    headers = {"Origin": "https://shop.example"}
    message = {"sender": "a", "message": "vpn"}
    closed, opened = create_app(settings, live=live).test_client(), create_app(allowed, live=live).test_client()

    assert "Access-Control-Allow-Origin" not in closed.post(WEBHOOK, json=message, headers=headers).headers
    answer = opened.post(WEBHOOK, json=message, headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in opened.get("/login", headers=headers).headers


def test_choices_come_in_random_order(client: FlaskClient, live: LiveMatcher) -> None:
    """People take the first one too often for its rank to be learnt from."""
    always_clarify(live)
    first = {say(client, UNSURE, sender=f"u{number}")["buttons"][0]["title"] for number in range(30)}

    assert len(first) > 1


@pytest.mark.parametrize(
    ("text", "decision", "reason"), [("Good morning!", "smalltalk", "greeting"), ("human please", "handoff", "asked")]
)
def test_small_talk_and_wishes_have_their_own_decision(
    client: FlaskClient, text: str, decision: str, reason: str
) -> None:
    """On every channel."""
    custom = say(client, text)["custom"]
    message: Any = client.post("/api/v1/messages", json={"session_id": "s", "text": text}).json
    match: Any = client.post("/api/v1/match", json={"text": text}).json

    assert {(said["decision"], said["reason"]) for said in (custom, message, match)} == {(decision, reason)}
    assert "intent" not in custom
    assert message["intents"] == match["intents"] == message["options"] == []


def test_match_names_what_is_answered(client: FlaskClient) -> None:
    """By its slug; nothing for what is handed over."""
    answered: Any = client.post("/api/v1/match", json={"text": "hi, forgot my password"}).json
    handed_over: Any = client.post("/api/v1/match", json={"text": "what is the capital of peru"}).json

    assert (answered["intents"], handed_over["intents"]) == (["password"], [])


def test_ids_may_be_numbers_and_belong_to_their_sender(client: FlaskClient, records: Database) -> None:
    """17 and "17" are one id, whichever door it comes through; of another sender it is another message."""
    ids = []
    for sender, number in (("a", 17), ("a", "17"), ("b", 17)):
        answer = client.post(WEBHOOK, json={"sender": sender, "message": "hi", "metadata": {"message_id": number}})
        assert answer.json is not None
        ids.append(answer.json[0]["custom"]["message_id"])
        own = client.post("/api/v1/messages", json=body(session_id=sender, message_id=number)).json
        assert own is not None
        ids.append(own["message_id"])

    assert (ids[0], ids[1]) == (ids[2], ids[3])
    assert len(set(ids)) == 4
