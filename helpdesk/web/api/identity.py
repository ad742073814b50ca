"""Who sends a request to the public API, and what they may: by a key, by a login, or as anybody."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, NoReturn, TypeVar

from flask import current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from helpdesk.channels.chat_names import PROVEN_CHANNELS
from helpdesk.errors import UnavailableError
from helpdesk.records import api_keys
from helpdesk.records.api_keys import KeyKind, Scope
from helpdesk.records.tables import ApiKey
from helpdesk.settings.origins import allows
from helpdesk.web.context import is_own_origin, is_staff, service

SITE_KEY = "X-Site-Key"
REALM = "helpdesk"
ALL_SCOPES = frozenset(Scope)
View = TypeVar("View", bound=Callable[..., Any])
_JWT = re.compile(r"[\w-]+(\.[\w-]*){2,4}", re.ASCII)


class CallerKind(StrEnum):
    """How somebody shows who they are."""

    ANYBODY = "anybody"
    STAFF = "staff"
    SERVER = "server"
    SITE = "site"


@dataclass(frozen=True)
class Caller:
    """Who sent this request. key_id: of the key that came with it."""

    kind: CallerKind
    scopes: frozenset[str]
    key_id: int | None = None


class MissingScopeError(Forbidden):
    """The key may not be used for this."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this key has not the scope {scope}")
        self.www_authenticate = (_challenge(error="insufficient_scope", scope=str(scope)),)


def caller() -> Caller:
    """Who sent this request. Raises Unauthorized for a key that does not count, Forbidden for one that a page of
    another site sends."""
    if "caller" not in g:
        g.caller = _identify()
    found: Caller = g.caller
    return found


def needs(scope: Scope) -> Callable[[View], View]:
    """Whoever sends a key needs this scope of it; with HELPDESK_REQUIRE_KEY everybody needs a key or a login."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = caller()
            if who.kind == CallerKind.ANYBODY and service().settings.require_key:
                _refuse("this needs a key: send `Authorization: Bearer hd_...`, or from a site's page `X-Site-Key`")
            if scope not in who.scopes:
                raise MissingScopeError(scope)
            return view(*args, **kwargs)

        guarded.scope = scope  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def limited_key() -> str | None:
    """The key whose requests are counted together: a program's. None for a key that does not count, or guesses would be
    free, and for a site's, which everybody on its pages has: one of them would use up what is for all."""
    try:
        who = caller()
    except (Unauthorized, Forbidden):
        return None
    return str(who.key_id) if who.kind == CallerKind.SERVER else None


def closed_channels() -> frozenset[str]:
    """The channels whose conversations this caller may neither read nor write in.

    Their own systems prove who they are, and the ids of their conversations are no secrets; so they are for whoever has
    a program's key or a login.
    """
    return frozenset() if caller().kind in (CallerKind.SERVER, CallerKind.STAFF) else PROVEN_CHANNELS


def require_channel(channel: str) -> None:
    """Raise Forbidden for a channel that is closed to this caller."""
    if channel in closed_channels():
        raise Forbidden(f"channel {channel!r} is that of another system; a key of a program may use it")


def sees_internals() -> bool:
    """Whether a reply may tell how its decision came about."""
    return Scope.INTERNALS in caller().scopes


def require_known_origin() -> None:
    """Raise Forbidden when a page sent this that may not call the API.

    Browsers ask before they send JSON to another site; what they send without asking is to be refused here.
    """
    origin = request.origin
    if origin is None or is_own_origin(origin) or allows(service().settings.allowed_origins, origin):
        return
    if caller().kind != CallerKind.SITE:
        raise Forbidden(f"pages of {origin!r:.80} may not send this; HELPDESK_ALLOWED_ORIGINS lists those that may")


def _identify() -> Caller:
    token, site_key = _bearer(), request.headers.get(SITE_KEY)
    if token is not None:
        row = _find(token, KeyKind.SERVER)
        return Caller(CallerKind.SERVER, frozenset(row.scopes), row.id)
    if site_key is not None:
        row = _find(site_key, KeyKind.SITE)
        if _page_origin() not in row.origins:
            where = f"a page of {request.origin!r:.80}" if request.origin else "something that is no page of a site"
            raise Forbidden(f"{where} sent this key of a site; pages of its own origins may")
        return Caller(CallerKind.SITE, frozenset(row.scopes), row.id)
    if current_app.config["SESSION_COOKIE_NAME"] in request.cookies and is_staff():
        return Caller(CallerKind.STAFF, ALL_SCOPES)
    return Caller(CallerKind.ANYBODY, ALL_SCOPES - {Scope.INTERNALS})


def _bearer() -> str | None:
    """What is sent as the key of a program. Rasa's clients write it into the address. A proxy in front of us may put a
    JWT of its own into the header, which no key of ours is."""
    authorization = request.authorization
    given = authorization.token if authorization is not None and authorization.type == "bearer" else None
    if given is not None and not _JWT.fullmatch(given):
        return given
    return request.args.get("token") if request.blueprint == "rasa" else None


def _find(token: str, kind: KeyKind) -> ApiKey:
    database = service().database
    with database.read() as session:
        row = api_keys.find_key(session, token)
    if row is None or row.kind != kind:
        _refuse("this key is unknown, revoked or expired", error="invalid_token")
    if api_keys.needs_note(row):
        with suppress(UnavailableError), database.write() as session:
            api_keys.note_use(session, row)
    return row


def _page_origin() -> str | None:
    """Where the page is from; browsers leave it out of what a page reads from its own origin."""
    if request.origin is None and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return request.host_url.rstrip("/")
    return request.origin


def _refuse(why: str, **more: str) -> NoReturn:
    raise Unauthorized(why, www_authenticate=_challenge(**more))


def _challenge(**more: str) -> WWWAuthenticate:
    return WWWAuthenticate("bearer", {"realm": REALM, **more})
