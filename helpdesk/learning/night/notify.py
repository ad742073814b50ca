"""Tell another system how a night ended: one signed POST (Standard Webhooks), which never fails the night."""

import json
import logging
import secrets
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from helpdesk.records.clock import now
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 10.0
NOTIFY_PAUSES = (2.0, 10.0)  # before the second and the third try


def notify(settings: Settings, data: Mapping[str, Any]) -> bool:
    """POST the data to `notify_url`; whether it was accepted. No redirect is followed; what fails is logged."""
    if settings.notify_url is None or settings.notify_secret is None:
        return False
    body = {"type": "night.ended", "timestamp": now().isoformat(timespec="seconds"), "data": dict(data)}
    message_id = f"night_{secrets.token_hex(12)}"
    for pause in (0.0, *NOTIFY_PAUSES):
        time.sleep(pause)
        try:
            url, secret = settings.notify_url.get_secret_value(), settings.notify_secret.get_secret_value()
            return _post(url, secret, message_id, body)
        except (OSError, HTTPException) as error:  # some name parts of the address, which is secret
            told = type(error).__name__ if isinstance(error, HTTPException) else error
            log.warning("HELPDESK_NOTIFY_URL was not told how the night ended: %s", told)
    return False


def _post(url: str, secret: str, message_id: str, body: Mapping[str, Any]) -> bool:
    """Raises OSError when the other side cannot be reached or does not say 2xx."""
    parts, moment, text = urlsplit(url), now(), json.dumps(body)
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, text),
    }
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=text, headers=headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise OSError(f"it answered {status}")
    return True
