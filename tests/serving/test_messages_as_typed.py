"""Messages as people type them, under the real model."""

import pytest

from helpdesk.serving.chat_service import ChatService

STORY = (
    "I have been with the company for nine years. Yesterday I moved to the other building with my whole team. "
    "The view is nice and the coffee is better. {} My boss asks every hour about it. Lunch is at noon."
)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("frogot my pasword", "password"),
        ("teh pritner is nto wroking", "printer"),
        ("Hi all,\n\nvpn not connecting\n\nBest regards\nJane Doe\nHead of Sales", "vpn"),
        ("Name: Jane\nFloor: 4\nSubject: paper jam in the printer", "printer"),
        ("please help\n> On Monday IT wrote:\n> nothing prints\nnew password needed", "password"),
        (STORY.format("I forgot my password."), "password"),
    ],
)
def test_they_are_answered(real_desk: ChatService, text: str, intent: str) -> None:
    """Misspelt, wrapped in mail and forms, told as a story."""
    decision, _ = real_desk.match(text)

    assert decision.intents == (intent,), decision


def test_many_are_decided_as_one_by_one(real_desk: ChatService) -> None:
    """The lines of a mail and of a form count there too: the gate's golden phrases are decided so."""
    texts = [
        "Hi all,\n\nvpn not connecting\n\nBest regards\nJane Doe\nHead of Sales",
        "Name: Jane\nFloor: 4\nSubject: paper jam in the printer",
        "vpn not connecting\n> forgot my password",
    ]
    live = real_desk.live.take()
    assert live is not None
    many = live.matcher.match_all(texts)

    assert [(d.kind, d.intents) for d in many] == [(d.kind, d.intents) for d in map(live.matcher.match, texts)]


def test_two_matters_of_a_story_are_both_there(real_desk: ChatService) -> None:
    """Answered or offered, in their order."""
    decision, _ = real_desk.match(STORY.format("I forgot my password. Besides, there is a paper jam in the printer."))

    assert [*decision.intents, *decision.options] == ["password", "printer"]


@pytest.mark.parametrize(
    "text",
    [
        "no need to reset my password any more",
        "the vpn connection is working again",
        "the printer prints again, thanks",
    ],
)
def test_what_is_settled_is_not_answered(real_desk: ChatService, text: str) -> None:
    """It shares its words with a question; somebody else's phrasings of cancelling stay questions."""
    assert (real_desk.match(text)[0].kind, real_desk.match(text)[0].reason) == ("smalltalk", "settled")


@pytest.mark.parametrize("text", [STORY.format("It rains."), "qwxz vbnk pltr zzxq", "\n\n> \n--\n"])
def test_nothing_is_read_into_them(real_desk: ChatService, text: str) -> None:
    """No question, no answer."""
    assert real_desk.match(text)[0].intents == ()
