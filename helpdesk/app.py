"""The web application's factory."""

import logging
from typing import Any

from flask import Flask
from flask_wtf import CSRFProtect

from helpdesk.home import secret_key
from helpdesk.records.database import open_database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.replies import read_replies
from helpdesk.serving.what_if import WhatIf
from helpdesk.settings import Settings, load_settings
from helpdesk.web import addresses, cors, headers, policy, problems, request_ids
from helpdesk.web.api import catalogue as api
from helpdesk.web.api import chat_page as chat
from helpdesk.web.api import rasa, reference
from helpdesk.web.openapi import document
from helpdesk.web.operations import health, metrics
from helpdesk.web.staff import (
    account,
    change_log,
    conversations,
    desk,
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
    invitation,
    keys,
    labelling,
    login,
    mine,
    people,
    queue,
    report,
    what_if,
)

MAX_BODY = 64 * 1024
DESCRIBED = (rasa, api, health, metrics)
PUBLIC_PAGES = (*DESCRIBED, reference, chat, login)
DESK_PAGES = (desk, queue, labelling, mine, what_if, report, golden, conversations)
FAQ_PAGES = (faq_list, faq_entry, faq_states, faq_phrasings, faq_past, faq_check, faq_try, imports)
PEOPLE_PAGES = (people, keys, change_log, account, invitation)


def create_app(settings: Settings | None = None, *, live: LiveMatcher | None = None) -> Flask:
    """One process's application; make it after the fork. `live` replaces the matcher that follows promotions.

    Raises NotFoundError when there is no home.
    """
    settings = settings or load_settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    database = open_database(settings, hurried=True)
    if live is None:
        live = LiveMatcher(database, settings)
        live.start()
    app = Flask(__name__, template_folder="web/templates", static_folder="web/static")
    app.config.update(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=MAX_BODY,
        SESSION_COOKIE_NAME="__Host-session" if settings.https_only else "session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https_only,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["what_if"] = WhatIf(database, settings.home)
    app.extensions["helpdesk"] = ChatService(database, live, settings, read_replies(settings))
    csrf = CSRFProtect(app)
    for described in DESCRIBED:
        csrf.exempt(described.blueprint)
    request_ids.install(app)
    addresses.install(app)
    for module in (*PUBLIC_PAGES, *DESK_PAGES, *FAQ_PAGES, *PEOPLE_PAGES):
        app.register_blueprint(module.blueprint)
    login.install(app)
    policy.install(app)
    filters.install(app)
    headers.install(app)
    cors.install(app)
    problems.install(app)
    return app


def api_document() -> dict[str, Any]:
    """The OpenAPI document of an installation whose API is open; it needs no home."""
    app = Flask(__name__, static_folder=None)
    addresses.install(app)
    for module in DESCRIBED:
        app.register_blueprint(module.blueprint)
    return document(app)
