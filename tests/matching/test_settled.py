"""What is settled is told apart from what is asked, in four languages."""

import pytest

from helpdesk.matching.settled import is_settled
from helpdesk.text import normalise


@pytest.mark.parametrize(
    "text",
    [
        "No need to reset my password any more.",
        "wifi works again, thanks",
        "vpn is working again now",
        "never mind, solved it myself",
        "the printer prints fine now",
        "I don't need the vpn",
        "my account got unlocked already",
        "we no longer need the meeting room",
        "my phone turned up again",
        "code arrived in the end, all good",
        "my laptop isn't slow any longer since the update",
        "the screen is not black any more after the restart",
        "Hat sich erledigt, der Drucker druckt wieder.",
        "das problem ist behoben",
        "le wifi remarche",
        "plus besoin de la salle",
        "ya no necesito la vpn",
        "la impresora ya funciona",
    ],
)
def test_settled(text: str) -> None:
    """Nothing is asked any more."""
    assert is_settled(normalise(text))


@pytest.mark.parametrize(
    "text",
    [
        "please do not reset my password",
        "password no longer works",
        "the vpn is not working any more since the update",
        "my screen is black, it is not slow any more",
        "printer is still not working",
        "vpn works again but very slow",
        "why is the vpn not working now",
        "is the wifi working again?",
        "my laptop doesn't start now",
        "the vpn stopped working again",
        "my card was working but now it doesn't",
        "the ATM won't give me my card back, i need it back now",
        "how do I close a ticket that is solved",
        "I don't need a laptop but a phone",
        "der drucker geht wieder nicht",
        "das vpn geht jetzt aber nur langsam",
        "le wifi ne marche pas maintenant",
        "la vpn ya no funciona",
        "reset my password",
        "",
        "it works again now " * 20,
    ],
)
def test_open(text: str) -> None:
    """Still broken, asked, wanted otherwise, or part of a long story."""
    assert not is_settled(normalise(text))
