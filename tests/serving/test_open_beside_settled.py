"""What is asked beside a settled matter, a thank you or a signature is not lost; what is settled is not answered."""

import pytest

from helpdesk.serving.chat_service import ChatService


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("Thanks, that worked! Now the printer not working", ("printer",)),
        ("Printer fixed. forgot my password", ("password",)),
        ("No need to reset my password any more, the printer is out of toner", ("printer",)),
        ("printer works again. cannot connect to the vpn", ("vpn",)),
        ("Hello team\nthanks\nvpn not connecting", ("vpn",)),
        ("forgot my password\nBest regards\nAnna\n\nPS: how do I join the office wifi?", ("password", "wifi")),
        ("forgot my password\nBest regards\nAnna Smith\nFinance, 4th floor", ("password",)),
        ("<ol><li>forgot my password</li><li>vpn not connecting</li></ol>", ("password", "vpn")),
        ("Am 12.02.2025 um 08:15 schrieb Service Desk:\n> the printer\n\nforgot my password", ("password",)),
    ],
)
def test_what_is_open_is_answered(real_desk: ChatService, text: str, intents: tuple[str, ...]) -> None:
    """And nothing else."""
    decision = real_desk.match(text)[0]

    assert (decision.kind, decision.intents) == ("answer", intents)


@pytest.mark.parametrize("text", ["wifi works again thanks. It was the cable.", "printer fixed, nothing to do here"])
def test_what_is_settled_gets_a_short_reply(real_desk: ChatService, text: str) -> None:
    """A clause that asks nothing is no question."""
    assert real_desk.match(text)[0].reason == "settled"
