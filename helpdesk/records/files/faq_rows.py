"""Rows of a FAQ file become entries. Every row that does not fit is reported with its line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from helpdesk.errors import BadRowsError
from helpdesk.records.faq import Entry
from helpdesk.records.files.cells import YES_OR_NO, cells_fault
from helpdesk.records.files.csv_files import BadRows
from helpdesk.records.files.faq_columns import LIST_FIELDS
from helpdesk.records.outside_examples import is_outside
from helpdesk.text import normalise, slugify

ENTRY_FIELDS: Final = ("question", "answer", "locale", "status")


@dataclass(frozen=True)
class FaqFile:
    """What a file holds: entries, each slug once, and the rows that could not be read.

    lines: where each entry begins, by slug. named: whether the file names its entries; without names they are known
    by their question. repeated: (line, text) of rows that say nothing but what earlier ones said. ignored: columns,
    keys and parts that were left out. notes: what else a reader should know.
    """

    entries: list[Entry]
    bad_rows: BadRows
    lines: Mapping[str, int] = field(default_factory=dict)
    named: bool = True
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    repeated: tuple[tuple[int, str], ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def redacted(self, redact: Callable[[str], str]) -> "FaqFile":
        """The same with what customers wrote redacted.

        That is the texts of a file with neither questions nor answers, which are messages that somebody labelled, and
        those of intents that are none of the FAQ.
        """
        messages_only = not any(entry.question or entry.answer for entry in self.entries)
        return replace(
            self,
            entries=[
                replace(entry, phrasings=tuple(map(redact, entry.phrasings)))
                if messages_only or is_outside(entry)
                else entry
                for entry in self.entries
            ],
            repeated=tuple((line, redact(text) if messages_only else text) for line, text in self.repeated),
        )

    def require_good(self) -> None:
        """Raise BadRowsError when any row is bad."""
        if self.bad_rows:
            raise BadRowsError(self.bad_rows)


@dataclass
class Drafts:
    """Entries that come in rows, one after the other."""

    by_slug: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    bad: BadRows = field(default_factory=list)
    repeated: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, cells: dict[str, Any]) -> None:
        """One row: cells by field. `wrong` says that it is none, and why. Without `intent` its question names it."""
        reason = cells.get("wrong") or cells_fault(cells)
        if not reason:
            name = cells.get("intent", cells.get("question", "")).strip()
            reason = self._contradiction(name, cells)
        if reason:
            self.bad.append((line, reason))
            return
        slug = slugify(name)
        known = slug in self.by_slug
        self.lines.setdefault(slug, line)
        draft = self.by_slug.setdefault(
            slug, {"phrasings": [], "keys": set(), "name": name if "intent" in cells else None}
        )
        said = {key: _tidy(cells[key]) for key in (*LIST_FIELDS, "urgent", *ENTRY_FIELDS) if cells.get(key)}
        phrasing = cells.get("phrasing") or ""
        if known and draft | said == draft and normalise(phrasing) in draft["keys"] | {""}:
            self.repeated.append((line, phrasing or cells.get("question") or name))
        draft |= said
        if phrasing:
            draft["phrasings"].append(phrasing)
            draft["keys"].add(normalise(phrasing))

    def _contradiction(self, name: str, cells: Mapping[str, Any]) -> str | None:
        draft = self.by_slug.get(slugify(name), {})
        for key in ("question", "answer"):
            if cells.get(key) and draft.get(key, _tidy(cells[key])) != _tidy(cells[key]):
                earlier = (
                    f"intent {draft['name']!r}" if "intent" in cells else f"the question {draft['question']!r:.80}"
                )
                return f"{key} {cells[key]!r:.80} differs from an earlier row of {earlier}"
        return None

    def entries(self) -> list[Entry]:
        """All of them, in the order in which they came."""
        return [
            Entry(
                slug,
                **{key: draft.get(key) for key in ENTRY_FIELDS},
                urgent=YES_OR_NO[draft["urgent"].casefold()] if "urgent" in draft else None,
                tags=tuple(draft["tags"]) if "tags" in draft else None,
                follow_ups=tuple(map(slugify, draft["follow_ups"])) if "follow_ups" in draft else None,
                phrasings=tuple(draft["phrasings"]),
                name=draft["name"],
            )
            for slug, draft in self.by_slug.items()
        ]


def _tidy(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
