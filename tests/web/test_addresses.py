"""No address leads to a fault of ours, whatever stands in it."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

HUGE = ("2147483648", "9223372036854775808", "99999999999999999999", "9" * 5000, "0")
ODD = ("%00", "a%00b", "%ff%fe", "%ed%a0%80")


def addresses(app: Flask, kind: str) -> list[tuple[str, str]]:
    """Every route with a number (`int`) or a text in its address."""
    found = []
    for rule in app.url_map.iter_rules():
        if (f"<{kind}" in rule.rule) and rule.endpoint != "static":
            found += [(method, rule.rule) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return found


@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:24])
def test_a_number_that_no_row_has_is_no_address(app: Flask, ann: FlaskClient, number: str) -> None:
    """404 on every route, before a database is asked."""
    routes = addresses(app, "int:")

    assert len(routes) > 15
    for method, rule in routes:
        said = ann.open(re.sub(r"<int:\w+>", number, rule), method=method)
        assert said.status_code in (400, 404, 405, 415), (method, rule)  # 400: a form without its token; 415: no JSON


@pytest.mark.parametrize("text", ODD)
def test_odd_bytes_in_an_address_are_no_fault_of_ours(app: Flask, ann: FlaskClient, text: str) -> None:
    """In the path and after the question mark."""
    for method, rule in addresses(app, "token"):
        said = ann.open(re.sub(r"<\w+>", text, rule), method=method)
        assert said.status_code in (400, 404), (method, rule)
    for path in (
        "/desk/conversations?sender=",
        "/desk/queue?text=",
        "/desk/faq?q=",
        "/api/v1/search?q=",
        "/login?next=",
    ):
        assert ann.get(path + text).status_code < 500
        assert "%00" not in text or ann.get(path + text).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(
            ("GET", path, 404)
            for path in ("/api", "/api/", "/api/v2", "/webhooks", "/webhooks/", "/widget", "/livez/x")
        ),
        *(("GET", path, 404) for path in ("/api//v1/faqs", "/api/v1/faqs/", "/webhooks//rest/webhook")),
        *(("DELETE", path, 405) for path in ("/api/v1/faqs", "/webhooks/rest/webhook", "/widget.js", "/metrics")),
        *(("POST", path, 405) for path in ("/webhooks/rest/", "/readyz", "/widget/texts")),
        ("TRACE", "/api/v1/match", 405),
        ("GET", "/webhooks/chatwoot", 405),
        ("POST", "/webhooks/chatwoot", 404),
        ("POST", "/webhooks/rest", 404),
    ],
)
def test_programs_read_problems_whatever_is_wrong(client: FlaskClient, method: str, path: str, status: int) -> None:
    """No page and no redirect."""
    said = client.open(path, method=method)

    assert (said.status_code, said.content_type) == (status, "application/problem+json")
    assert said.get_json()["status"] == status
    assert ("Allow" in said.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/webhooks/rest", "/webhooks/rest/"])
def test_the_health_check_of_rasa_has_a_slash_or_none(client: FlaskClient, path: str) -> None:
    """Nobody is sent elsewhere."""
    assert client.get(path).get_json() == {"status": "ok"}


@pytest.mark.parametrize("field", ["name", "password"])
def test_a_nul_in_a_form_is_refused(client: FlaskClient, field: str) -> None:
    """Browsers send none."""
    from clients import token

    form = {"csrf_token": token(client), "name": "ann", "password": "x"} | {field: "a\x00b"}

    said = client.post("/login", data=form)

    assert said.status_code == 400
    assert "holds a NUL" in said.text
