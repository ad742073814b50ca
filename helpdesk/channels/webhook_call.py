"""A POST that is signed as Standard Webhooks are."""

import time

from helpdesk.channels.calls import call
from helpdesk.channels.signatures import STANDARD_WEBHOOKS, sign


def post_signed(url: str, secret: str, *, message_id: str, body: bytes) -> None:
    """POST JSON with its signature; receivers know a repetition by the id. Raises CallError unless 2xx is answered."""
    signed = sign(STANDARD_WEBHOOKS, secret, body=body, at=time.time(), message_id=message_id)
    call("POST", url, headers={"content-type": "application/json", **signed}, body=body)
