"""Sessions of staff, in signed cookies. A request without one, as every message is, pays nothing for them."""

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin


class Sessions(SecureCookieSessionInterface):
    """Flask's own; what was neither sent nor used is not opened and not saved."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Put what changed into the reply."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)
