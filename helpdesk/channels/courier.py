"""Sends what is queued: one lease a delivery, so that of all workers and hosts one sends it at a time."""

import logging
import random
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from helpdesk.channels.calls import CallError
from helpdesk.channels.chat_names import CHATWOOT_REPLY, SLACK_REPLY
from helpdesk.channels.chat_replies import ChatwootReplies, ReplyPoster, SlackReplies
from helpdesk.channels.receivers.base import Receiver
from helpdesk.channels.receivers.chatwoot import ChatwootReceiver
from helpdesk.channels.receivers.email import EmailReceiver
from helpdesk.channels.receivers.freescout import FreeScoutReceiver
from helpdesk.channels.receivers.webhook import WebhookReceiver
from helpdesk.channels.receivers.zammad import ZammadReceiver
from helpdesk.errors import HelpdeskError
from helpdesk.records import deliveries
from helpdesk.records.case_content import read_case, read_note
from helpdesk.records.database import Database
from helpdesk.records.deliveries import Claimed
from helpdesk.settings import Settings
from helpdesk.threads import start_thread

log = logging.getLogger(__name__)
SENDING_SECONDS = 180.0  # longer than every call of one delivery may take together
LOOK_SECONDS = 1.0
REPLY_ATTEMPTS = 6  # somebody waits at the other end, and after two minutes no more
LONGEST_PAUSE = 3600.0


def case_receivers(settings: Settings) -> dict[str, Receiver]:
    """Every receiver of cases that is set up, by its name."""
    made: dict[str, Receiver] = {
        "email": EmailReceiver(settings),
        "webhook": WebhookReceiver(settings),
        "zammad": ZammadReceiver(settings),
        "freescout": FreeScoutReceiver(settings),
    }
    found = {name: made[name] for name in settings.receivers}
    return {"chatwoot": ChatwootReceiver(settings), **found} if settings.chatwoot_url else found


def reply_posters(settings: Settings) -> dict[str, ReplyPoster]:
    """Every chat that replies are posted to, by the name of its deliveries."""
    chatwoot: dict[str, ReplyPoster] = {CHATWOOT_REPLY: ChatwootReplies(settings)} if settings.chatwoot_url else {}
    slack: dict[str, ReplyPoster] = {SLACK_REPLY: SlackReplies(settings)} if settings.slack_signing_secret else {}
    return chatwoot | slack


@dataclass
class Courier:
    """The sending side of one process."""

    database: Database
    settings: Settings
    owner: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        self._cases: Mapping[str, Receiver] = case_receivers(self.settings)
        self._replies: Mapping[str, ReplyPoster] = reply_posters(self.settings)
        self._awake, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_set_up(self) -> bool:
        """Whether there is anywhere to send to."""
        return bool(self._cases or self._replies)

    def start(self) -> None:
        """Send in a thread of its own what falls due, if anything is set up. Call after the fork."""
        if self.is_set_up:
            self._thread = start_thread(self._follow, name="send-deliveries")

    def stop(self) -> None:
        """Finish what is being sent, and send no more."""
        self._stopped.set()
        self._awake.set()
        if self._thread:
            self._thread.join(timeout=30)

    def wake(self) -> None:
        """Something was queued that somebody waits for."""
        self._awake.set()

    def send_due(self) -> tuple[int, int]:
        """Send whatever is due now; (sent, failed). Raises UnavailableError when the database does not answer."""
        sent = failed = 0
        while not self._stopped.is_set() and (claimed := self._claim()) is not None:
            arrived = self._send(claimed)
            sent, failed = sent + arrived, failed + (not arrived)
        return sent, failed

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                self.send_due()
            except (HelpdeskError, SQLAlchemyError) as error:
                log.warning("nothing can be sent: %s", error)
            self._awake.wait(LOOK_SECONDS)
            self._awake.clear()

    def _claim(self) -> Claimed | None:
        with self.database.read() as session:
            if not deliveries.has_due(session):
                return None
        with self.database.write() as session:
            return deliveries.claim(session, owner=self.owner, seconds=SENDING_SECONDS)

    def _send(self, claimed: Claimed) -> bool:
        try:
            reference = self._hand_in(claimed)
        except Exception as error:
            known = isinstance(error, HelpdeskError)
            told = str(error) if known else f"{type(error).__name__} on our side; the log says more"
            logged = error.reason if isinstance(error, CallError) else told
            log.warning("delivery %d to %s failed: %s", claimed.id, claimed.receiver, logged, exc_info=not known)
            asked = error.retry_after if isinstance(error, CallError) else None
            self._note_failed(claimed, told, pause=self._pause(claimed, asked))
            return False
        with self.database.write() as session:
            deliveries.note_sent(session, claimed, external_ref=reference)
        log.info("delivery %d to %s was sent", claimed.id, claimed.receiver)
        return True

    def _hand_in(self, claimed: Claimed) -> str:
        if claimed.payload is not None and claimed.receiver in self._replies:
            return self._replies[claimed.receiver].post(claimed.payload, again=claimed.again)
        if claimed.case_id is None or claimed.receiver not in self._cases:
            raise CallError(f"{claimed.receiver} is not set up any more")
        if claimed.message_id is not None and claimed.payload is not None:
            return self._add_to_case(claimed, claimed.case_id, claimed.message_id, claimed.payload)
        with self.database.read() as session:
            case = read_case(session, claimed.case_id)
        if case is None:
            raise CallError("the case is not stored any more")
        return self._cases[claimed.receiver].send(case, key=claimed.key, again=claimed.again)

    def _add_to_case(self, claimed: Claimed, case_id: int, message_id: int, payload: Mapping[str, str]) -> str:
        with self.database.read() as session:
            sent = deliveries.sent_case(session, case_id, claimed.receiver)
            if sent is None:
                raise CallError("the case itself has not arrived there yet")
            note = read_note(session, case_id, message_id, payload, sent=sent)
        if note is None:
            raise CallError("the case is not stored any more")
        return self._cases[claimed.receiver].add(note, key=claimed.key, again=claimed.again)

    def _note_failed(self, claimed: Claimed, error: str, *, pause: float | None) -> None:
        with self.database.write() as session:
            deliveries.note_failed(session, claimed, owner=self.owner, error=error, pause=pause)

    def _pause(self, claimed: Claimed, asked: float | None) -> float | None:
        """Seconds until the next try, twice as long each time and never the same for all; None when it was the last."""
        is_reply = claimed.case_id is None
        if claimed.attempts >= (REPLY_ATTEMPTS if is_reply else self.settings.delivery_attempts):
            return None
        first = 2.0 if is_reply else 10.0
        pause = min(first * 2.0 ** (claimed.attempts - 1), LONGEST_PAUSE)
        return max(pause * random.uniform(0.75, 1.25), min(asked or 0.0, LONGEST_PAUSE))  # noqa: S311 - spreads retries
