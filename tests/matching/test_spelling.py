"""Typing errors are mended; whatever is known stays as it is."""

import pytest

from helpdesk.matching.spelling import Speller

SPELLER = Speller(
    ["reset", "password", "printer", "citrix", "toner", "my", "vpn"],
    ["the", "ten", "and", "not", "working", "from", "form", "banana", "reset", "tower"],
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rest my pasword", "reset my password"),
        ("reste teh passwrod", "reset the password"),  # swapped neighbours are one error
        ("teh pritner is nto wroking", "the printer is not working"),
        ("cirtix", "citrix"),  # a word that only the FAQ has
        ("tonwer", "toner"),  # as far from the encoder's word as from the FAQ's
        ("pasword, pritner!", "password, printer!"),
        ("form", "form"),
        ("reset the vpn", "reset the vpn"),
        ("vpm", "vpn"),
        ("xkcdqz zzzzzz", "xkcdqz zzzzzz"),  # nothing is near
        ("mien passwort muss zurückgesetzt werden", "mien passwort muss zurückgesetzt werden"),  # another language
        ("rest my pasword on mars tomorrow evening please", "rest my pasword on mars tomorrow evening please"),
        ("inc0048213 wq", "inc0048213 wq"),  # numbers and short words are no typing errors
        ("", ""),
    ],
)
def test_words_are_mended_towards_the_faq(typed: str, meant: str) -> None:
    """The FAQ's word before the encoder's, the more frequent of the encoder's words before the others."""
    assert SPELLER.mend(typed) == meant


def test_a_short_word_has_room_for_one_error() -> None:
    """With two, five letters could be too many other words."""
    speller = Speller(["toner", "password"], [])

    assert speller.mend("tnoer") == "toner"
    assert speller.mend("tnore") == "tnore"
    assert speller.mend("psswrod") == "password"


def test_of_words_as_near_the_one_with_the_same_first_letter_is_meant() -> None:
    """People seldom miss the first key."""
    assert Speller(["mail", "tail"], []).mend("maiil maill taiil") == "mail mail tail"
    assert Speller([], ["later", "water"]).mend("wwter") == "water"
