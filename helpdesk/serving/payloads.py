"""What widgets of the Rasa protocol send for their user: `/greet`, `/restart`, `/session_start`, `/greet{"name": "x"}`.

None of it is a question of a person, so none is matched as a text, queued or handed over.
"""

import re
from typing import Final

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.serving.live import Live
from helpdesk.text import slugify

_PAYLOAD: Final = re.compile(r"\s*/([A-Za-z][\w.+-]*)\s*(?:\{.*\})?\s*", re.DOTALL)
_SMALL_TALK: Final = {
    "greet": DecisionReason.GREETING,
    "greeting": DecisionReason.GREETING,
    "hello": DecisionReason.GREETING,
    "start": DecisionReason.GREETING,
    "session_start": DecisionReason.GREETING,
    "get_started": DecisionReason.GREETING,
    "restart": DecisionReason.GREETING,
    "goodbye": DecisionReason.GOODBYE,
    "bye": DecisionReason.GOODBYE,
    "thanks": DecisionReason.THANKS,
    "thank_you": DecisionReason.THANKS,
    "affirm": DecisionReason.YES,
    "deny": DecisionReason.NO,
}


def decide_payload(live: Live | None, text: str) -> Decision | None:
    """The decision about a payload; None for any other text, and for a phrasing of the FAQ that looks like one.

    The name of a published entry is that entry, chosen.
    """
    found = _PAYLOAD.fullmatch(text) if "/" in text[:20] else None
    if found is None or (live is not None and live.is_phrasing(text)):
        return None
    name = found[1].casefold()
    slug = _entry(live, found[1])
    if live is not None and slug is not None:
        return live.spoken(Decision(DecisionKind.ANSWER, (Ranked(slug, 1.0),), (), DecisionReason.CHOICE))
    return Decision(DecisionKind.SMALLTALK, (), (), _SMALL_TALK.get(name, DecisionReason.COMMAND))


def _entry(live: Live | None, name: str) -> str | None:
    if live is None:
        return None
    for slug in (name, slugify(name)):
        today = live.names.get(slug, slug)
        if today in live.faq:
            return today
    return None
