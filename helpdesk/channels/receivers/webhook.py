"""Cases to a webhook of your own, signed as Standard Webhooks are; `webhook-id` tells a repetition."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from helpdesk.channels.case_text import facts, note_facts
from helpdesk.channels.webhook_call import post_signed
from helpdesk.records.case_content import CaseContent, CaseNote
from helpdesk.settings import Settings


class WebhookReceiver:
    """One POST for each case, and for each thing that comes to one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """POST it, again with the same id."""
        return self._post("case.opened", facts(case, public_url=self._settings.public_url), key)

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """POST it, again with the same id."""
        return self._post(f"case.{note.event}", note_facts(note, public_url=self._settings.public_url), key)

    def _post(self, kind: str, data: dict[str, Any], key: str) -> str:
        url, secret = self._settings.handover_webhook_url, self._settings.handover_webhook_secret
        assert url is not None  # noqa: S101 - it is not set up otherwise
        assert secret is not None  # noqa: S101 - settings refuse the address without it
        moment = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
        body = json.dumps({"type": kind, "timestamp": moment, "data": data}, ensure_ascii=False).encode()
        post_signed(url.get_secret_value(), secret.get_secret_value(), message_id=key, body=body)
        return key
