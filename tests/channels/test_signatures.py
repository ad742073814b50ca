"""Requests of other systems are believed when the raw bytes are signed, lately, with one of our secrets."""

import base64
import hashlib
import hmac

import pytest
from other_systems import SECRET
from standardwebhooks import Webhook

from helpdesk.channels.signatures import CHATWOOT, SLACK, STANDARD_WEBHOOKS, TEAMS, Recipe, is_secret, is_signed, sign
from helpdesk.records.clock import now

BODY = '{"text": "für Ann"}'.encode()
AT = now().timestamp()
RECIPES = [(CHATWOOT, "one"), (SLACK, "one"), (STANDARD_WEBHOOKS, SECRET)]


def test_teams_signs_the_body_alone() -> None:
    """As its document has it, written out by hand."""
    token = base64.b64encode(bytes(range(32))).decode()
    digest = hmac.new(bytes(range(32)), BODY, hashlib.sha256).digest()
    headers = {"Authorization": f"HMAC {base64.b64encode(digest).decode()}"}

    assert sign(TEAMS, token, body=BODY, at=AT) == headers
    assert is_signed(TEAMS, [SECRET, token], headers, BODY, now=AT)
    assert not is_signed(TEAMS, [token], headers, BODY + b" ", now=AT)
    assert not is_signed(TEAMS, [SECRET], headers, BODY, now=AT)
    assert not is_signed(TEAMS, [token], {"Authorization": headers["Authorization"][5:]}, BODY, now=AT)
    assert not is_signed(TEAMS, [token], {}, BODY, now=AT)


@pytest.mark.parametrize(("recipe", "secret"), RECIPES)
def test_what_is_signed_is_believed_and_nothing_else(recipe: Recipe, secret: str) -> None:
    """Another body, another secret, an old or future moment, a moment that is none, no signature at all."""
    assert recipe.timestamp is not None
    headers = sign(recipe, secret, body=BODY, at=AT, message_id="m1")
    other = SECRET[:-4] + "ZWY=" if recipe is STANDARD_WEBHOOKS else "two"

    assert is_signed(recipe, [secret], headers, BODY, now=AT)
    assert is_signed(recipe, [other, secret], headers, BODY, now=AT + 299)
    assert not is_signed(recipe, [secret], headers, BODY + b" ", now=AT)
    assert not is_signed(recipe, [], headers, BODY, now=AT)
    assert not is_signed(recipe, [secret], headers, BODY, now=AT + 302)
    assert not is_signed(recipe, [secret], headers, BODY, now=AT - 302)
    assert not is_signed(recipe, [secret], headers | {recipe.timestamp: "soon"}, BODY, now=AT)
    assert not is_signed(recipe, [secret], headers | {recipe.timestamp: str(int(AT) + 1)}, BODY, now=AT)
    assert not is_signed(recipe, [secret], headers | {recipe.signature: ""}, BODY, now=AT)
    assert not is_signed(recipe, [secret], {}, BODY, now=AT)


def test_recipes_are_those_of_the_other_systems() -> None:
    """Written out by hand, as their documents have them; Standard Webhooks by the package that receivers use."""
    moment = str(int(AT))
    chatwoot = hmac.new(b"one", moment.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    slack = hmac.new(b"one", b"v0:" + moment.encode() + b":" + BODY, hashlib.sha256).hexdigest()

    assert sign(CHATWOOT, "one", body=BODY, at=AT)["X-Chatwoot-Signature"] == f"sha256={chatwoot}"
    assert sign(SLACK, "one", body=BODY, at=AT)["X-Slack-Signature"] == f"v0={slack}"
    fresh = now().timestamp()  # the package reads the clock
    assert Webhook(SECRET).verify(BODY, sign(STANDARD_WEBHOOKS, SECRET, body=BODY, at=fresh, message_id="m1"))


def test_one_of_several_signatures_is_enough() -> None:
    """Standard Webhooks signs with both secrets while one replaces the other."""
    headers = sign(STANDARD_WEBHOOKS, SECRET, body=BODY, at=AT, message_id="m1")
    name = STANDARD_WEBHOOKS.signature

    assert is_signed(STANDARD_WEBHOOKS, [SECRET], headers | {name: f"v1,AAAA {headers[name]}"}, BODY, now=AT)
    assert not is_signed(STANDARD_WEBHOOKS, [SECRET], headers | {"webhook-id": "m2"}, BODY, now=AT)


def test_a_token_is_one_of_the_secrets() -> None:
    """Whole, and whatever somebody sends."""
    assert is_secret("two", ["one", "two"])
    assert not any(is_secret(given, ["one"]) for given in ("", "on", "one ", "\ud800", "ônë"))
