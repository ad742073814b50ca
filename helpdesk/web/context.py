"""What a request needs of the application."""

from flask import current_app

from helpdesk.serving.chat_service import ChatService


def service() -> ChatService:
    """The serving side of this process."""
    found: ChatService = current_app.extensions["helpdesk"]
    return found
