"""The OpenAPI document: what the public routes say of themselves, put together.

A route is described by `@describes` and its docstring; schemas are Pydantic's own. Nothing here reads a request.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask, Response
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from helpdesk.records.api_keys import SITE_SCOPES
from helpdesk.web.problems import PROBLEM_JSON, PROBLEMS, Problem

View = TypeVar("View", bound=Callable[..., Any])
JSON_TYPE = "application/json"
STORABLE = {"minLength": 1, "pattern": r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"}
_LONGEST_NAME = 256  # characters of a name in an address
_SCHEMAS = "#/components/schemas/{model}"
_OF_BODIES = (400, 413, 415)
_OF_KEYS = (401, 403, 429)
_OF_PROOFS = (400, 401, 404, 413, 429)
_SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `helpdesk key add`, which a program keeps.",
    },
    "siteKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Site-Key",
        "description": "A key of `helpdesk key add --origin`: only pages of its origins may send it.",
    },
    "rasaToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "A key of a program, as clients of Rasa send it.",
    },
}


class ReplyBody(BaseModel):
    """Base of what is replied: nothing that is not described. What was not set is left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=lambda schema: schema.pop("additionalProperties", None))


@dataclass(frozen=True)
class Operation:
    """What a route says of itself beside its docstring.

    others: status -> when it comes, and what is replied then. proof: how another system shows that it is the one that
    was set up, where it does so by a signature or a secret of its own; such a route needs no key of ours. links: name
    -> an operation that goes on from the reply, as OpenAPI's link objects have it.
    """

    reply: type[BaseModel] | None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    errors: tuple[int, ...] = ()
    others: Mapping[int, tuple[str, type[BaseModel] | None]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON_TYPE
    proof: str | None = None
    links: Mapping[str, Any] = field(default_factory=dict)

    def models(self) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
        """The models of requests and of replies."""
        for model in (self.body, self.query):
            if model is not None:
                yield model, "validation"
        for model in (self.reply, *(model for _, model in self.others.values())):
            if model is not None:
                yield model, "serialization"


def describes(operation: Operation) -> Callable[[View], View]:
    """Put a route into the document."""

    def decorate(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate


def told(reply: BaseModel, status: int = 200) -> Response:
    """A reply as JSON: what was not set is left out."""
    return Response(reply.model_dump_json(exclude_unset=True), status, content_type=JSON_TYPE)


def document(app: Flask, *, key_required: bool = False) -> dict[str, Any]:
    """The document of every route of the application that is described. key_required: nothing goes without a key."""
    routes = [(rule, view, view.operation) for rule, view in _views(app) if hasattr(view, "operation")]
    models = {model: None for _, _, operation in routes for model in operation.models()}
    refs, schemas = models_json_schema([*models, (Problem, "serialization")], ref_template=_SCHEMAS)
    paths: dict[str, Any] = {}
    for rule, view, operation in sorted(routes, key=lambda route: route[0].rule):
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        described = _described(rule, view, operation, refs, schemas["$defs"])
        scope = getattr(view, "scope", None)
        if scope is not None:
            described |= {"security": _security(rule, scope, key_required=key_required)}
        paths.setdefault(_path(rule), {})[method.lower()] = described
    unused = {refs[model]["$ref"].rpartition("/")[2] for model in models if model[0] in {op.query for *_, op in routes}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "helpdesk", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas["$defs"].items() if name not in unused},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


_ABOUT = (
    "Bodies are strict JSON in UTF-8, not compressed: wrong types, repeated keys, NaN and deep nesting are refused, "
    "unknown keys are ignored. Replies are JSON whatever `Accept` says. Errors are problem details (RFC 9457). "
    "`X-Request-Id` names a request in reply and log. The API is open without a key unless HELPDESK_REQUIRE_KEY is set."
)


def _views(app: Flask) -> Iterator[tuple[Rule, Callable[..., Any]]]:
    for rule in app.url_map.iter_rules():
        yield rule, app.view_functions[rule.endpoint]


def _described(
    rule: Rule, view: Callable[..., Any], operation: Operation, refs: Any, schemas: dict[str, Any]
) -> dict[str, Any]:
    """One operation of the document."""
    summary, _, more = (view.__doc__ or "").strip().partition("\n")
    scope = getattr(view, "scope", None)
    words = [" ".join(more.split()), _who_may(scope, operation.proof)]
    found: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": summary,
        "description": " ".join(filter(None, words)) or summary,
        "parameters": [*_places(rule), *_parameters(operation, refs, schemas), *_headers(operation)],
        "responses": _responses(operation, refs, scoped=scope is not None, has_place=bool(rule.arguments)),
    }
    if operation.body is not None:
        schema = refs[operation.body, "validation"]
        found["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schema}}}
    return found


def _who_may(scope: str | None, proof: str | None) -> str:
    if scope is not None:
        return f"A key needs the scope `{scope}`."
    return f"No key is needed, but {proof}. 404 until it is set up." if proof is not None else ""


def _places(rule: Rule) -> Iterator[dict[str, Any]]:
    """The parameters in the path."""
    for name in re.findall(r"<(?:\w+:)?(\w+)>", rule.rule):
        is_number = f"<int:{name}>" in rule.rule
        number = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
        schema = number if is_number else {"type": "string", "maxLength": _LONGEST_NAME, **STORABLE}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(operation: Operation, refs: Any, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters after the question mark, of a flat model."""
    if operation.query is None:
        return
    schema = schemas[refs[operation.query, "validation"]["$ref"].rpartition("/")[2]]
    for name, of_it in schema["properties"].items():
        plain = {key: value for key, value in of_it.items() if key not in ("title", "description")}
        required = name in schema.get("required", ())
        described = {"description": of_it["description"]} if "description" in of_it else {}
        yield {"name": name, "in": "query", "required": required, "schema": plain, **described}


def _headers(operation: Operation) -> Iterator[dict[str, Any]]:
    for name, words in operation.headers.items():
        yield {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": words}


def _responses(operation: Operation, refs: Any, *, scoped: bool, has_place: bool) -> dict[str, Any]:
    """Every status with what is replied; errors of bodies, keys and places come with them."""
    errors = {*operation.errors, 500, 503}
    errors |= {*_OF_BODIES} if operation.body is not None else set()
    errors |= {*_OF_KEYS} if scoped else set()
    errors |= {*_OF_PROOFS} if operation.proof else set()
    errors |= {400} if operation.query is not None else set()
    errors |= {404} if has_place else set()
    replies = {200: ("What is asked for.", operation.reply), **operation.others}
    found = {str(status): _reply(words, model, operation.media, refs) for status, (words, model) in replies.items()}
    if operation.links:
        found["200"]["links"] = dict(operation.links)
    for status in sorted(errors - set(replies)):
        schema = refs[Problem, "serialization"]
        title, words = PROBLEMS[status]
        found[str(status)] = {"description": f"{title}: {words}.", "content": {PROBLEM_JSON: {"schema": schema}}}
    return dict(sorted(found.items()))


def _reply(words: str, model: type[BaseModel] | None, media: str, refs: Any) -> dict[str, Any]:
    if model is None and media == JSON_TYPE:
        return {"description": words}
    schema = {"type": "string"} if model is None else refs[model, "serialization"]
    return {"description": words, "content": {media: {"schema": schema}}}


def _security(rule: Rule, scope: str, *, key_required: bool) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [] if key_required else [{}]
    ways.append({"key": []})
    if scope in SITE_SCOPES:
        ways.append({"siteKey": []})
    if rule.endpoint.startswith("rasa."):
        ways.append({"rasaToken": []})
    return ways


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
