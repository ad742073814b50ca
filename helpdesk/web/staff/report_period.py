"""The period that a report or a search asks for: days with both ends, in UTC, as people write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from helpdesk.errors import BadInputError
from helpdesk.records.clock import now
from helpdesk.records.periods import Period

DEFAULT_DAYS = 30
PRESETS = {
    "7": "7 days",
    "30": "30 days",
    "90": "90 days",
    "this-week": "This week",
    "last-week": "Last week",
}
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Chosen:
    """The days of a report, both included, and its channel; preset: the key of PRESETS, "" for days that were typed."""

    first: date
    last: date
    channel: str | None = None
    preset: str = ""

    @property
    def period(self) -> Period:
        """The same as moments."""
        return Period(*moments(self.first, self.last), self.channel)

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def words(self) -> str:
        """`The last 30 days`, `This week`, or `From 1 Oct 2026 to 31 Oct 2026`."""
        if self.preset.isdecimal():
            return f"The last {self.preset} days"
        return PRESETS.get(self.preset) or f"From {self.first:%-d %b %Y} to {self.last:%-d %b %Y}"

    @property
    def query(self) -> dict[str, str]:
        """What an address says to ask for the same."""
        named = {"days": self.preset} if self.preset else {"from": str(self.first), "to": str(self.last)}
        return named | ({"channel": self.channel} if self.channel else {})


def chosen(asked: Mapping[str, str]) -> Chosen:
    """The period of an address: `from` and `to`, or `days`, a key of PRESETS; by default the last thirty days.

    Raises BadInputError for what is no day, and for days the wrong way round.
    """
    today, channel = now().date(), asked.get("channel") or None
    if asked.get("from") or asked.get("to"):
        last = read_day(asked, "to") or today
        first = read_day(asked, "from") or last - timedelta(days=DEFAULT_DAYS - 1)
        if first > last:
            raise BadInputError(f"from {first} to {last}; expected the earlier day first")
        return Chosen(first, last, channel)
    preset = asked.get("days") or str(DEFAULT_DAYS)
    if preset not in PRESETS:
        raise BadInputError(f"days {preset!r:.40}; expected one of {', '.join(PRESETS)}")
    monday = today - timedelta(days=today.weekday())
    if preset == "this-week":
        return Chosen(monday, today, channel, preset)
    if preset == "last-week":
        return Chosen(monday - timedelta(days=7), monday - _A_DAY, channel, preset)
    return Chosen(today - timedelta(days=int(preset) - 1), today, channel, preset)


def read_day(asked: Mapping[str, str], name: str) -> date | None:
    """A day of a form, None when the field is empty. Raises BadInputError."""
    text = asked.get(name, "").strip()
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        found = date.min
    if found is not None and not 1970 <= found.year < 9999:
        raise BadInputError(f"{name} {text!r:.40}; expected a day like {now().date()}")
    return found


def moments(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The first moment of one day, and the one after the last of another."""
    since = None if first is None else datetime.combine(first, time.min, UTC)
    return since, None if last is None else datetime.combine(last, time.min, UTC) + _A_DAY
