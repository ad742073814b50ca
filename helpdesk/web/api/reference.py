"""The reference of the API: the OpenAPI document, and a page that shows it without anybody else's script."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request

from helpdesk.web.context import service
from helpdesk.web.openapi import document
from helpdesk.web.policy import public
from helpdesk.web.problems import PROBLEMS

_TYPES = {"null": "null", "array": "list", "object": "object"}
blueprint = Blueprint("reference", __name__, url_prefix="/api")


@dataclass(frozen=True)
class ShownOperation:
    """An operation as the page shows it. body, replies: names of schemas; replies by status."""

    method: str
    path: str
    summary: str
    description: str
    curl: str
    parameters: list[dict[str, Any]]
    body: str | None
    replies: list[tuple[str, str, str | None]]


@dataclass(frozen=True)
class ShownField:
    """A field of a schema: its type in words, and the schema that it leads to."""

    name: str
    words: str
    leads_to: str | None
    required: bool
    description: str


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """The document, as this installation answers."""
    return Response(json.dumps(_document(), ensure_ascii=False), content_type="application/json")


@blueprint.get("/docs")
@public
def page() -> str:
    """Every operation with a line for curl, every schema, every problem."""
    found = _document()
    return render_template(
        "api_docs.html",
        about=found["info"]["description"],
        operations=list(_operations(found)),
        schemas={name: (schema, list(_fields(schema))) for name, schema in found["components"]["schemas"].items()},
        problems=PROBLEMS,
        words=_words,
    )


def _document() -> dict[str, Any]:
    return document(current_app, key_required=service().settings.require_key)


def _operations(found: dict[str, Any]) -> Iterator[ShownOperation]:
    schemas = found["components"]["schemas"]
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody")
            name = _name(_content(body)) if body else None
            yield ShownOperation(
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=operation["description"],
                curl=_curl(path, operation, schemas[name] if name else None),
                parameters=operation["parameters"],
                body=name,
                replies=[
                    (status, reply["description"], _name(_content(reply)))
                    for status, reply in operation["responses"].items()
                ],
            )


def _curl(path: str, operation: dict[str, Any], body: dict[str, Any] | None) -> str:
    """A line for a shell that asks this very address, with the examples of the schemas."""
    asked = {p["name"]: p["schema"]["examples"][0] for p in operation["parameters"] if "examples" in p["schema"]}
    address = request.host_url.rstrip("/") + path + (f"?{urlencode(asked)}" if asked else "")
    words = ["curl", "-s", address]
    if body is not None:
        example = {name: field["examples"][0] for name, field in body["properties"].items() if "examples" in field}
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(example, ensure_ascii=False)]
    return shlex.join(words)


def _fields(schema: dict[str, Any]) -> Iterator[ShownField]:
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield ShownField(name, _words(field), _name(field), required, field.get("description", ""))


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body or a reply, which have one kind of content."""
    for content in holder.get("content", {}).values():
        return dict(content["schema"])
    return {}


def _name(schema: dict[str, Any]) -> str | None:
    """The schema that one is, or is a list or a choice of."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [schema["items"]] if "items" in schema else schema.get("anyOf", [])
    return next((name for part in inner if (name := _name(part)) is not None), None)


def _words(schema: dict[str, Any]) -> str:
    """A schema in a few words: `list of FaqItem`, `string or null`."""
    if "$ref" in schema:
        return str(_name(schema))
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_words(schema.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else _TYPES.get(kind, kind)
