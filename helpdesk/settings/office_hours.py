"""Office hours: on which days people are there, from when to when, and on which dates not."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d?):(\d\d)-(\d\d?):(\d\d)")
_MIDNIGHT = 24 * 60
_LOOKED_AHEAD = 2 * 366  # days
_LEAP_YEAR = 2000


@dataclass(frozen=True)
class OfficeHours:
    """Times of a week in one zone: (weekday from 0 for Monday, first minute of the day, minute after the last one).

    holidays: `2026-12-24` or, for every year, `12-25`: nobody is there.
    """

    times: tuple[tuple[int, int, int], ...]
    zone: ZoneInfo
    holidays: frozenset[str] = frozenset()

    def opens_after(self, moment: datetime) -> datetime | None:
        """When people are there again, in the office's zone; None when they are there at this moment, and when they are
        not there within two years."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if any(first <= minute < end for first, end in self._of(local.date())):
            return None
        for days in range(_LOOKED_AHEAD):
            day = local.date() + timedelta(days=days)
            for first, _ in self._of(day):
                opening = datetime.combine(day, time(first // 60, first % 60), self.zone)
                if opening > local:
                    return opening
        return None

    def _of(self, day: date) -> list[tuple[int, int]]:
        if not self.holidays.isdisjoint((day.isoformat(), f"{day:%m-%d}")):
            return []
        return [(first, end) for weekday, first, end in self.times if weekday == day.weekday()]


def read_office_hours(text: str, zone: str, holidays: str | None = None) -> OfficeHours:
    """`Mon-Fri 09:00-17:00, Sat 10:00-12:00` in a zone such as `Europe/Berlin`, but not on holidays such as
    `2026-12-24, 12-25`. Raises ValueError for anything else."""
    times = [found for part in text.split(",") for found in _read_part(part.strip())]
    return OfficeHours(tuple(sorted(times)), ZoneInfo(zone), read_holidays(holidays or ""))


def read_holidays(text: str) -> frozenset[str]:
    """Dates between commas, each `YYYY-MM-DD`, or `MM-DD` for every year. Raises ValueError for anything else."""
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    for part in found:
        try:
            day = date.fromisoformat(part if len(part) > len("12-25") else f"{_LEAP_YEAR}-{part}")
        except ValueError:
            day = None
        if day is None or part not in (day.isoformat(), f"{day:%m-%d}"):
            raise ValueError(
                f"{part!r:.40} found; expected dates such as 2026-12-24, or 12-25 for every year, between commas"
            )
    return found


def _read_part(part: str) -> list[tuple[int, int, int]]:
    found = _PART.fullmatch(part)
    days = [name.casefold() for name in found.group(1, 2) if name] if found else []
    if found is None or not set(days) <= set(_DAYS):
        raise ValueError(f"{part!r:.40} found; expected days and times such as Mon-Fri 09:00-17:00, between commas")
    from_hour, from_minute, to_hour, to_minute = map(int, found.group(3, 4, 5, 6))
    first, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or not first < end <= _MIDNIGHT:
        raise ValueError(f"{part!r:.40} found; expected an earlier and a later time of one day, 24:00 at most")
    start, stop = _DAYS.index(days[0]), _DAYS.index(days[-1])
    return [((start + step) % 7, first, end) for step in range((stop - start) % 7 + 1)]
