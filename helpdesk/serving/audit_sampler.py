"""Drawing the audit sample of one process: a known probability, a random number, no database on a message's way."""

import random
import threading
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from helpdesk.records.audit import TrafficRate, inclusion_probability, recent_traffic
from helpdesk.records.clock import now
from helpdesk.settings import Settings

REFRESH = timedelta(minutes=5)


class AuditSampler:
    """Knows how much traffic there was, here and elsewhere, and draws messages with a probability that follows from it.

    Between two looks into the database it counts its own messages, so that the first burst of a new desk is not drawn
    as a whole.
    """

    def __init__(self, settings: Settings, *, chance: random.Random | None = None) -> None:
        self._draws = {
            "rate": settings.audit_rate,
            "per_night": settings.audit_per_night,
            "most": settings.audit_most,
        }
        self._chance = chance or random.SystemRandom()
        self._lock = threading.Lock()
        self._traffic = TrafficRate(0, 1.0)
        self._looked_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether the last count is some minutes old."""
        return self._looked_at is None or not timedelta(0) <= now() - self._looked_at < REFRESH

    def refresh(self, session: Session) -> None:
        """Count the recent traffic again when that is due."""
        if not self.is_due:
            return
        moment = now()
        traffic = recent_traffic(session, moment)
        with self._lock:
            self._traffic, self._looked_at = traffic, moment

    def draw(self) -> float | None:
        """The probability with which this message was drawn, fixed before the draw; None when it was not drawn."""
        with self._lock:
            probability = inclusion_probability(self._traffic, **self._draws)
            self._traffic = TrafficRate(self._traffic.messages + 1, self._traffic.days)
            return probability if self._chance.random() < probability else None
