"""Cases of Chatwoot's own conversations: their status becomes `open`, and a private note tells people what was said."""

from helpdesk.channels.case_text import markdown_text, note_text, plain_text
from helpdesk.channels.chatwoot_api import ChatwootConversation
from helpdesk.records.case_content import CaseContent, CaseNote
from helpdesk.settings import Settings


class ChatwootReceiver:
    """The customer has written in Chatwoot, so the case is there already; it only goes to people."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """Open the conversation to people first: that matters more than the note, and may be done twice."""
        conversation = ChatwootConversation(self._settings, case.sender)
        conversation.hand_over()
        return _post(conversation, plain_text(case, key=key, public_url=self._settings.public_url), key, again=again)

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """As a private note of the same conversation."""
        conversation = ChatwootConversation(self._settings, note.case.sender)
        return _post(conversation, note_text(note, key=key), key, again=again)


def _post(conversation: ChatwootConversation, text: str, key: str, *, again: bool) -> str:
    if again and conversation.can_look():
        plain_key = markdown_text(key)
        found = (row for row in conversation.newest_messages() if plain_key in str(row.get("content")))
        if (known := next(found, None)) is not None:
            return f"note {known.get('id', '')}"
    return conversation.post(markdown_text(text), private=True)
