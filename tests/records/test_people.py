"""Managing people: roles, links to join, and that an admin is always left."""

from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError, TooManyError
from helpdesk.records import audit_log, card_leases, logins, one_time_links, people, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.passwords import hash_password, matches
from helpdesk.records.roles import Role
from helpdesk.records.sign_ins import newest_sign_ins, record_sign_in
from helpdesk.records.tables import AuditLogRow, CardLease, OneTimeLink, SignIn

PASSWORD = "correct horse battery"


@pytest.fixture
def crew(database: Database) -> Database:
    """Ann is admin, bob labels."""
    with database.write() as session:
        staff.add_staff(session, "ann", password=PASSWORD, role=Role.ADMIN)
        staff.add_staff(session, "bob", password=PASSWORD)
    return database


def said(database: Database) -> list[tuple[str, str, str]]:
    """(author, action, subject) of the log, oldest first, without the two who were there."""
    with database.read() as session:
        rows = audit_log.read_log(session)
    return [(row.author, row.action, row.subject) for row in reversed(rows)][2:]


def opens(session: Session, password: str) -> bool:
    """Whether it is bob's password, and he may log in."""
    attempt = logins.begin_attempt(session, "bob", address="")
    right = attempt.staff is not None and matches(attempt.staff.password_hash, password)
    return logins.end_attempt(session, attempt, right=right) is not None


@pytest.mark.parametrize("author", ["ann", "bob", "command line"])
def test_the_last_active_admin_stays(crew: Database, author: str) -> None:
    """By page and by command; an admin who is disabled does not count."""
    with crew.write() as session:
        staff.add_staff(session, "eve", password=PASSWORD, role=Role.ADMIN)
        people.disable(session, "eve", author="command line")
    with crew.write() as session:
        with pytest.raises(ConflictError):
            people.set_role(session, "ann", Role.EDITOR, author=author)
        with pytest.raises(ConflictError):
            people.disable(session, "ann", author=author)
    with crew.read() as session:
        assert [(row.name, row.role, row.active) for row in people.list_people(session)] == [
            ("ann", "admin", True),
            ("bob", "labeller", True),
            ("eve", "admin", False),
        ]


def test_nobody_changes_their_own_role(crew: Database) -> None:
    """Though another admin would be left."""
    with crew.write() as session:
        people.set_role(session, "bob", Role.ADMIN, author="ann")
        with pytest.raises(ConflictError, match="own role"):
            people.set_role(session, "ann", Role.VIEWER, author="ann")
        with pytest.raises(ConflictError, match="disables themselves"):
            people.disable(session, "ann", author="ann")


def test_a_change_of_what_is_no_more_so_is_refused(crew: Database) -> None:
    """What was said before gives the same answer and no second row; another role meanwhile is a conflict."""
    with crew.write() as session:
        for _ in range(2):
            people.set_role(session, "bob", Role.EDITOR, author="ann", seen=Role.LABELLER)
    with crew.write() as session, pytest.raises(ConflictError, match="bob is editor by now, not labeller"):
        people.set_role(session, "bob", Role.VIEWER, author="ann", seen=Role.LABELLER)

    assert said(crew) == [("ann", "person.role_changed", "bob")]


def test_who_is_disabled_has_no_session_no_card_and_no_link(crew: Database) -> None:
    """At once; enabled again they log in as before, with a new session."""
    with crew.write() as session:
        bob = staff.find_staff(session, "bob")
        token = bob.session_token
        card_leases.take(session, {"text": 0}, staff_id=bob.id)
        link = one_time_links.offer_new_password(session, "bob", author="ann").token
        for _ in range(2):
            people.disable(session, "bob", author="ann")
    with crew.write() as session:
        assert staff.find_by_token(session, token) is None
        assert session.scalars(select(CardLease)).all() == []
        assert not opens(session, PASSWORD)
        with pytest.raises(NotFoundError):
            one_time_links.use_link(session, link, name="", hashed=hash_password("another long one", name=""))
        with pytest.raises(ConflictError, match="bob is disabled"):
            one_time_links.offer_new_password(session, "bob", author="ann")
        people.enable(session, "bob", author="ann")
        assert staff.find_by_token(session, token) is None
        assert opens(session, PASSWORD)

    assert [action for _, action, _ in said(crew)] == ["person.password_link", "person.disabled", "person.enabled"]


def test_an_invitation_makes_one_login(crew: Database) -> None:
    """Its token is stored as a hash, works once, and names the role; the name may be another one."""
    with crew.write() as session:
        token = one_time_links.invite(session, "cat", role=Role.EDITOR, author="ann").token
        assert [row.token_hash for row in one_time_links.open_invitations(session)] == [
            sha256(token.encode()).hexdigest()
        ]
    with crew.write() as session:
        row = one_time_links.use_link(session, token, name="Cathy", hashed=hash_password(PASSWORD, name="Cathy"))
        assert (row.name, row.role) == ("Cathy", "editor")
    with crew.write() as session:
        assert one_time_links.open_invitations(session) == []
        with pytest.raises(NotFoundError, match="was used"):
            one_time_links.use_link(session, token, name="dan", hashed=hash_password(PASSWORD, name="dan"))

    assert said(crew) == [("ann", "person.invited", "cat"), ("ann", "person.added", "Cathy")]


