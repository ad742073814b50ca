"""What of a message is its matter."""

import pytest

from helpdesk.matching.reading import matter, sentences


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ("my vpn is down", "my vpn is down"),
        ("Hi team, my vpn is down", "my vpn is down"),
        ("Hallo zusammen,\n\nmein VPN geht nicht.\n\nViele Grüße\nAnna", "mein VPN geht nicht."),
        ("Bonjour,\nle VPN ne marche pas\nCordialement,\nLuc", "le VPN ne marche pas"),
        ("Hola,\nno puedo entrar en la VPN\nUn saludo,\nEva", "no puedo entrar en la VPN"),
        ("The VPN is down.\n\nBest regards,\nJane Doe\nSales\n+49 30 1234", "The VPN is down."),
        ("The VPN is down.\n-- \nJane", "The VPN is down."),
        ("vpn is down again\nSent from my iPhone", "vpn is down again"),
        ("The VPN is down.\n> Did you restart it?\n> Yes, twice.", "The VPN is down."),
        ("Still down for me.\nOn Tue, 3 March, IT <it@x.example> wrote:\n> Restart it.\nBye", "Still down for me."),
        ("From: a@b.example\nTo: it@b.example\nSubject: VPN\n\nIt is down.", "VPN\nIt is down."),
        ("Name: Jane Doe\nFloor: 3\nTopic: VPN\nDescription: it is down", "VPN\nit is down"),
        ("[Area] Meetings\n[Fault] the screen stays dark", "the screen stays dark"),
        ("<p>my vpn &amp; mail are down</p>", "my vpn & mail are down"),
        ("vpn down, see https://vpn.example/err?x=1 please", "vpn down, see   please"),
    ],
)
def test_what_surrounds_the_matter_is_left_out(message: str, read: str) -> None:
    """Greetings, signatures, quoted mail, headers, fields about the person, tags and addresses."""
    assert matter(message).strip() == read


@pytest.mark.parametrize(
    "message", ["Thanks", "> my vpn is down", "Name: Jane", "https://a.example", "hi", "Hello,\n", "hi: no"]
)
def test_something_is_always_left(message: str) -> None:
    """A message that is nothing but surroundings is read as it stands, without quote marks and addresses."""
    assert matter(message).strip() or message.startswith("https")
    assert "vpn is down" in matter(message) or ">" not in message


@pytest.mark.parametrize("message", ["error: vpn is down", "time is 10:30 and vpn is down", "Dear me the vpn is down"])
def test_a_line_by_itself_is_no_form(message: str) -> None:
    """A colon in a single line labels nothing, and not every greeting word greets."""
    assert matter(message) == message


def test_sentences_have_a_few_words() -> None:
    """Lines count as sentences; shorter ones say too little by themselves."""
    text = "I am abroad. The vpn is down!\nHelp me. - new phone needed - my mail is full"

    assert sentences(text) == ["I am abroad.", "The vpn is down!", "new phone needed", "my mail is full"]
    assert sentences("ok. yes. no.") == []


def test_addresses_are_left_out_of_the_middle() -> None:
    """Of mail and of the web."""
    assert matter("my mailbox jane.doe+it@mail.example.org is full").split() == ["my", "mailbox", "is", "full"]


def test_a_flood_of_sentences_is_cut() -> None:
    """Each costs an encoding."""
    assert len(sentences("this is one. " * 200)) == 16
