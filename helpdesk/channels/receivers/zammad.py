"""Cases as tickets of Zammad. It has no idempotency key: a ticket with ours is looked for before a second try."""

from typing import Any
from urllib.parse import urlencode

from helpdesk.channels.calls import CallError, call_json
from helpdesk.channels.case_text import note_text, plain_text, subject
from helpdesk.records.case_content import CaseContent, CaseNote
from helpdesk.settings import Settings

HIGH_PRIORITY = "3 high"


class ZammadReceiver:
    """One ticket for each case, its article in plain text, opened for the customer of the settings.

    What a sender calls themselves is no proof of a mail address, and Zammad would answer to it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """Open a ticket unless an earlier try did."""
        found = self._find(key) if again else None
        return self._open(case, key) if found is None else _named(found)

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """As another article of the ticket of the case, unless an earlier try left it there."""
        if again and self._find(key) is not None:
            return note.case_ref
        found = self._find(note.case_key)
        if found is None:
            raise CallError("the ticket of the case is not found there")
        number = found["id"] if isinstance(found, dict) else found
        article = _article(f"Re: {subject(note.case)}", note_text(note, key=key))
        self._call("POST", "/api/v1/ticket_articles", article | {"ticket_id": number})
        return note.case_ref

    def _open(self, case: CaseContent, key: str) -> str:
        title = subject(case)
        ticket: dict[str, Any] = {
            "title": title,
            "group": self._settings.zammad_group,
            "customer_id": f"guess:{self._settings.zammad_customer}",
            "article": _article(title, plain_text(case, key=key, public_url=self._settings.public_url)),
        }
        if case.urgent:
            ticket["priority"] = HIGH_PRIORITY
        made = self._call("POST", "/api/v1/tickets", ticket)
        if not isinstance(made, dict) or "id" not in made:
            raise CallError("it did not say which ticket it made")
        return _named(made)

    def _find(self, key: str) -> Any:
        """The ticket whose article names the key. Answers are lists of tickets, or of ids, by version."""
        found = self._call(
            "GET", "/api/v1/tickets/search?" + urlencode({"query": f'"{key}"', "limit": 1, "expand": "true"})
        )
        tickets = found.get("tickets", []) if isinstance(found, dict) else found
        if not isinstance(tickets, list):
            raise CallError("it did not answer a search with tickets")
        return tickets[0] if tickets else None

    def _call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        token = self._settings.zammad_token
        headers = {"Authorization": f"Token token={token.get_secret_value() if token else ''}"}
        return call_json(method, f"{self._settings.zammad_url}{path}", headers=headers, data=data).json()


def _article(title: str, body: str) -> dict[str, Any]:
    return {"subject": title, "body": body, "type": "note", "content_type": "text/plain", "internal": False}


def _named(ticket: Any) -> str:
    return f"ticket {ticket.get('number', ticket.get('id')) if isinstance(ticket, dict) else ticket}"
