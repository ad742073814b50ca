"""What a request needs of the application."""

from flask import current_app

from helpdesk.serving.chat_service import Desk


def desk() -> Desk:
    """The serving side of this process."""
    found: Desk = current_app.extensions["helpdesk"]
    return found
