"""A real log as what happens in a simulation: its own messages in their own order, from a FAQ that is given."""

from collections.abc import Sequence
from itertools import pairwise

from helpdesk.errors import BadInputError
from helpdesk.records.faq import Entry
from helpdesk.records.files.labelled_sets import Labelled
from helpdesk.records.files.traffic_logs import Asked
from helpdesk.simulation.script import Script, Span
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key


def script_of_log(entries: Sequence[Entry], traffic: Sequence[Asked], test: Sequence[Asked], *, nights: int) -> Script:
    """The days of the log, or as many equal portions as nights where it names none. Nothing is drawn or left out.

    Raises BadInputError when FAQ or log is too small.
    """
    if len(entries) < 2:
        raise BadInputError(f"the FAQ has {len(entries)} published entries; expected two or more")
    if all(asked.intent == OUT_OF_SCOPE for asked in test):
        raise BadInputError(f"none of the {len(test)} test rows means an entry of the FAQ; expected some")
    days = _days(traffic) if traffic[0].day is not None else _portions(traffic, nights)
    truth: dict[str, str] = {}
    for asked in traffic:
        truth.setdefault(text_key(normalise(asked.text)), asked.intent)
    start = [(text, entry.slug) for entry in entries for text in entry.phrasings]
    inside = [(a.text, a.intent) for a in traffic if a.intent == truth[text_key(normalise(a.text))] != OUT_OF_SCOPE]
    return Script(
        start=start,
        days=days,
        spans={entry.slug: Span(0, len(days)) for entry in entries},
        truth=truth,
        hidden=_rows(test),
        everything=[*start, *inside],
        target=entries[0].slug,
        written={entry.slug: entry for entry in entries},
    )


def known_in_advance(script: Script) -> int:
    """How many hidden rows have a text that the FAQ or the traffic holds too."""
    seen = {normalise(text) for text, _ in script.start}
    seen |= {normalise(text) for day in script.days for text, _ in day}
    return sum(normalise(text) in seen for text, _ in script.hidden)


def _days(traffic: Sequence[Asked]) -> tuple[Labelled, ...]:
    """The messages of each day, days as they appear first."""
    found: dict[str | None, list[Asked]] = {}
    for asked in traffic:
        found.setdefault(asked.day, []).append(asked)
    return tuple(_rows(day) for day in found.values())


def _portions(traffic: Sequence[Asked], nights: int) -> tuple[Labelled, ...]:
    """Portions whose sizes differ by one at most."""
    if len(traffic) < nights:
        raise BadInputError(f"{len(traffic)} messages for {nights} nights; expected one each, or a column day")
    ends = [len(traffic) * night // nights for night in range(nights + 1)]
    return tuple(_rows(traffic[first:last]) for first, last in pairwise(ends))


def _rows(asked: Sequence[Asked]) -> Labelled:
    return [(message.text, message.intent) for message in asked]
