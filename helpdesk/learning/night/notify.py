"""Tell another system how a night ended: one signed POST (Standard Webhooks), which never fails the night."""

import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

from helpdesk.channels.calls import CallError
from helpdesk.channels.webhook_call import post_signed
from helpdesk.records.clock import now
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
NOTIFY_PAUSES = (2.0, 10.0)  # before the second and the third try


def notify(settings: Settings, data: Mapping[str, Any]) -> bool:
    """POST the data to `notify_url`; whether it was accepted. No redirect is followed; what fails is logged."""
    if settings.notify_url is None or settings.notify_secret is None:
        return False
    url, secret = settings.notify_url.get_secret_value(), settings.notify_secret.get_secret_value()
    body = {"type": "night.ended", "timestamp": now().isoformat(timespec="seconds"), "data": dict(data)}
    message_id, text = f"night_{secrets.token_hex(12)}", json.dumps(body).encode()
    for pause in (0.0, *NOTIFY_PAUSES):
        time.sleep(pause)
        try:
            post_signed(url, secret, message_id=message_id, body=text)
            return True
        except CallError as error:
            log.warning("HELPDESK_NOTIFY_URL was not told how the night ended: %s", error)
    return False
