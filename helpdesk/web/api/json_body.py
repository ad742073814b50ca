"""Strict JSON bodies: what is ambiguous or cannot be stored is refused with the reason."""

import json
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from helpdesk.errors import BadInputError
from helpdesk.web.logs import note_received

MAX_DEPTH = 20
MAX_DIGITS = 30
Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """Base of request bodies: exact types, unknown keys allowed."""

    model_config = ConfigDict(strict=True, extra="ignore")


def read_body(model: type[Model]) -> Model:
    """The request's JSON object as `model`. Raises BadInputError that names each wrong field and what was expected."""
    if not request.is_json:
        raise UnsupportedMediaType(f"Content-Type is {request.content_type!r}; expected application/json")
    try:
        body = model.model_validate(parse(request.get_data()))
        note_received()
        return body
    except ValidationError as error:
        raise BadInputError("; ".join(_fault(item) for item in error.errors())) from None


def parse(raw: bytes) -> dict[str, Any]:
    """Bytes -> object. Refuses NaN, repeated keys, deep nesting, endless numbers, and anything but an object."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"the body is not UTF-8 at byte {error.start}") from None
    if _depth(text) > MAX_DEPTH:
        raise BadInputError(f"the body nests deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise BadInputError(f"the body is not JSON: {error}; expected an object") from None
    if not isinstance(value, dict):
        raise BadInputError(f"the body is a JSON {type(value).__name__}; expected an object")
    return value


def _depth(text: str) -> int:
    """An upper bound of the nesting, counted before any recursive parser sees the text."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> None:
    raise BadInputError(f"{name} is not JSON; expected a number")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise BadInputError(f"an integer of {len(digits)} digits; expected at most {MAX_DIGITS}")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadInputError("the body repeats a key; expected each key once")
    return found


def _fault(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "missing":
        return f"{place} is missing"
    return f"{place} is {item['input']!r:.80}; {item['msg']}"
