"""Cases as tickets of Zammad. It has no idempotency key: a ticket with ours is looked for before a second try."""

from typing import Any
from urllib.parse import urlencode

from helpdesk.channels.calls import CallError, call_json
from helpdesk.channels.case_text import plain_text, subject
from helpdesk.records.case_content import CaseContent
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
        return found or self._open(case, key)

    def _open(self, case: CaseContent, key: str) -> str:
        title = subject(case)
        body = plain_text(case, key=key, public_url=self._settings.public_url)
        article = {"subject": title, "body": body, "type": "note", "content_type": "text/plain", "internal": False}
        ticket: dict[str, Any] = {
            "title": title,
            "group": self._settings.zammad_group,
            "customer_id": f"guess:{self._settings.zammad_customer}",
            "article": article,
        }
        if case.urgent:
            ticket["priority"] = HIGH_PRIORITY
        made = self._call("POST", "/api/v1/tickets", ticket)
        if not isinstance(made, dict) or "id" not in made:
            raise CallError("it did not say which ticket it made")
        return f"ticket {made.get('number', made['id'])}"

    def _find(self, key: str) -> str | None:
        """The ticket whose article names the key. Answers are lists of tickets, or of ids, by version."""
        found = self._call(
            "GET", "/api/v1/tickets/search?" + urlencode({"query": f'"{key}"', "limit": 1, "expand": "true"})
        )
        tickets = found.get("tickets", []) if isinstance(found, dict) else found
        if not isinstance(tickets, list):
            raise CallError("it did not answer a search with tickets")
        if not tickets:
            return None
        first = tickets[0]
        return f"ticket {first.get('number', first.get('id')) if isinstance(first, dict) else first}"

    def _call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        token = self._settings.zammad_token
        headers = {"Authorization": f"Token token={token.get_secret_value() if token else ''}"}
        return call_json(method, f"{self._settings.zammad_url}{path}", headers=headers, data=data).json()
