"""Many texts at once are matched as one by one."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from helpdesk.matching.known_texts import Additions
from helpdesk.matching.matcher import Matcher
from helpdesk.serving.live import LiveMatcher

BATCH = "/api/v1/match/batch"
TEXTS = [
    "forgot my password",
    "hi, the vpn is down",
    "good morning",
    "human please",
    "what is the capital of peru",
    "???",
    "my vpn fails and nothing prints",
    "the printr does not prnt",
    "forgot my password",
    "a wholly new phrasing",
    "Wie backe ich einen Kuchen?",
]


@pytest.fixture(autouse=True)
def added(live: LiveMatcher) -> None:
    """An editor added a phrasing since the version was built."""
    now = live.take()
    assert now is not None
    additions = replace(now.additions, exact={**now.additions.exact})
    assert isinstance(additions, Additions)
    live._live = replace(now, additions=additions)


def test_a_batch_is_as_its_texts_one_by_one(client: FlaskClient) -> None:
    """Everything that is told of each."""
    together: Any = client.post(BATCH, json={"texts": TEXTS}).json

    for text, said in zip(TEXTS, together["results"], strict=True):
        alone: Any = client.post("/api/v1/match", json={"text": text}).json
        assert {**said, "model": together["model"]} == alone, text


def test_a_batch_is_encoded_in_batches(client: FlaskClient, live: LiveMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain questions are not encoded one by one."""
    now = live.take()
    assert now is not None
    encoder, sizes = now.matcher.bundle.encoder, []
    live._live = replace(now, matcher=Matcher(now.matcher.bundle))
    encode = encoder.encode

    def count(texts: Any, **options: Any) -> Any:
        sizes.append(len(texts))
        return encode(texts, **options)

    monkeypatch.setattr(encoder, "encode", count)
    client.post(BATCH, json={"texts": [f"printer {number} needs toner" for number in range(256)]})

    assert sizes[0] == 256


@pytest.mark.parametrize(
    ("texts", "status", "words"),
    [
        (["x"] * 256, 200, "results"),
        (["é" * 2000] * 256, 200, "results"),
        (["x"] * 257, 400, "at most 256 items"),
        ([], 400, "at least 1 item"),
        (["x", " "], 400, "texts.1 is empty"),
        (["x", 5], 400, "texts.1 is 5; Input should be a valid string"),
        (["x", ["my secret is long"]], 400, "texts.1 is a list of 1 item; Input should be a valid string"),
        ([{"my secret is long": "x"}], 400, "texts.0 is an object of 1 key; Input should be a valid string"),
        ("my secret is long enough", 400, "texts is a text of 24 characters; Input should be a valid list"),
        (["my secret"] * 257, 400, "texts is a list of 257 items; List should have at most 256 items"),
        ([5] * 256, 400, "texts.4 is 5; Input should be a valid string; and 251 more"),
        (["x", "\ud800"], 400, "texts.1 holds a NUL or a lone surrogate"),
        (["y" * 2000] * 2200, 413, "Too"),
    ],
)
def test_batches_have_limits(client: FlaskClient, texts: Any, status: int, words: str) -> None:
    """Of number and of size; what is wrong is named by its place, and what was typed is not repeated."""
    said = client.post(BATCH, json={"texts": texts})

    assert said.status_code == status
    assert words in said.text
    assert "secret" not in said.text
