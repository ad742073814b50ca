"""Cases by mail. A mail server knows no repetition: mailboxes that do, know it by the Message-ID."""

import base64
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP as CRLF
from email.utils import format_datetime

from helpdesk.channels.calls import SILENCE_SECONDS, CallError, as_said
from helpdesk.channels.case_text import note_text, plain_text, subject
from helpdesk.records.case_content import CaseContent, CaseNote
from helpdesk.settings import Settings


class EmailReceiver:
    """One mail of plain text for each case, to every address of `mail_to`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """Send it, again with the same Message-ID."""
        return self._send(as_mail(case, key=key, settings=self._settings))

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """As an answer to the mail of the case."""
        return self._send(as_answer(note, key=key, settings=self._settings))

    def _send(self, message: EmailMessage) -> str:
        try:
            with self._connect() as server:
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise CallError("the mail server refused every recipient", said=self._refusals(error.recipients)) from None
        except smtplib.SMTPResponseException as error:
            said = self._said(error.smtp_error)
            raise CallError(f"the mail server answered {error.smtp_code}", said=said) from None
        except smtplib.SMTPNotSupportedError as error:
            raise CallError(f"the mail server cannot do what is set ({error})") from None
        except smtplib.SMTPException as error:
            raise CallError(f"the mail server broke off ({type(error).__name__})") from None
        except TimeoutError:
            raise CallError("the mail server did not answer in time") from None
        except OSError as error:
            raise CallError(f"the mail server cannot be reached ({error.strerror or type(error).__name__})") from None
        return str(message["Message-ID"]) + (f"; refused: {self._refusals(refused)}" if refused else "")

    def _refusals(self, refused: Mapping[str, tuple[int, bytes]]) -> str:
        return ", ".join(f"{address} ({code} {self._said(words)})" for address, (code, words) in refused.items())

    def _said(self, words: bytes | str) -> str:
        """The server's words, which might repeat the password as it was sent."""
        user, password = self._settings.smtp_user or "", self._settings.smtp_password
        secret = password.get_secret_value() if password else ""
        sent = [base64.b64encode(text.encode()).decode() for text in (secret, f"\0{user}\0{secret}") if secret]
        return as_said(words.encode() if isinstance(words, str) else words, hidden=(secret, *sent))

    def _connect(self) -> smtplib.SMTP:
        settings, context = self._settings, ssl.create_default_context()
        host, port = settings.smtp_host or "", settings.smtp_port
        if settings.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SILENCE_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=SILENCE_SECONDS)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user and settings.smtp_password:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def as_mail(case: CaseContent, *, key: str, settings: Settings) -> EmailMessage:
    """The mail. Nothing that a customer typed reaches a header but the subject, which is one line without controls."""
    message = _mail(subject(case), key=key, settings=settings)
    message["Date"] = format_datetime(case.opened_at)
    if case.urgent:
        message["X-Priority"], message["Importance"] = "1", "high"
    message.set_content(plain_text(case, key=key, public_url=settings.public_url))
    return message


def as_answer(note: CaseNote, *, key: str, settings: Settings) -> EmailMessage:
    """A note as a mail of the thread that the mail of its case began."""
    message = _mail(f"Re: {subject(note.case)}", key=key, settings=settings)
    message["Date"] = format_datetime(note.about.at)
    message["In-Reply-To"] = message["References"] = _message_id(note.case_key, settings)
    message.set_content(note_text(note, key=key))
    return message


def _mail(title: str, *, key: str, settings: Settings) -> EmailMessage:
    message = EmailMessage(policy=CRLF)
    message["From"] = settings.mail_from
    message["To"] = ", ".join(settings.mail_to)
    message["Subject"] = title
    message["Message-ID"] = _message_id(key, settings)
    message["Auto-Submitted"] = "auto-generated"  # so that no vacation notice answers
    return message


def _message_id(key: str, settings: Settings) -> str:
    return f"<{key}@{(settings.mail_from or '').rpartition('@')[2]}>"
