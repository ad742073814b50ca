"""Cases to a webhook of your own, signed as Standard Webhooks are; `webhook-id` tells a repetition."""

import json
import time
from datetime import UTC, datetime

from helpdesk.channels.case_text import facts
from helpdesk.channels.webhook_call import post_signed
from helpdesk.records.case_content import CaseContent
from helpdesk.settings import Settings


class WebhookReceiver:
    """One POST for each case."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """POST it, again with the same id."""
        url, secret = self._settings.handover_webhook_url, self._settings.handover_webhook_secret
        assert url is not None  # noqa: S101 - it is not set up otherwise
        assert secret is not None  # noqa: S101 - settings refuse the address without it
        moment = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
        data = facts(case, public_url=self._settings.public_url)
        body = json.dumps({"type": "case.opened", "timestamp": moment, "data": data}, ensure_ascii=False).encode()
        post_signed(url.get_secret_value(), secret.get_secret_value(), message_id=key, body=body)
        return key
