"""Sites in a real browser: pages of another origin with the widget on them, and a server that answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from flask import Flask, Response, abort, request
from playwright.sync_api import Page
from werkzeug.serving import make_server

from helpdesk.matching.decide import Thresholds
from helpdesk.matching.matcher import Matcher
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings
from helpdesk.web.api import widget

Wsgi = Callable[..., Any]


@contextmanager
def served(app: Wsgi, port: int = 0) -> Iterator[str]:
    """An application on a port of this machine; its address."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Site:
    """A site of somebody else; its pages are made by the tests."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.app = Flask("site")
        self.app.add_url_rule("/<name>", view_func=self._page)

    def _page(self, name: str) -> Response:
        if name not in self.pages:
            abort(404)
        html, headers = self.pages[name]
        return Response(html, headers=headers)

    def add(
        self, name: str, script: str, *, html: str = 'lang="en"', head: str = "", data: str = "", policy: str = ""
    ) -> None:
        """A page that loads a script. html, data: attributes of the page and of the script's tag."""
        page = (
            f'<!doctype html><html {html}><head><title>Shop</title><meta charset="utf-8">'
            f'<link rel="icon" href="data:,">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}'
            f'<script async src="{script}/widget.js" {data}></script></head>'
            f"<body><main><h1>Shop</h1><p>What we sell.</p><button>Buy</button></main></body></html>"
        )
        self.pages[name] = (page, {"Content-Security-Policy": policy} if policy else {})


class FakeApi:
    """The API as the contract says, without a model. Every message that arrives is kept with its id."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.feedback: list[dict[str, Any]] = []
        self.replies: dict[str, dict[str, Any]] = {}
        self.refusals: list[int] = []
        self.updates: list[dict[str, Any]] = []
        self.state = "bot"
        self.has_feedback = True
        self.app = Flask("fake")
        self.app.extensions["helpdesk"] = cast(ChatService, _WithSettings())
        self.app.register_blueprint(widget.blueprint)
        self.app.add_url_rule("/api/v1/messages", view_func=self._message, methods=["POST"])
        self.app.add_url_rule("/api/v1/messages/<int:number>/feedback", view_func=self._feedback, methods=["POST"])
        self.app.add_url_rule("/api/v1/sessions/<session>/updates", view_func=self._updates)

    def allow(self, origin: str) -> None:
        """Pages of this origin may call."""

        @self.app.after_request
        def _allow(response: Response) -> Response:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "Content-Type, X-Site-Key"
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            return response

    def texts(self) -> list[str]:
        """What arrived, each message once."""
        return list({body["message_id"]: body["text"] for body in self.got}.values())

    def _message(self) -> Response | tuple[dict[str, Any], int]:
        body = request.get_json()
        self.keys.append(request.headers.get("X-Site-Key"))
        if self.refusals:
            status = self.refusals.pop(0)
            return {"title": "Refused", "status": status, "detail": "as told"}, status
        self.got.append(body)
        said = {"text": f"You said {body['text']}"}
        reply = {"message_id": len(self.got), "decision": "answer", "messages": [said], "options": [], "follow_ups": []}
        return reply | self.replies.get(body["text"], {}), 200

    def _feedback(self, number: int) -> dict[str, Any]:
        if not self.has_feedback:
            abort(404)
        self.feedback.append({"message_id": number} | request.get_json())
        return {"message_id": number, "feedback": request.get_json()}

    def _updates(self, session: str) -> dict[str, Any]:
        after = request.args.get("after", type=int, default=0)
        return {"updates": [one for one in self.updates if one["id"] > after], "state": self.state}


class _WithSettings:
    settings = load_settings()


def unsure(live: LiveMatcher) -> None:
    """Thresholds under which everything but an exact match is asked back."""
    now = live.take()
    assert now is not None
    bundle = replace(now.matcher.bundle, thresholds=Thresholds(answer=2.0, clarify=0.0))
    live._live = replace(now, matcher=Matcher(bundle))


def wait(page: Page, seconds: int) -> None:
    """Let time pass on a page whose clock is ours; what is asked of a server meanwhile is answered."""
    for _ in range(0, seconds, 4):
        page.clock.run_for(4000)
        page.wait_for_timeout(60)
