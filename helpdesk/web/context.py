"""What a request needs of the application."""

from urllib.parse import urlsplit

from flask import current_app, request
from flask_login import current_user

from helpdesk.channels.courier import Courier
from helpdesk.errors import UnavailableError
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.what_if import WhatIf

BIGGEST_ID = 2**31 - 1


def service() -> ChatService:
    """The serving side of this process."""
    found: ChatService = current_app.extensions["helpdesk"]
    return found


def courier() -> Courier:
    """Who sends to other systems what is queued."""
    found: Courier = current_app.extensions["courier"]
    return found


def what_if() -> WhatIf:
    """What edits would change."""
    found: WhatIf = current_app.extensions["what_if"]
    return found


def row_id(text: str | None) -> int | None:
    """The id that a form or an address names; None when no row can have it."""
    if text is None or not text.isdecimal() or len(text) > len(str(BIGGEST_ID)):
        return None
    return number if (number := int(text)) <= BIGGEST_ID else None


def is_staff() -> bool:
    """Whether the request comes from somebody who is logged in; nobody is while the database does not answer."""
    try:
        return bool(current_user.is_authenticated)
    except UnavailableError:
        return False


def is_own_origin(origin: str) -> bool:
    """Whether a page of ours sent this request. Ports are not compared: a proxy may leave them out of the host."""
    try:
        return urlsplit(origin).hostname == urlsplit(f"//{request.host}").hostname
    except ValueError:  # no address at all
        return False