@pytest.mark.parametrize(("name", "password"), [("bob", PASSWORD), ("cat", "password1234"), ("", PASSWORD)])
def test_a_link_outlives_what_it_could_not_do(crew: Database, name: str, password: str) -> None:
    """A taken name or an easy password can be mended."""
    with crew.write() as session:
        token = one_time_links.invite(session, "cat", role=Role.VIEWER, author="ann").token
    with pytest.raises((BadInputError, ConflictError)), crew.write() as session:
        one_time_links.use_link(session, token, name=name, hashed=hash_password(password, name=name))
    with crew.read() as session:
        assert one_time_links.find_link(session, token).name == "cat"


def test_old_replaced_and_withdrawn_links_are_void(crew: Database) -> None:
    """And so is one that was made up."""
    with crew.write() as session:
        replaced, again = (one_time_links.invite(session, "cat", role=Role.VIEWER, author="ann") for _ in range(2))
        withdrawn = one_time_links.invite(session, "dan", role=Role.VIEWER, author="ann").token
        late = one_time_links.offer_new_password(session, "bob", author="ann").token
        (number,) = session.scalars(select(OneTimeLink.id).where(OneTimeLink.name == "dan"))
        one_time_links.withdraw(session, number, author="ann")
        one_time_links.withdraw(session, number, author="ann")
        session.execute(update(OneTimeLink).where(OneTimeLink.name == "bob").values(expires_at=now()))
    with crew.read() as session:
        assert again.replaced
        assert one_time_links.find_link(session, again.token).role == "viewer"
        for token in (replaced.token, withdrawn, late, "made up", ""):
            with pytest.raises(NotFoundError):
                one_time_links.find_link(session, token)


def test_a_link_for_a_new_password_ends_sessions(crew: Database) -> None:
    """The old password works until it is used."""
    with crew.write() as session:
        token = staff.find_staff(session, "bob").session_token
        link = one_time_links.offer_new_password(session, "bob", author="ann").token
        assert opens(session, PASSWORD)
        one_time_links.use_link(session, link, name="ignored", hashed=hash_password("another long one", name="ignored"))
        assert staff.find_by_token(session, token) is None
        assert opens(session, "another long one")


def test_sign_ins_are_forgotten_after_90_days(crew: Database) -> None:
    """By whoever logs in next; the list of people says when each came last."""
    with crew.write() as session:
        ann, bob = (staff.find_staff(session, name) for name in ("ann", "bob"))
        session.add(SignIn(staff_id=ann.id, at=now() - timedelta(days=91), address="10.0.0.1", browser="old"))
        session.add(SignIn(staff_id=bob.id, at=now() - timedelta(days=89), address="10.0.0.1", browser="recent"))
        record_sign_in(session, bob, address="10.0.0.2", browser="new" * 200)
    with crew.read() as session:
        assert newest_sign_ins(session, ann.id, limit=9) == []
        assert [row.browser[:6] for row in newest_sign_ins(session, bob.id, limit=9)] == ["newnew", "recent"]
        seen = {row.name: row.last_sign_in for row in people.list_people(session)}
        assert seen["ann"] is None
        assert seen["bob"] is not None
        assert seen["bob"] > now() - timedelta(minutes=5)


def test_the_log_is_read_by_person_kind_and_page(database: Database) -> None:
    """Newest first; `faq` is a kind, not the beginning of a word."""
    with database.write() as session:
        for number in range(5):
            audit_log.note(session, "faq.edited", author="ann", subject=str(number))
        audit_log.note(session, "faqs.counted", author="bob")
    with database.read() as session:
        first = audit_log.read_log(session, kind="faq", limit=2)
        second = audit_log.read_log(session, kind="faq", limit=2, before=first[-1].id)
        assert [row.subject for row in (*first, *second)] == ["4", "3", "2", "1"]
        assert audit_log.read_log(session, kind="faq", author="bob") == []
        assert len(list(audit_log.read_whole_log(session))) == 6


def test_guesses_are_written_down_once_and_name_nobody_unknown(crew: Database) -> None:
    """What was typed for a name may be a password."""
    for name in ("bob", "hunter2 hunter2"):
        with suppress(TooManyError):
            for _ in range(10):
                logins.check_password(crew, name, password="guess", address=name)
    with crew.read() as session:
        closed = session.scalars(select(AuditLogRow.subject).where(AuditLogRow.action == "login.closed"))
        assert list(closed) == ["bob", "an unknown name"]
