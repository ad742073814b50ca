"""What web processes count together: uses of a limit, how long stages take, what was kept out of the queue."""

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.tables.base import Table


class RateCount(Table):
    """How often somebody used something in one window of time. `key`: a hash, which names nobody."""

    __tablename__ = "rate_counts"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StageLatency(Table):
    """How many messages needed at most so long for a stage, and how long all of these together.

    bucket: index into the bounds of the histogram.
    """

    __tablename__ = "stage_latencies"

    stage: Mapped[str] = mapped_column(String(16), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    seconds: Mapped[float]


class KeptOut(Table):
    """How many messages of a day did not count as demand, by reason."""

    __tablename__ = "kept_out"

    day: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int]


class WriteProbe(Table):
    """One row that is written to see whether anything can be."""

    __tablename__ = "write_probes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    filling: Mapped[str]
