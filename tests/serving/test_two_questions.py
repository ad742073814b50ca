"""Two questions in one message get both answers; one question is never torn apart."""

import csv

import pytest
from flask.testing import FlaskClient

from helpdesk.matching.several import splits
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import resource


@pytest.mark.parametrize(
    "text",
    [
        "forgot my password and also the printer not working",
        "forgot my password. printer not working",
        "Forgot my password, and printer not working!",
    ],
)
def test_both_are_answered_in_one_text(real_desk: ChatService, text: str) -> None:
    """The first element's text holds both answers, first question first."""
    reply = real_desk.reply(text, channel="rest", sender="u")

    assert (reply.kind, reply.reason) == ("answer", "two_questions")
    assert list(reply.intents) == ["password", "printer"]
    assert reply.text == "Open the self-service page.\n\nSwitch the printer off and on."


def test_a_repeated_delivery_gives_both_again(real_desk: ChatService) -> None:
    """What is stored is enough to say the same."""
    texts = {
        real_desk.reply("forgot my password. printer not working", channel="rest", sender="u", external_id="7").text
        for _ in range(2)
    }

    assert len(texts) == 1


def test_the_webhook_names_both(client: FlaskClient) -> None:
    """In Rasa's contract and in ours."""
    text = "forgot my password. printer not working"
    rasa = client.post("/webhooks/rest/webhook", json={"sender": "u", "message": text}).get_json()[0]
    ours = client.post("/api/v1/messages", json={"session_id": "u", "text": text}).get_json()

    assert rasa["custom"]["intents"] == ours["intents"] == ["password", "printer"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("reset my password and also fix the printer", [("reset my password", "fix the printer")]),
        ("wifi is down, vpn is down as well as the mail", [("wifi is down, vpn is down", "the mail")]),
        ("username and password", []),
        ("forgot my password", []),
    ],
)
def test_where_a_message_may_fall_apart(text: str, parts: list[tuple[str, str]]) -> None:
    """At words that add another matter, then at every "and", when both parts have two words."""
    assert splits(text)[:1] == parts


def test_a_message_about_one_thing_gets_one_answer(real_desk: ChatService) -> None:
    """Of the evaluation messages with an "and" or a second sentence hardly any gets two."""
    with (resource("training_data") / "evaluation.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    divisible = [text for text in texts if splits(text.lower())]
    torn = [text for text in divisible if real_desk.match(text)[0].reason == "two_questions"]

    assert len(divisible) > 20
    assert len(torn) <= 1, torn


@pytest.mark.parametrize(
    "text",
    [
        "asdkjh qwzx plmokn",
        "asdf qwer",
        "xylophone",
        "what is the capital of peru",
        "Wie backe ich einen Kuchen?",
        "打印机坏了怎么办",
        "блаблабла трупрупру",
    ],
)
def test_what_nobody_could_know_is_not_answered(real_desk: ChatService, text: str) -> None:
    """Out of scope, gibberish, a single unknown word, languages the encoder never learnt."""
    assert real_desk.match(text)[0].kind != "answer"


def test_three_are_answered_in_the_order_of_the_message(real_desk: ChatService) -> None:
    """A list too; what was understood of each is kept."""
    text = "- the printer not working today\n- forgot my password\n- cannot connect to the vpn"
    reply = real_desk.reply(text, channel="rest", sender="u")

    assert (reply.kind, reply.reason) == ("answer", "three_questions")
    assert list(reply.intents) == ["printer", "password", "vpn"]
    assert reply.ranking[1]["understood"] == "forgot my password"


def test_outsiders_see_a_confidence_that_reaches_the_threshold(client: FlaskClient, live: LiveMatcher) -> None:
    """A part that is a phrasing word for word is shown as if it had been scored, and never below what answers need."""
    now = live.take()
    assert now is not None
    text = "forgot my password\nvpn not connecting"
    found = client.post("/api/v1/match", json={"text": text}).get_json()

    assert found["reason"] == "two_questions"
    assert found["confidence"] >= round(now.matcher.bundle.thresholds.answer, 4)
    assert [match["intent"] for match in found["matches"]] == ["password", "vpn"]


@pytest.mark.parametrize(
    ("text", "answered", "left"),
    [
        ("How do I reset my password? What is the capital of Peru?", ["password"], "What is the capital of Peru?"),
        ("forgot my password. printer not working. Who won the football cup?", ["password", "printer"], "football cup"),
        (
            "how do I reset my password, why does the printer not print and who won the football cup yesterday",
            ["password", "printer"],
            "who won the football cup yesterday",
        ),
    ],
)
def test_what_is_not_answered_is_named(real_desk: ChatService, text: str, answered: list[str], left: str) -> None:
    """Below the answers, so that nobody takes them for all."""
    reply = real_desk.reply(text, channel="rest", sender="u")

    assert set(reply.intents) == set(answered)
    assert "I have not answered this part" in reply.text
    assert left in reply.text


@pytest.mark.parametrize(
    "text", ["Can you help me? I forgot my password.", "forgot my password. How do I reset it?", "I forgot my password"]
)
def test_nothing_is_named_where_one_thing_is_asked(real_desk: ChatService, text: str) -> None:
    """A plea for help, and the same matter again, are no question of their own."""
    assert "not answered" not in real_desk.reply(text, channel="rest", sender="u").text
