"""Cases arrive at each receiver once, with what people need to know, whatever the customer typed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from other_systems import (
    HANGS,
    SECRET,
    STORED_BUT_SILENT,
    Mailbox,
    OtherSystem,
    keys_in,
    mail_server,
    make_due,
    other_system,
    store_case,
    the_delivery,
)
from pydantic import SecretStr
from standardwebhooks import Webhook

from helpdesk.channels import calls
from helpdesk.channels.courier import Courier
from helpdesk.records.database import Database
from helpdesk.records.deliveries import queue_deliveries, queue_notes
from helpdesk.records.tables import CaseEvent
from helpdesk.settings import Settings, load_settings

HOSTILE = "hello\r\nBcc: all@example.org\r\n\r\n<img src=x onerror=alert(1)> ![x](http://evil/x.png) @all \u202egnp"


@pytest.fixture
def system() -> Iterator[OtherSystem]:
    with other_system() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


def configured(receiver: str, url: str, **more: Any) -> Settings:
    """Settings with one receiver."""
    given: dict[str, dict[str, Any]] = {
        "webhook": {"handover_webhook_url": f"{url}/hook?token=x", "handover_webhook_secret": SECRET},
        "zammad": {"zammad_url": url, "zammad_token": "zt", "zammad_customer": "bot@example.org"},
        "freescout": {
            "freescout_url": url,
            "freescout_key": "fk",
            "freescout_mailbox": 3,
            "freescout_customer": "bot@example.org",
        },
        "chatwoot": {
            "chatwoot_url": url,
            "chatwoot_token": "bt",
            "chatwoot_lookup_token": "at",
            "chatwoot_secret": "s",
        },
    }
    return load_settings(public_url="https://help.example.org/", **given[receiver], **more)


def mail_settings(mailbox: Mailbox) -> Settings:
    """Settings with mail alone, to a server on this machine."""
    more = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none"}
    return load_settings(**more, mail_from="bot@example.org", mail_to="a@example.org, b@example.org")


def queue(database: Database, receiver: str, text: str = "where is my parcel") -> None:
    """A case that waits for a receiver."""
    place = ("chatwoot", "1:42") if receiver == "chatwoot" else ("rest", receiver)
    case_id = store_case(database, text, channel=place[0], sender=place[1])
    with database.write() as session:
        queue_deliveries(session, case_id, [receiver])
        queue_deliveries(session, case_id, [receiver])


def add_to_case(database: Database) -> None:
    """A message that joins the case that waits."""
    with database.write() as session:
        queue_notes(session, 1, 1, event=CaseEvent.ADDED, reason="two_failed_tries")


RECEIVERS = ["webhook", "zammad", "freescout", "chatwoot"]


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_case_arrives_once_after_a_refusal(receiver: str, database: Database, system: OtherSystem) -> None:
    """500, a redirect, which is not followed, and then it is taken; with transcript, guess, reason, link and key."""
    queue(database, receiver)
    system.faults.extend([500, 302])
    courier = Courier(database, configured(receiver, system.url))

    assert courier.send_due() == (0, 1)
    waiting = the_delivery(database)
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert waiting.last_error == "it answered 500"
    assert courier.send_due() == (0, 0)
    for _ in range(2):
        make_due(database)
        courier.send_due()

    sent = the_delivery(database)
    assert (sent.state, sent.attempts, len(system.stored)) == ("sent", 3, 1)
    assert "where is my parcel" in str(system.stored)
    assert "help.example.org/desk/conversations/1" in str(system.stored).replace("\\", "")
    assert "31%" in str(system.stored) or "0.31" in str(system.stored)
    assert sent.key in str(system.requests) + str(system.stored).replace("\\", "")


@pytest.mark.parametrize("receiver", ["zammad", "freescout", "chatwoot"])
@pytest.mark.parametrize("fault", [STORED_BUT_SILENT, HANGS])
def test_what_was_stored_before_the_answer_was_lost_is_not_sent_again(
    receiver: str, fault: str, database: Database, system: OtherSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for by its key before the second try."""
    monkeypatch.setattr(calls, "SILENCE_SECONDS", 0.3)
    queue(database, receiver)
    system.faults.extend([200, fault] if receiver == "chatwoot" else [fault])  # its first POST opens the conversation
    courier = Courier(database, configured(receiver, system.url))

    assert courier.send_due() == (0, 1)
    make_due(database)
    assert courier.send_due() == (1, 0)
    assert len(system.stored) == 1
    assert str(system.stored[0]["id"]) in str(the_delivery(database).external_ref)


