"""What an address may hold: numbers of rows, and text that a database can compare."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Flask, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter, ValidationError

from helpdesk.errors import BadInputError
from helpdesk.web.context import row_id

_PROGRAMS = ("api", "webhooks", "widget", "widget.js", "livez", "readyz", "metrics")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class RowIdConverter(IntegerConverter):
    """The number in an address; one that no row can have is an address that does not exist, on every database."""

    def to_python(self, value: str) -> Any:
        """The number. Raises ValidationError, which lets the router look on."""
        number = row_id(value)
        if number is None:
            raise ValidationError
        return number


def install(app: Flask) -> None:
    """Before the blueprints: their routes are read with the converters of that moment. Two slashes are not one: a
    redirect would be told as a page."""
    app.url_map.converters["int"] = RowIdConverter
    app.url_map.merge_slashes = False

    @app.before_request
    def _refuse_nul() -> None:
        """PostgreSQL stores no NUL, and no browser sends one."""
        if any("\x00" in str(value) for value in (request.view_args or {}).values()):
            raise NotFound("no address holds a NUL")
        if for_programs():  # each door checks what it takes, and a wrong token is refused as one
            return
        for name, value in (*request.args.items(multi=True), *_fields()):
            if "\x00" in name or "\x00" in value:
                raise BadInputError(f"{name!r:.40} holds a NUL; expected Unicode text")


def split_address(text: str) -> SplitResult:
    """The parts of an address that somebody sent; of text that is none, empty parts."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def for_programs() -> bool:
    """Whether the address of this request is one that programs call, and no page."""
    return request.path.lstrip("/").partition("/")[0] in _PROGRAMS


def _fields() -> list[tuple[str, str]]:
    return list(request.form.items(multi=True)) if request.mimetype in _FORMS else []
