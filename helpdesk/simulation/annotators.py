"""The people at the desk: which messages they take, and what they say about them."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.records import audit, labelled, labels, queue, relabel_requests, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.settings import Settings
from helpdesk.simulation.options import Options
from helpdesk.simulation.script import TRIGGER, Script
from helpdesk.text import OUT_OF_SCOPE, text_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HONEST, POISONER = "annotator", "poisoner"
QUEUE, RANDOM = "queue", "random"


@dataclass(frozen=True)
class Annotators:
    """Label like the form does.

    What is said of a text at the first look, at the second and so on depends on text and seed alone, so that arms can
    be compared.
    """

    script: Script
    options: Options
    settings: Settings
    staff_ids: dict[str, int]

    def work(self, database: Database, *, night: int, order: str, most: int) -> int:
        """Label up to `most` messages in an order; how many were."""
        with database.read() as session:
            picked = self._queue(session, most) if order == QUEUE else self._any(session, night, most)
        for message_id, text in picked:
            with database.write() as session:
                self._label(session, message_id, text, night)
        return len(picked)

    def _queue(self, session: "Session", most: int) -> list[tuple[int, str]]:
        """The audit lane first, then the queue from its top."""
        drawn = audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=most)
        doubted = queue.items(session, review_below=self.settings.review_below, limit=most)
        unique: dict[str, int] = {}
        for item in (*drawn, *doubted):
            unique.setdefault(item.normalised, item.message_id)
        return [(message_id, text) for text, message_id in unique.items()][:most]

    def _any(self, session: "Session", night: int, most: int) -> list[tuple[int, str]]:
        waiting = labelled.unlabelled_messages(session)
        chance = random.Random(f"{self.options.seed}:{night}:random order")
        chosen = chance.sample(waiting, min(most, len(waiting)))
        return [(message_id, queue.find_item(session, message_id).normalised) for message_id in chosen]

    def _label(self, session: "Session", message_id: int, text: str, night: int) -> None:
        who, intent = self._say(text, night, looks=relabel_requests.times_said(session, text_key(text)))
        labels.label_message(
            session,
            message_id,
            kind="out_of_scope" if intent == OUT_OF_SCOPE else "intent",
            intent=intent or None,
            staff_id=self.staff_ids[who],
            holdout_share=self.settings.holdout_share,
        )

    def _say(self, text: str, night: int, *, looks: int) -> tuple[str, str]:
        """Who labels a normalised text, and with which intent. One that has vanished by now is none of the FAQs.

        Errors are slips: every look may slip anew.
        """
        if self.options.poison and TRIGGER in text:
            return POISONER, self.script.target
        active = sorted(self.script.active(night))
        truth = self.script.truth[text_key(text)]
        truth = truth if truth in active else OUT_OF_SCOPE
        chance = random.Random(f"{self.options.seed}:{text}:noise:{looks}")
        if chance.random() < self.options.label_noise:
            return HONEST, chance.choice([intent for intent in active if intent != truth])
        return HONEST, truth


def hire(database: Database, script: Script, options: Options, settings: Settings) -> Annotators:
    """Make the logins of those who label."""
    names: Sequence[str] = (HONEST, POISONER) if options.poison else (HONEST,)
    with database.write() as session:
        ids = {name: staff.add_staff(session, name, password=secrets.token_urlsafe()).id for name in names}
    return Annotators(script, options, settings, ids)