@pytest.mark.parametrize("receiver", ["zammad", "freescout", "chatwoot"])
def test_what_comes_to_a_case_is_put_beside_it_once(receiver: str, database: Database, system: OtherSystem) -> None:
    """In the ticket or conversation that the case became, though the first answer is lost; not before the case."""
    queue(database, receiver)
    add_to_case(database)
    courier = Courier(database, configured(receiver, system.url))
    system.faults.append(500)
    assert courier.send_due() == (0, 2)
    for fault in ([], [STORED_BUT_SILENT], []):
        system.faults.extend(fault)
        make_due(database)
        courier.send_due()

    case, note = system.stored
    places = {"zammad": "/api/v1/ticket_articles", "freescout": "/api/conversations/100/threads"}
    assert note["place"] == places.get(receiver, case["place"])
    assert note.get("ticket_id") == (case["id"] if receiver == "zammad" else None)
    text = str(note).replace("\\", "")
    assert "This was added to case 1: the bot did not understand it." in text
    assert "where is my parcel" in text


def test_what_comes_to_a_case_reaches_mailboxes_and_webhooks(
    database: Database, system: OtherSystem, mailbox: Mailbox
) -> None:
    """As an answer to its mail; as an event of its own."""
    for receiver in ("email", "webhook"):
        case_id = store_case(database, sender=receiver)
        with database.write() as session:
            queue_deliveries(session, case_id, [receiver])
            queue_notes(session, case_id, case_id, event=CaseEvent.WITHDRAWN, reason="thumbs_down")
    mail = mail_settings(mailbox).model_dump(exclude_unset=True)
    settings = configured(
        "webhook", system.url, **{name: value for name, value in mail.items() if name != "public_url"}
    )
    assert Courier(database, settings).send_due() == (4, 0)

    case, answer = mailbox.mails
    assert (answer["In-Reply-To"], answer["Subject"]) == (case["Message-ID"], f"Re: {case['Subject']}")
    assert "Nobody has to look at case 1 any more." in answer.get_content()
    told = [json.loads(body) for _, _, _, body in system.requests]
    assert [one["type"] for one in told] == ["case.opened", "case.withdrawn"]
    assert told[1]["data"]["message"]["customer"] == "where is my parcel"


def test_a_webhook_is_signed_and_repeats_its_id(database: Database, system: OtherSystem) -> None:
    """The receiver drops a repetition by `webhook-id`."""
    queue(database, "webhook", HOSTILE)
    system.faults.append(STORED_BUT_SILENT)
    courier = Courier(database, configured("webhook", system.url))
    courier.send_due()
    make_due(database)
    courier.send_due()

    (_, path, first, body), (_, _, second, _) = system.requests
    told = Webhook(SECRET).verify(body, first)
    assert path == "/hook?token=x"
    assert told["type"] == "case.opened"
    assert told["data"]["transcript"][0]["customer"] == HOSTILE
    assert (told["data"]["reason"], told["data"]["urgent"]) == ("two_failed_tries", False)
    assert first["webhook-id"] == second["webhook-id"] == the_delivery(database).key


