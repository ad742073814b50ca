"""Who may use which route by which method: the table is the policy, and the application keeps it."""

from collections.abc import Iterator

import pytest
from clients import log_in, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD
from sqlalchemy import func, select, update

from helpdesk.records import staff
from helpdesk.records.database import Database
from helpdesk.records.roles import Role
from helpdesk.records.tables import AuditLogRow, Staff, Table
from helpdesk.web.policy import PUBLIC

# The first role that may, method, route. Whoever changes a policy changes it here too.
POLICY = """
public   GET  /
public   GET  /api/docs
public   GET  /api/openapi.json
public   GET  /api/v1/faqs
public   POST /api/v1/match
public   POST /api/v1/match/batch
public   POST /api/v1/messages
public   POST /api/v1/messages/<int:message_id>/feedback
public   GET  /api/v1/model
public   GET  /api/v1/search
public   GET  /api/v1/sessions/<path:session_id>/updates
public   GET  /demo
labeller GET  /desk
labeller POST /desk/<int:message_id>/faq
labeller POST /desk/<int:message_id>/label
labeller GET  /desk/<int:message_id>/receipt
viewer   GET  /desk/account
viewer   POST /desk/account/password
viewer   POST /desk/account/sessions
admin    GET  /desk/api-keys
admin    POST /desk/api-keys
admin    POST /desk/api-keys/<int:key_id>/revoke
viewer   GET  /desk/conversations
viewer   GET  /desk/conversations/<int:conversation_id>
admin    POST /desk/conversations/<int:conversation_id>/erase
editor   GET  /desk/deliveries
editor   POST /desk/deliveries/<int:delivery_id>/give-up
editor   POST /desk/deliveries/<int:delivery_id>/retry
admin    GET  /desk/erasures
viewer   GET  /desk/faq
viewer   GET  /desk/faq/<int:entry_id>
editor   POST /desk/faq/<int:entry_id>
editor   GET  /desk/faq/<int:entry_id>/delete
editor   POST /desk/faq/<int:entry_id>/delete
viewer   GET  /desk/faq/<int:entry_id>/history
editor   POST /desk/faq/<int:entry_id>/labels/<int:label_id>/remove
editor   GET  /desk/faq/<int:entry_id>/merge
editor   POST /desk/faq/<int:entry_id>/merge
editor   POST /desk/faq/<int:entry_id>/phrasings/<int:phrasing_id>/remove
editor   POST /desk/faq/<int:entry_id>/rename
editor   POST /desk/faq/<int:entry_id>/revert
editor   GET  /desk/faq/<int:entry_id>/split
editor   POST /desk/faq/<int:entry_id>/split
editor   POST /desk/faq/<int:entry_id>/state
editor   POST /desk/faq/alike
viewer   GET  /desk/faq/check
viewer   GET  /desk/faq/export.csv
viewer   GET  /desk/faq/export.json
viewer   GET  /desk/faq/export.xlsx
editor   GET  /desk/faq/import
editor   POST /desk/faq/import
editor   GET  /desk/faq/import/<int:upload_id>
editor   POST /desk/faq/import/<int:upload_id>
editor   POST /desk/faq/import/<int:upload_id>/discard
viewer   GET  /desk/faq/labels-without-entry
editor   POST /desk/faq/labels-without-entry
editor   GET  /desk/faq/new
editor   POST /desk/faq/new
viewer   GET  /desk/faq/try
viewer   GET  /desk/faq/what-if
viewer   POST /desk/faq/what-if
viewer   GET  /desk/golden
editor   POST /desk/golden
editor   POST /desk/golden/<int:golden_id>/remove
labeller GET  /desk/inbox
labeller GET  /desk/inbox/<int:case_id>
labeller POST /desk/inbox/<int:case_id>/close
labeller POST /desk/inbox/<int:case_id>/reply
labeller POST /desk/inbox/<int:case_id>/take
labeller GET  /desk/keys
labeller POST /desk/labels/<int:label_id>/undo
editor   GET  /desk/labels/export.<form>
labeller POST /desk/leases/<token>/leave
labeller POST /desk/leases/<token>/renew
labeller GET  /desk/mine
admin    GET  /desk/people
admin    POST /desk/people/<int:staff_id>/disable
admin    POST /desk/people/<int:staff_id>/enable
admin    POST /desk/people/<int:staff_id>/reset
admin    POST /desk/people/<int:staff_id>/role
admin    POST /desk/people/invite
admin    POST /desk/people/links/<int:link_id>/withdraw
admin    GET  /desk/people/log
admin    GET  /desk/people/log.csv
labeller GET  /desk/queue
labeller POST /desk/queue
labeller POST /desk/queue/back
viewer   GET  /desk/report
viewer   GET  /desk/report/<name>.csv
viewer   GET  /desk/report/map
viewer   GET  /desk/report/nights.svg
viewer   GET  /desk/report/overlaps.csv
public   GET  /invite/<token>
public   POST /invite/<token>
public   GET  /livez
public   GET  /login
public   POST /login
viewer   POST /logout
public   GET  /metrics
public   GET  /readyz
public   GET  /static/<path:filename>
public   POST /webhooks/chatwoot
public   POST /webhooks/deep-chat
public   POST /webhooks/mattermost
public   POST /webhooks/teams
public   GET  /webhooks/rest/
public   POST /webhooks/rest/webhook
public   POST /webhooks/slack
public   GET  /widget.js
public   GET  /widget/texts
"""
TABLE = [tuple(line.split()) for line in POLICY.strip().splitlines()]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
NOWHERE = {"token": "t", "name": "volume", "form": "csv", "filename": "style.css"}  # numbers are of no row
ENDS_THE_SESSION = "/logout"
Somebody = tuple[Role | None, FlaskClient]
FORMS = [route for _, method, route in TABLE if method == "POST" and not route.startswith(("/api/", "/webhooks/"))]


