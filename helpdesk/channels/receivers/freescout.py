"""Cases as conversations of FreeScout (API & Webhooks module), which has no idempotency key: the subject ends in ours,
and a conversation with it is looked for before a second try."""

from typing import Any
from urllib.parse import urlencode

from helpdesk.channels.calls import CallAnswer, CallError, call_json
from helpdesk.channels.case_text import html_text, note_text, plain_text, subject
from helpdesk.records.case_content import CaseContent, CaseNote
from helpdesk.settings import Settings


class FreeScoutReceiver:
    """One conversation for each case, opened for the customer of the settings, as HTML that shows plain text."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """Open a conversation unless an earlier try did."""
        title = f"{subject(case)} [{key}]"
        found = self._find(title) if again else None
        return found or self._open(case, key, title)

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """As another message of the customer in the conversation of the case, unless an earlier try left it there."""
        place = f"/api/conversations/{note.case_ref.removeprefix('conversation ')}"
        if again and key in str(self._call("GET", f"{place}?embed=threads").json()):
            return note.case_ref
        customer, text = {"email": self._settings.freescout_customer}, html_text(note_text(note, key=key))
        self._call(
            "POST", f"{place}/threads", {"type": "customer", "text": text, "customer": customer, "imported": True}
        )
        return note.case_ref

    def _open(self, case: CaseContent, key: str, title: str) -> str:
        customer = {"email": self._settings.freescout_customer}
        text = html_text(plain_text(case, key=key, public_url=self._settings.public_url))
        conversation = {
            "type": "email",
            "mailboxId": self._settings.freescout_mailbox,
            "subject": title,
            "customer": customer,
            "threads": [{"type": "customer", "text": text, "customer": customer}],
            "imported": True,  # sends no mail by itself
            "status": "active",
        }
        number = self._call("POST", "/api/conversations", conversation).headers.get("resource-id", "")
        return f"conversation {number}"

    def _find(self, title: str) -> str | None:
        query = urlencode({"subject": title, "mailboxId": self._settings.freescout_mailbox})
        found = self._call("GET", f"/api/conversations?{query}").json()
        try:
            conversations = found["_embedded"]["conversations"]
            return next((f"conversation {row['id']}" for row in conversations if row["subject"] == title), None)
        except (KeyError, TypeError):
            raise CallError("it did not answer a search with conversations") from None

    def _call(self, method: str, path: str, data: dict[str, Any] | None = None) -> CallAnswer:
        key = self._settings.freescout_key
        headers = {"X-FreeScout-API-Key": key.get_secret_value() if key else ""}
        return call_json(method, f"{self._settings.freescout_url}{path}", headers=headers, data=data)
