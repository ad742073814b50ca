"""Two people label at one time: each card is with one of them, and both see who is here."""

import re

from clients import ask, label, post
from flask.testing import FlaskClient


def shown(page: str) -> tuple[int, str, str]:
    """The message of a page's card, and the next and the previous one."""
    message = re.search(r'action="/desk/(\d+)/label', page)
    around = re.search(r'data-next="(\d*)" data-previous="(\d*)"', page)
    assert message
    assert around
    return int(message[1]), around[1], around[2]


def test_the_second_person_gets_the_next_card(ann: FlaskClient, bob: FlaskClient) -> None:
    """Until the first one labels or leaves; keys step over what somebody else looks at."""
    one, two, three = ask(ann, "what is the capital of peru", "what is the capital of chad", "what is a capital")
    order = [int(found) for found in re.findall(r'href="/desk\?item=(\d+)"', ann.get("/desk").text)]
    assert set(order) == {one, two, three}
    page = bob.get("/desk").text
    assert shown(page) == (order[1], str(order[2]), "")
    assert "Here too: ann" in page
    assert '<small class="quiet">ann</small>' in page
    assert shown(ann.get("/desk").text) == (order[0], str(order[2]), "")

    page = bob.get(f"/desk?item={order[0]}").text
    assert "ann is looking at this." in page
    assert "data-renew" not in page
    label(ann, order[0], "skip")
    assert shown(ann.get("/desk").text)[0] == order[1]


def test_the_browser_says_when_a_card_is_left(ann: FlaskClient, bob: FlaskClient) -> None:
    """Then it is free at once."""
    (only,) = ask(ann, "what is the capital of peru")
    found = re.search(r'data-renew="([^"]+)" data-leave="([^"]+)"', ann.get("/desk").text)
    assert found
    assert "ann is looking at what is left." in bob.get("/desk").text
    assert post(ann, found[1], "/desk/mine").status_code == 204
    assert "ann is looking at this." in bob.get(f"/desk?item={only}").text
    assert post(ann, found[2], "/desk/mine").status_code == 204

    assert "ann is looking at" not in bob.get("/desk").text
