"""Every route says who may use it."""

import pytest
from clients import log_in, post
from flask import Flask
from sqlalchemy import update

from helpdesk.records.database import Database
from helpdesk.records.roles import Role
from helpdesk.records.tables import Staff
from helpdesk.web.policy import PUBLIC


def test_every_route_has_a_policy(app: Flask) -> None:
    without = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "policy")
    ]
    assert not without


def test_whoever_is_not_logged_in_is_sent_to_the_login(app: Flask) -> None:
    client = app.test_client()
    open_to_all = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or getattr(app.view_functions[rule.endpoint], "policy", None) == PUBLIC:
            continue
        path = rule.build(dict.fromkeys(rule.arguments, 1))[1]  # type: ignore[index]
        answer = client.get(path) if "GET" in (rule.methods or ()) else post(client, path, "/login")
        if "/login" not in answer.headers.get("Location", "") and "Log in" not in answer.text:
            open_to_all.append((path, answer.status_code))
    assert not open_to_all


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("labeller", 403), ("editor", 303), ("admin", 303)])
def test_a_role_does_what_it_may(app: Flask, records: Database, role: str, status: int) -> None:
    with records.write() as session:
        session.execute(update(Staff).values(role=role))
    client = app.test_client()
    log_in(client)
    said = post(client, "/desk/golden", "/desk/golden", text="my phone is lost", promise="never")
    assert said.status_code == status
    if status == 403:
        assert f"This needs the role editor; ann has {role}" in said.text
        assert 'value="my phone is lost"' in said.text, "what was typed is not lost"


def test_a_role_may_what_those_before_it_may() -> None:
    assert [role for role in Role if role.may(Role.LABELLER)] == [Role.LABELLER, Role.EDITOR, Role.ADMIN]
