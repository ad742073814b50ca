"""The web application's factory."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from helpdesk.channels.courier import Courier
from helpdesk.home import secret_key
from helpdesk.records.database import open_database
from helpdesk.records.deadlines import waiting_once
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.day_counter import start_counting_days
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.replies import read_replies
from helpdesk.serving.what_if import WhatIf
from helpdesk.settings import Settings, load_settings
from helpdesk.threads import SYNTAX_TREES
from helpdesk.web import addresses, answers, cors, headers, limits, logs, policy, problems, request_ids, tracing
from helpdesk.web.api import catalogue as api
from helpdesk.web.api import chat_page as chat
from helpdesk.web.api import chatwoot, deep_chat, feedback, mattermost, rasa, reference, slack, teams, updates, widget
from helpdesk.web.api.identity import limited_key
from helpdesk.web.openapi import document
from helpdesk.web.operations import health, metrics
from helpdesk.web.sessions import Sessions
from helpdesk.web.staff import (
    account,
    api_keys,
    change_log,
    conversations,
    deliveries,
    desk,
    erasures,
    faq_check,
    faq_entry,
    faq_list,
    faq_past,
    faq_phrasings,
    faq_states,
    faq_try,
    filters,
    golden,
    imports,
    inbox,
    inbox_count,
    invitation,
    keys,
    label_files,
    labelling,
    login,
    mine,
    people,
    queue,
    queue_acts,
    report,
    report_map,
    what_if,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 64 * 1024
CHATS = (chatwoot, slack, mattermost, teams, deep_chat)
PUBLIC_API = (rasa, api, feedback, updates)
DESCRIBED = (*PUBLIC_API, *CHATS, health, metrics)
PUBLIC_PAGES = (reference, chat, widget, login)
LABELLING_PAGES = (desk, queue, queue_acts, keys, labelling, label_files, mine, what_if)
DESK_PAGES = (inbox, deliveries, report, report_map, golden, conversations, erasures)
FAQ_PAGES = (faq_list, faq_entry, faq_states, faq_phrasings, faq_past, faq_check, faq_try, imports)
PEOPLE_PAGES = (people, api_keys, change_log, account, invitation)


def create_app(
    settings: Settings | None = None, *, live: LiveMatcher | None = None, tenant: str | None = None
) -> Flask:
    """One process's application; make it after the fork. `live` replaces the matcher that follows promotions;
    nothing is sent to other systems by itself then. tenant: its name, where a process has many.

    Raises NotFoundError when there is no home.
    """
    settings = settings or load_settings()
    logs.configure(settings.log_format)
    database = open_database(settings, hurried=True)
    follows = live is None
    courier = Courier(database, settings)
    live = live or LiveMatcher(database, settings)
    service = ChatService(database, live, settings, read_replies(settings))
    with SYNTAX_TREES:
        app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.update(_configuration(settings))
    app.session_interface = Sessions()
    app.ensure_sync = _as_it_is  # type: ignore[method-assign, assignment]
    app.extensions["courier"] = courier
    app.jinja_env.globals["sends"] = courier.is_set_up
    app.extensions["what_if"] = WhatIf(database, settings.home)
    app.extensions["helpdesk"] = service
    request_ids.install(app)
    logs.install(app, tenant=tenant)
    limits.install(app, settings, service.tallies, key_of=limited_key)
    with SYNTAX_TREES:
        _add_routes(app)
    login.install(app)
    policy.install(app)
    filters.install(app)
    answers.install(app)
    inbox_count.install(app)
    headers.install(app, https_only=settings.https_only, frame_ancestors=settings.framing_origins)
    cors.install(app)
    problems.install(app)
    tracing.install(app, service)
    app.wsgi_app = _behind_proxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign, assignment]
    if follows:  # at last: what fails before leaves no thread behind
        live.start(alone=tenant is None)
        service.tallies.start()
        courier.start()
        app.extensions["day_counter"] = start_counting_days(database)
    return app


def close_app(app: Flask) -> None:
    """Finish what is being sent, and do nothing by itself any more, in a process that goes on without it."""
    service: ChatService = app.extensions["helpdesk"]
    app.extensions["courier"].stop()
    app.extensions["day_counter"].set()
    service.live.stop()
    service.tallies.stop()
    service.database.close()


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key(settings),
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "SESSION_COOKIE_NAME": "__Host-session" if settings.https_only else "session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.https_only,
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """None of ours is asynchronous, and Flask would look at each before every call."""
    return function


def _add_routes(app: Flask) -> None:
    """Every route; programs send no form, so their routes know no token of one."""
    csrf = CSRFProtect(app)
    addresses.install(app)
    for module in (*DESCRIBED, *PUBLIC_PAGES, *LABELLING_PAGES, *DESK_PAGES, *FAQ_PAGES, *PEOPLE_PAGES):
        app.register_blueprint(module.blueprint)
    for described in DESCRIBED:
        csrf.exempt(described.blueprint)


def _behind_proxies(application: "WSGIApplication", proxies: int) -> "WSGIApplication":
    """Addresses as the trusted proxies tell them, and one wait for the database a request."""

    def patient(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with waiting_once():
            return application(environ, start_response)

    return ProxyFix(patient, x_for=proxies, x_proto=proxies, x_host=0, x_prefix=0) if proxies else patient


def api_document() -> dict[str, Any]:
    """The OpenAPI document of an installation whose API is open; it needs no home."""
    app = Flask(__name__, static_folder=None)
    addresses.install(app)
    for module in DESCRIBED:
        app.register_blueprint(module.blueprint)
    return document(app)
