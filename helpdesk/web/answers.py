"""Answers in pages, as customers see them."""

from flask import Flask
from markupsafe import Markup

from helpdesk.serving.markup import html
from helpdesk.text import visible


def install(app: Flask) -> None:
    """Templates write `{{ answer | rendered }}`."""
    app.add_template_filter(rendered)


def rendered(answer: str) -> Markup:
    """An answer as sanitised HTML; what cannot be seen in it is spelled out."""
    return Markup(html(visible(answer)))  # noqa: S704 - sanitised