def test_a_mail_is_plain_text_whose_headers_are_ours(database: Database, mailbox: Mailbox) -> None:
    """A line break typed by a customer begins no header; the same Message-ID at every try."""
    queue(database, "email", HOSTILE)
    mailbox.answers.append("451 later")
    courier = Courier(database, mail_settings(mailbox))
    assert courier.send_due() == (0, 1)
    assert the_delivery(database).last_error == "the mail server answered 451: later"
    make_due(database)
    assert courier.send_due() == (1, 0)

    (mail,) = mailbox.mails
    assert set(mail.keys()) >= {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"}
    assert mail["Bcc"] is None
    assert mail["To"] == "a@example.org, b@example.org"
    assert mail["Subject"].startswith("[helpdesk] hello Bcc: all@example.org")
    assert mail["Message-ID"] == f"<{the_delivery(database).key}@example.org>"
    assert mail.get_content_type() == "text/plain"
    assert "  > Bcc: all@example.org" in mail.get_content()
    assert "\u202e" not in mail.get_content()


def test_markup_of_customers_is_text_in_tickets(database: Database, system: OtherSystem) -> None:
    """HTML at FreeScout and Markdown at Chatwoot show what was typed; Zammad is told that it is plain text."""
    for receiver in ("freescout", "chatwoot", "zammad"):
        queue(database, receiver, HOSTILE)
        Courier(database, configured(receiver, system.url)).send_due()
    conversation, note, ticket = system.stored

    assert "<img" not in json.dumps(conversation["threads"])
    assert "\n" not in conversation["subject"]
    assert note["private"] is True
    assert "\\!\\[x\\]\\(http\\:" in note["content"]
    assert ticket["article"]["content_type"] == "text/plain"
    assert (ticket["customer_id"], ticket["group"]) == ("guess:bot@example.org", "Users")
    assert len(keys_in(str(system.stored).replace("\\", ""))) == 3


def test_a_case_of_chatwoot_opens_its_conversation(database: Database, system: OtherSystem) -> None:
    """With the bot's token; only where the customer has written there."""
    queue(database, "chatwoot")
    settings = configured("chatwoot", system.url)
    Courier(database, settings).send_due()

    assert system.status == "open"
    assert [path for _, path, _, _ in system.requests] == [
        "/api/v1/accounts/1/conversations/42/toggle_status",
        "/api/v1/accounts/1/conversations/42/messages",
    ]
    assert {headers["api_access_token"] for _, _, headers, _ in system.requests} == {"bt"}
    assert settings.receivers_of("chatwoot") == ("chatwoot",)
    assert settings.receivers_of("rest") == ()


@pytest.mark.parametrize("answer", [b"not json", b"[" * 100_000, b"x" * 300_000])
def test_an_answer_that_makes_no_sense_is_a_failure(answer: bytes, database: Database, system: OtherSystem) -> None:
    """And no more than a fault: the delivery waits."""
    queue(database, "zammad")
    system.nonsense = answer
    courier = Courier(database, configured("zammad", system.url))
    assert courier.send_due() == (0, 1)
    assert str(the_delivery(database).last_error).startswith("it ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("451 4.7.1 Try\x1b[31m again", r"the mail server answered 451: 4.7.1 Try\u001b[31m again"),
        ("554 " + "x" * 400, "the mail server answered 554: " + "x" * 200),
    ],
)
def test_what_a_mail_server_says_is_kept(answer: str, told: str, database: Database, mailbox: Mailbox) -> None:
    """With its code, in one line that no terminal obeys."""
    queue(database, "email")
    mailbox.answers.append(answer)
    Courier(database, mail_settings(mailbox)).send_due()

    assert the_delivery(database).last_error == told


def test_a_mail_server_that_repeats_the_password_does_not_show_it(database: Database, mailbox: Mailbox) -> None:
    """Neither as it is nor as it was sent."""
    queue(database, "email")
    mailbox.login_answer = "535 5.7.8 no login hunter22 aHVudGVyMjI= AHUAaHVudGVyMjI="
    login = {"smtp_user": "u", "smtp_password": SecretStr("hunter22")}
    Courier(database, mail_settings(mailbox).model_copy(update=login)).send_due()

    assert the_delivery(database).last_error == "the mail server answered 535: 5.7.8 no login *** *** ***"


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_what_a_ticket_system_says_is_kept(
    receiver: str, database: Database, system: OtherSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """Not what it repeats of the request, no key and no address; and the log has nothing of it."""
    queue(database, receiver)
    system.faults.append(422)
    system.says = b'{"error": "no group Users for zt fk bt", "of": "/hook?token=x"}\x1b[0m'
    Courier(database, configured(receiver, system.url)).send_due()
    told = the_delivery(database).last_error or ""
    secret = {"zammad": "zt", "freescout": "fk", "chatwoot": "bt", "webhook": "token=x"}[receiver]

    assert told.startswith('it answered 422: {"error": "no group Users for ')
    assert told.endswith(r"\u001b[0m")
    assert secret not in told
    assert "no group" not in caplog.text
    assert "it answered 422" in caplog.text
