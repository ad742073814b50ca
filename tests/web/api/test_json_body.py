"""Bodies are read strictly, however they are crafted, and what people write in them is never taken for structure."""

import contextlib
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from helpdesk.errors import BadInputError
from helpdesk.web.api.json_body import MAX_DEPTH, parse

SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text('[]{}"\\a', max_size=12)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"', max_size=3), inner)
)


def depth(value: Any) -> int:
    """How deep a value nests."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


def chain(levels: int, innermost: Any) -> Any:
    """Lists in lists."""
    for _ in range(levels):
        innermost = [innermost]
    return innermost


@given(st.dictionaries(st.text('[]{}"\\', max_size=5), NESTED, max_size=4), st.integers(0, 30))
def test_depth_is_that_of_the_value(value: dict[str, Any], levels: int) -> None:
    """Brackets in keys and strings count for nothing, whatever else is quoted or escaped there."""
    value["deep"] = chain(levels, value.get("deep"))
    raw = json.dumps(value).encode()

    if depth(value) > MAX_DEPTH:
        with pytest.raises(BadInputError, match="deeper than 20"):
            parse(raw)
    else:
        assert parse(raw) == value


@given(st.binary(max_size=60) | st.text('[]{}":,\\01eNa', max_size=60).map(str.encode))
@example(b'{"a": "' + b"]" * 5000 + b'", "b": ' + b"[" * 5000)
@example(b'{"a": "\\"' + b"}" * 9000 + b'", "b": ' + b'{"c":' * 9000)
@example(b"]" * 9000 + b"[" * 9000)
@example(b'"' + b"[" * 9000)
@example(b"1" + b"0" * 5000)
@example(b'{"a": 1' + b"0" * 400 + b".5}")
def test_whatever_is_sent_is_an_object_or_bad_input(raw: bytes) -> None:
    """No body leads to another error: not to one of the parser, not to one of the interpreter's stack."""
    with contextlib.suppress(BadInputError):
        assert isinstance(parse(raw), dict)


def test_a_message_full_of_brackets_is_answered(client: FlaskClient) -> None:
    """Logs that people paste are full of them."""
    text = "the printer says [[[[[[[[[[[[[[[[[[[[[ error 5 {{{ and does not print"

    said = client.post("/webhooks/rest/webhook", json={"sender": "a", "message": text})

    assert said.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
@pytest.mark.parametrize("path", ["/webhooks/rest/webhook", "/api/v1/messages", "/api/v1/match/batch"])
def test_a_compressed_body_is_refused(client: FlaskClient, path: str, encoding: str) -> None:
    """It is said what is wrong, not that the text is no UTF-8."""
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}

    said = client.post(path, data=b"\x1f\x8b\x08\x00", headers=headers)

    assert said.status_code == 415
    assert f"Content-Encoding is {encoding!r}; expected a body that is not compressed" in said.text
