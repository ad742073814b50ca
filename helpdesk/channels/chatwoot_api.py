"""The part of Chatwoot's API that an agent bot needs, for one conversation."""

from typing import Any
from urllib.parse import quote

from helpdesk.channels.calls import CallError, call_json
from helpdesk.settings import Settings

PENDING = "pending"  # the bot's; `open` is people's


class ChatwootConversation:
    """One conversation, named as our sender is: `<account>:<number>`."""

    def __init__(self, settings: Settings, sender: str) -> None:
        account, _, number = sender.partition(":")
        self._settings = settings
        self._place = f"/api/v1/accounts/{quote(account, safe='')}/conversations/{quote(number, safe='')}"

    def post(self, content: str, *, private: bool = False, choices: list[dict[str, str]] | None = None) -> str:
        """Post a message and give back its id. choices: `title` and `value` of buttons."""
        message: dict[str, Any] = {"content": content, "message_type": "outgoing", "private": private}
        if choices:
            message |= {"content_type": "input_select", "content_attributes": {"items": choices}}
        made = call_json("POST", self._url("/messages"), headers=self._headers(), data=message).json()
        return f"message {made.get('id', '') if isinstance(made, dict) else ''}"

    def hand_over(self) -> None:
        """Give the conversation to people. Doing so again changes nothing."""
        call_json("POST", self._url("/toggle_status"), headers=self._headers(), data={"status": "open"})

    def can_look(self) -> bool:
        """Whether we may read: Chatwoot lets agents, but no bots."""
        return self._settings.chatwoot_lookup_token is not None

    def status(self) -> str:
        """`pending`, `open`, `resolved` or `snoozed`."""
        found = self._look("")
        return str(found.get("status", "")) if isinstance(found, dict) else ""

    def newest_messages(self) -> list[dict[str, Any]]:
        """The newest twenty messages, private notes too, each with `id`, `content` and `message_type` (1: outgoing)."""
        found = self._look("/messages")
        messages = found.get("payload") if isinstance(found, dict) else None
        if not isinstance(messages, list):
            raise CallError("it did not answer with messages")
        return [message for message in messages if isinstance(message, dict)]

    def _look(self, path: str) -> Any:
        token = self._settings.chatwoot_lookup_token
        headers = {"api_access_token": token.get_secret_value() if token else ""}
        return call_json("GET", self._url(path), headers=headers).json()

    def _headers(self) -> dict[str, str]:
        token = self._settings.chatwoot_token
        return {"api_access_token": token.get_secret_value() if token else ""}

    def _url(self, path: str) -> str:
        return f"{self._settings.chatwoot_url}{self._place}{path}"
