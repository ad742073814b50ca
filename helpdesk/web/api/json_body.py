"""Strict JSON bodies: what is ambiguous or cannot be stored is refused with the reason."""

import json
import math
import re
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from helpdesk.errors import BadInputError
from helpdesk.text import counted
from helpdesk.web.logs import note_received

MAX_DEPTH = 20
MAX_DIGITS = 300
MOST_FAULTS = 5  # of one body that are named
SHOWN_CHARS = 20  # of a wrong value
Model = TypeVar("Model", bound=BaseModel)
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


class Body(BaseModel):
    """Base of request bodies: exact types, unknown keys allowed."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Query(BaseModel):
    """Base of what an address may ask for after its `?`; unknown names are ignored."""


def _whole_number(value: object) -> int:
    """Digits as a number; Python reads more as one."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise ValueError("expected a whole number")
    return int(text)


_SAID_OF = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
Count = Annotated[int, BeforeValidator(_whole_number)]


def read_body(model: type[Model]) -> Model:
    """The request's JSON object as `model`. Raises BadInputError that names each wrong field and what was expected."""
    if not request.is_json:
        raise UnsupportedMediaType(f"Content-Type is {request.content_type!r:.80}; expected application/json")
    return read_json(model)


def read_json(model: type[Model]) -> Model:
    """The same, whatever the request's Content-Type is. Raises UnsupportedMediaType for a compressed body."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding is {encoding!r:.40}; expected a body that is not compressed")
    body = _checked(model, parse(request.get_data()))
    note_received()
    return body


def read_query(model: type[Model]) -> Model:
    """What the address asks for as `model`. Raises BadInputError as `read_body` does."""
    for name, value in request.args.items(multi=True):
        if name in model.model_fields and "\x00" in value:
            raise BadInputError(f"{name} holds a NUL; expected Unicode text")
    return _checked(model, request.args.to_dict())


def _checked(model: type[Model], values: dict[str, Any]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = [_fault(item) for item in faults[:MOST_FAULTS]]
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise BadInputError("; ".join((*told, *more))) from None


def parse(raw: bytes) -> dict[str, Any]:
    """Bytes -> object. Refuses NaN, repeated keys, deep nesting, endless numbers, and anything but an object."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"the body is not UTF-8 at byte {error.start}") from None
    if _depth(text) > MAX_DEPTH:
        raise BadInputError(f"the body nests deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(text, **_STRICT)
    except json.JSONDecodeError as error:
        raise BadInputError(f"the body is not JSON: {error}; expected an object") from None
    if not isinstance(value, dict):
        raise BadInputError(f"the body is {_SAID_OF.get(type(value), 'a number')}; expected an object")
    return value


def _depth(text: str) -> int:
    """How deep a JSON text nests up to its first fault, counted before a recursive parser sees it. Brackets in strings
    are none."""
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest


def _no_constant(name: str) -> None:
    raise BadInputError(f"{name} is not JSON; expected a number")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise BadInputError(f"an integer of {len(digits)} digits; expected at most {MAX_DIGITS}")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise BadInputError(f"{digits:.40} is too large; expected a number of double precision")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadInputError("the body repeats a key; expected each key once")
    return found


def _fault(item: Any) -> str:
    """Where it is and what was expected. What is long is not repeated: it may be what people typed."""
    place = ".".join(f"{part:.40}" if isinstance(part, str) else str(part) for part in item["loc"])
    if item["type"] == "missing":
        return f"{place} is missing"
    return f"{place} is {_kind(item['input'])}; {item['msg'].removeprefix('Value error, ')}"


def _kind(value: object) -> str:
    if len(shown := repr(value)) <= SHOWN_CHARS:
        return shown
    match value:
        case str():
            return f"a text of {counted(len(value), 'character')}"
        case list():
            return f"a list of {counted(len(value), 'item')}"
        case dict():
            return f"an object of {counted(len(value), 'key')}"
    return f"{shown:.40}"


_STRICT: dict[str, Any] = {
    "parse_constant": _no_constant,
    "parse_int": _integer,
    "parse_float": _finite,
    "object_pairs_hook": _object,
}
