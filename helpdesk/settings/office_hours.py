"""Office hours: on which days people are there, from when to when."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d?):(\d\d)-(\d\d?):(\d\d)")
_MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class OfficeHours:
    """Times of a week in one zone: (weekday from 0 for Monday, first minute of the day, minute after the last one)."""

    times: tuple[tuple[int, int, int], ...]
    zone: ZoneInfo

    def opens_after(self, moment: datetime) -> datetime | None:
        """When people are there again, in the office's zone; None when they are there at this moment."""
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if any(day == local.weekday() and first <= minute < end for day, first, end in self.times):
            return None
        dates = [local.date() + timedelta(days=days) for days in range(8)]
        openings = [
            datetime.combine(date, time(first // 60, first % 60), self.zone)
            for date in dates
            for day, first, _ in self.times
            if day == date.weekday()
        ]
        return min(opening for opening in openings if opening > local)


def read_office_hours(text: str, zone: str) -> OfficeHours:
    """`Mon-Fri 09:00-17:00, Sat 10:00-12:00` in a zone such as `Europe/Berlin`. Raises ValueError for anything else."""
    times = [found for part in text.split(",") for found in _read_part(part.strip())]
    return OfficeHours(tuple(sorted(times)), ZoneInfo(zone))


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