def address(app: Flask, route: str) -> str:
    """An address of a route, of a thing that does not exist."""
    rule = next(rule for rule in app.url_map.iter_rules() if rule.rule == route)
    built = rule.build({name: NOWHERE.get(name, 987654) for name in rule.arguments})
    assert built
    return built[1]


def stored(records: Database) -> dict[str, int]:
    """How many rows each table has, apart from the log of what was refused."""
    with records.read() as session:
        tables = [table for table in Table.metadata.sorted_tables if table.name != AuditLogRow.__tablename__]
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def refusals(records: Database) -> list[tuple[str, str, str]]:
    """Author, action and subject of what was refused."""
    rows = select(AuditLogRow).where(AuditLogRow.action.startswith("access."))
    with records.read() as session:
        return [(row.author, row.action, row.subject) for row in session.scalars(rows)]


@pytest.fixture(params=["nobody", *Role])
def somebody(request: pytest.FixtureRequest, app: Flask, records: Database) -> Iterator[Somebody]:
    """Somebody of a role, or nobody that is known."""
    client = app.test_client()
    if request.param == "nobody":
        yield None, client
        return
    with records.write() as session:
        staff.add_staff(session, "cat", password=PASSWORD, role=Role(request.param))
    assert log_in(client, name="cat").status_code == 303
    yield Role(request.param), client


def test_the_table_has_every_route_and_method(app: Flask) -> None:
    """And the first role that may, as the code names it."""
    coded = [
        (str(getattr(app.view_functions[rule.endpoint], "policy", PUBLIC)), method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
    ]

    assert sorted(coded, key=lambda row: row[::-1]) == sorted(TABLE, key=lambda row: row[::-1])


def test_only_who_may_use_a_route_does(somebody: Somebody, app: Flask, records: Database) -> None:
    """Others are led to the login, or told what they lack, which is written down."""
    role, client = somebody
    form = token(client, "/login" if role is None else "/desk/account")
    expected = []
    for needed, method, route in sorted(TABLE, key=lambda row: row[2] == ENDS_THE_SESSION):
        response = client.open(
            address(app, route), method=method, data={"csrf_token": form} if method == "POST" else None
        )
        said = f"{role}: {method} {route}: {response.status_code}"
        if needed == PUBLIC or (role is not None and role.may(Role(needed))):
            assert response.status_code != 403, said
            assert role is None or not response.headers.get("Location", "").startswith("/login?"), said
        elif role is None:
            to_login = response.status_code == 302 and response.headers["Location"].startswith("/login?")
            assert to_login or (response.status_code == 401 and "Your session has ended" in response.text), said
        else:
            assert response.status_code == 403, said
            assert f"needs the role {needed}; cat has {role}" in response.text, said
            expected.append(("cat", "access.denied", f"{method} {route}"))
        if route == "/desk/account/sessions" and response.status_code == 303:
            form = token(client, "/desk/account")

    assert refusals(records) == expected


def test_no_route_takes_another_method(app: Flask, ann: FlaskClient) -> None:
    """Not even from an admin."""
    form = token(ann, "/desk/account")
    for route in {route for _, _, route in TABLE}:
        known = {method for _, method, other in TABLE if address(app, other) == address(app, route)}
        for method in METHODS - known:
            answer = ann.open(address(app, route), method=method, headers={"X-CSRFToken": form})
            assert answer.status_code == 405, f"{method} {route}: {answer.status_code}"


@pytest.mark.parametrize("foreign", [False, True])
def test_every_form_needs_the_token_of_its_session(
    app: Flask, ann: FlaskClient, records: Database, foreign: bool
) -> None:
    """Without one, or with somebody else's, nothing is done, and it is written down."""
    data = {"csrf_token": token(app.test_client())} if foreign else {}
    assert token(ann, "/desk/account")
    before = stored(records)
    for route in FORMS:
        answer = ann.post(address(app, route), data=data)
        shown_again = answer.status_code == 404  # what it was about does not exist
        assert answer.status_code == 400 or shown_again, f"{route}: {answer.status_code}"

    assert stored(records) == before
    assert refusals(records) == [("ann", "access.form_refused", f"POST {route}") for route in FORMS]


def test_programs_have_no_use_for_a_login(app: Flask) -> None:
    """What is exempt from tokens of forms is public, so a planted form does nothing as somebody."""
    exempt = [row for row in TABLE if row[1] == "POST" and row[2] not in FORMS]

    assert {needed for needed, _, _ in exempt} == {PUBLIC}


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
