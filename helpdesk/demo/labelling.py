"""Labellers of the demo: they take the audit sample and the queue from its top, slip, disagree, put off and flag."""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from helpdesk.demo.messages import NOT_A_QUESTION, Texts
from helpdesk.demo.people import LABELLER, SECOND
from helpdesk.records import audit, card_leases, faq, labelled, labels, queue, undo
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.queue import QueueItem
from helpdesk.settings import Settings
from helpdesk.text import OUT_OF_SCOPE, slugify

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_DRAWN, _DOUBTED, _AGAIN = 3, 4, 2  # texts a day
_NOTES = (
    "Is this us or facilities?",
    "Asked three times this week. Do we want an entry for it?",
    "Ines, which of the two VPN entries is meant here?",
    "I think this belongs to HR, please check.",
)


class Labellers:
    """Say what messages meant, as the form does. staff_ids: by name."""

    def __init__(
        self, database: Database, settings: Settings, texts: Texts, chance: random.Random, staff_ids: Mapping[str, int]
    ) -> None:
        self._database, self._settings, self._texts, self._chance = database, settings, texts, chance
        self._staff = staff_ids
        self._notes = list(_NOTES)
        self._seen: list[QueueItem] = []

    def work(self, day: int) -> None:
        """What one of them does on a day; the other one looks at some of the texts of the days before again."""
        first, second = (LABELLER, SECOND) if day % 3 else (SECOND, LABELLER)
        again = self._chance.sample(self._seen, min(_AGAIN, len(self._seen)))
        known = {item.normalised for item in self._seen}
        with self._database.read() as session:
            drawn = audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=_DRAWN)
            doubted = queue.items(session, review_below=self._settings.review_below, limit=_DOUBTED + len(known))
        fresh = {item.normalised: item for item in (*drawn, *doubted) if item.normalised not in known}
        for item in [*fresh.values()][: _DRAWN + _DOUBTED]:
            self._label(item, first, slips=0.05)
            self._seen.append(item)
        for item in again:
            self._label(item, second, slips=0.2)

    def take_one_back(self) -> None:
        """The newest label of one of them."""
        staff_id = self._staff[SECOND]
        with self._database.write() as session:
            own = undo.own_labels(session, staff_id=staff_id, limit=5)
            newest = next((row.label.id for row in own if row.undoable), None)
            if newest is not None:
                undo.undo(session, newest, staff_id=staff_id)

    def look(self) -> None:
        """One of them has a card open right now."""
        with self._database.write() as session:
            waiting = queue.items(session, review_below=self._settings.review_below, limit=4)
            keys = [item.text_key for item in waiting[3:]]
            newest = labelled.newest_labels(session, keys)
            card_leases.take(session, {key: newest.get(key, 0) for key in keys}, staff_id=self._staff[SECOND])

    def _label(self, item: QueueItem, who: str, *, slips: float) -> None:
        with self._database.write() as session:
            kind, intent, note = self._says(session, item, slips=slips)
            labels.label_message(
                session,
                item.message_id,
                kind=kind,
                intent=intent,
                note=note,
                staff_id=self._staff[who],
                holdout_share=self._settings.holdout_share,
            )

    def _says(self, session: "Session", item: QueueItem, *, slips: float) -> tuple[str, str | None, str | None]:
        """Kind, slug and note of a label."""
        meaning = self._texts.meaning(item.text)
        published = {intent.slug for intent in faq.list_intents(session, published_only=True)}
        if meaning == NOT_A_QUESTION:
            return "not_a_question", None, None
        if meaning is None and self._notes and self._chance.random() < 0.4:
            return "flag", None, self._notes.pop(0)
        if meaning is None and self._chance.random() < 0.5:
            return "skip", None, None
        others = [row["intent"] for row in item.ranking[:3] if row["intent"] in published - {meaning}]
        if others and self._chance.random() < slips:
            return "intent", others[0], None
        slug = slugify(meaning or OUT_OF_SCOPE)
        return ("intent", slug, None) if slug in published else ("out_of_scope", None, None)
