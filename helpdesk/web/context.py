"""What a request needs of the application."""

from flask import current_app
from flask_login import current_user

from helpdesk.errors import UnavailableError
from helpdesk.serving.chat_service import ChatService


def service() -> ChatService:
    """The serving side of this process."""
    found: ChatService = current_app.extensions["helpdesk"]
    return found


def is_staff() -> bool:
    """Whether the request comes from somebody who is logged in; nobody is while the database does not answer."""
    try:
        return bool(current_user.is_authenticated)
    except UnavailableError:
        return False
