"""When a login ends by itself: a while after it was last used, and a while after it began.

Both moments are in the signed cookie, so that a copy of it ends no later than the login that it was taken from.
"""

from flask import Request
from flask.sessions import SessionMixin

from helpdesk.records.clock import now
from helpdesk.settings import Settings

_BEGAN, _USED = "began", "used"
_NOTED_EVERY = 60.0  # seconds
_HOUR = 3600.0


def begin(session: SessionMixin) -> None:
    """Somebody logs in at this moment."""
    session[_BEGAN] = session[_USED] = now().timestamp()


def is_over(session: SessionMixin, request: Request, settings: Settings) -> bool:
    """Whether a login has ended; if not, this request is a use of it, unless a page sent it by itself."""
    moment = now().timestamp()
    began, used = session.get(_BEGAN, 0.0), session.get(_USED, 0.0)
    if moment - began > settings.session_hours * _HOUR or moment - used > settings.session_idle_hours * _HOUR:
        return True
    if moment - used > _NOTED_EVERY and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate":
        session[_USED] = moment
    return False
