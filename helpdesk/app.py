"""The web application's factory."""

import logging

from flask import Flask
from flask_cors import CORS
from flask_wtf import CSRFProtect

from helpdesk.channels.courier import Courier
from helpdesk.home import secret_key
from helpdesk.records.database import open_database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.replies import read_replies
from helpdesk.serving.what_if import WhatIf
from helpdesk.settings import Settings, load_settings
from helpdesk.web import headers, policy, problems
from helpdesk.web.api import chat_page as chat
from helpdesk.web.api import chatwoot, deep_chat, mattermost, rasa, slack, updates
from helpdesk.web.api import v1 as api
from helpdesk.web.operations import health, metrics
from helpdesk.web.staff import (
    account,
    change_log,
    conversations,
    deliveries,
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
    inbox,
    inbox_count,
    invitation,
    labelling,
    login,
    mine,
    people,
    queue,
    report,
    what_if,
)

MAX_BODY = 64 * 1024
CHATS = (chatwoot, slack, mattermost, deep_chat)
PUBLIC_PAGES = (rasa, api, updates, health, metrics, chat, login)
DESK_PAGES = (desk, inbox, deliveries, queue, labelling, mine, what_if, report, golden, conversations)
FAQ_PAGES = (faq_list, faq_entry, faq_states, faq_phrasings, faq_past, faq_check, faq_try, imports)
PEOPLE_PAGES = (people, change_log, account, invitation)


def create_app(settings: Settings | None = None, *, live: LiveMatcher | None = None) -> Flask:
    """One process's application; make it after the fork. `live` replaces the matcher that follows promotions;
    nothing is sent to other systems by itself then.

    Raises NotFoundError when there is no home.
    """
    settings = settings or load_settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    database = open_database(settings, hurried=True)
    courier = Courier(database, settings)
    if live is None:
        live = LiveMatcher(database, settings)
        live.start()
        courier.start()
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
    app.extensions["courier"] = courier
    app.jinja_env.globals["sends"] = courier.is_set_up
    app.extensions["what_if"] = WhatIf(database, settings.home)
    app.extensions["helpdesk"] = ChatService(database, live, settings, read_replies(settings))
    csrf = CSRFProtect(app)
    for public in (rasa, api, health, metrics, *CHATS):
        csrf.exempt(public.blueprint)
    for module in (*PUBLIC_PAGES, *CHATS, *DESK_PAGES, *FAQ_PAGES, *PEOPLE_PAGES):
        app.register_blueprint(module.blueprint)
    if settings.allowed_origins:
        CORS(app, resources=["/webhooks/*", "/api/*"], origins=list(settings.allowed_origins))
    login.install(app)
    policy.install(app)
    filters.install(app)
    inbox_count.install(app)
    headers.install(app)
    problems.install(app)
    return app
