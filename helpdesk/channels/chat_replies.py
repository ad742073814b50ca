"""Replies that are posted to a chat after its webhook was answered."""

import html
from collections.abc import Mapping
from typing import Any, Protocol

from helpdesk.channels.calls import CallError, call_json
from helpdesk.channels.chatwoot_api import PENDING, ChatwootConversation
from helpdesk.settings import Settings


class ReplyPoster(Protocol):
    """A chat that replies are posted to."""

    def post(self, payload: Mapping[str, Any], *, again: bool) -> str:
        """Post what the adapter of this chat queued, and give back its id there.

        again: an earlier try may have arrived. Raises HelpdeskError when it did not arrive, or when nobody knows.
        """
        ...


class ChatwootReplies:
    """payload: sender, text, choices, after (the id of the message that is answered), by_person."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def post(self, payload: Mapping[str, Any], *, again: bool) -> str:
        """Post it; a late one not beside a person who took over meanwhile, and none that is there already."""
        conversation = ChatwootConversation(self._settings, payload["sender"])
        text = payload["text"]
        if again and conversation.can_look():
            for message in conversation.newest_messages():
                later = isinstance(message.get("id"), int) and message["id"] > payload["after"]
                if later and message.get("message_type") == 1 and message.get("content") == text:
                    return f"message {message['id']}"
            if not payload["by_person"] and conversation.status() != PENDING:
                return "not posted: a person has the conversation"
        return conversation.post(text, choices=payload["choices"])


class SlackReplies:
    """payload: channel, text, thread (or None). Slack knows no repetition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def post(self, payload: Mapping[str, Any], *, again: bool) -> str:
        """Post it. Slack answers 200 to what it refuses, with the reason."""
        token = self._settings.slack_token
        text = html.escape(payload["text"], quote=False)  # so that nothing in it is a mention
        message = {"channel": payload["channel"], "text": text, "unfurl_links": False}
        if payload["thread"]:
            message["thread_ts"] = payload["thread"]
        headers = {"Authorization": f"Bearer {token.get_secret_value() if token else ''}"}
        answer = call_json("POST", f"{self._settings.slack_url}/api/chat.postMessage", headers=headers, data=message)
        said = answer.json()
        if not isinstance(said, dict) or said.get("ok") is not True:
            reason = said.get("error") if isinstance(said, dict) else None
            raise CallError(f"Slack refused it: {str(reason)[:80]}")
        return f"message {said.get('ts', '')}"
