"""What an import changes, for people: the same groups on the page and on the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from helpdesk.records.files.decoding import ENCODINGS
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.files.grids import SEPARATORS
from helpdesk.records.import_matching import Clash
from helpdesk.records.import_plan import FieldChange, ImportPlan, PlannedEntry
from helpdesk.records.outside_examples import OutsideIntent
from helpdesk.text import counted, humanise

SHOWN_ON_LINES: Final = 20  # rows of a group on the command line
OUTSIDE_HINT: Final = "By their names none of the FAQ: they teach what is not answered, and become no entries."
_LONGEST: Final = 160  # characters of a text on the command line


@dataclass(frozen=True)
class ReportRow:
    """One entry, text or line. line: where in the file, 0 when nowhere. choice: what a person may untick."""

    line: int = 0
    slug: str = ""
    text: str = ""
    details: tuple[str, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    choice: str = ""


@dataclass(frozen=True)
class ReportGroup:
    """Rows with the same outcome."""

    key: str
    title: str
    hint: str
    rows: Sequence[ReportRow]


def report_groups(plan: ImportPlan) -> list[ReportGroup]:
    """All outcomes that there are, what needs somebody's eye first."""
    dropped = "They are removed." if plan.replaces else "They are kept."
    groups = [
        ReportGroup("bad", "Bad rows", "Left out.", [ReportRow(line, text=reason) for line, reason in plan.bad_rows]),
        ReportGroup("conflicting", "Conflicting entries", "Left out.", [_clash_row(clash) for clash in plan.clashes]),
        ReportGroup("renamed", "Renamed", "Same question, another name: the entry keeps everything.", _renamed(plan)),
        ReportGroup("changed", "Changed", "", [_changed_row(entry) for entry in plan.entries if entry.changes]),
        ReportGroup("new", "New", "", [_new_row(entry) for entry in plan.entries if entry.is_new]),
        ReportGroup("outside", "Out of scope", OUTSIDE_HINT, [_outside_row(intent) for intent in plan.outside]),
        ReportGroup("phrasings", "New phrasings", "Of entries that are there already.", _phrasings(plan)),
        ReportGroup("dropped", "Phrasings that the file does not have", dropped, _dropped(plan)),
        ReportGroup("shared", "Texts of several entries", "Whoever types one is asked which is meant.", _shared(plan)),
        ReportGroup("same", "Repeated rows", "An earlier row says the same.", _repeated(plan)),
        ReportGroup("ignored", "Not read", "", [ReportRow(text=what) for what in (*plan.ignored, *plan.notes)]),
        ReportGroup("unchanged", "Unchanged", "", [_row(e) for e in plan.entries if not e.differs]),
    ]
    return [group for group in groups if group.rows]


def report_lines(plan: ImportPlan) -> Iterator[str]:
    """The groups but unchanged entries, which are counted, as lines of plain text; long groups are cut."""
    if plan.absent:
        yield f"{counted(plan.absent, 'entry', 'entries')} that the file does not have: as before"
    for group in report_groups(plan):
        hint = f" {group.hint}" if group.hint else ""
        yield f"{group.title}: {len(group.rows):,}.{hint}"
        if group.key == "unchanged":
            continue
        for row in group.rows[:SHOWN_ON_LINES]:
            yield f"  {_line(row)}"
        if len(group.rows) > SHOWN_ON_LINES:
            yield f"  and {len(group.rows) - SHOWN_ON_LINES:,} more"


def reading(found: FaqFile) -> str:
    """How a file was read, in words; "" where there was nothing to find out."""
    parts = [
        ENCODINGS[found.encoding] if found.encoding else "",
        f"separated by {SEPARATORS[found.separator]}" if found.separator else "",
        f"sheet {found.sheet}" if found.sheet else "",
    ]
    return ", ".join(part for part in parts if part)


def _row(entry: PlannedEntry) -> ReportRow:
    return ReportRow(entry.line, entry.entry.slug, entry.question)


def _new_row(entry: PlannedEntry) -> ReportRow:
    details = [entry.entry.answer or "no answer yet: it is matched and never answered"]
    if entry.added:
        details.append(_count(len(entry.added), "phrasing"))
    if entry.entry.status == "draft":
        details.append("a draft")
    return ReportRow(entry.line, entry.entry.slug, entry.question, tuple(details))


def _changed_row(entry: PlannedEntry) -> ReportRow:
    return ReportRow(entry.line, entry.entry.slug, entry.question, changes=entry.changes)


def _outside_row(intent: OutsideIntent) -> ReportRow:
    details = [f"{counted(len(intent.added), 'new example')} of {len(intent.texts):,}"]
    if intent.answer:
        details.append("its answer is left out")
    return ReportRow(intent.line, intent.slug, "; ".join(intent.texts[:3]) or humanise(intent.slug), tuple(details))


def _renamed(plan: ImportPlan) -> list[ReportRow]:
    return [
        ReportRow(e.line, e.entry.slug, e.question, (f"{e.formerly} becomes {e.entry.slug}",), choice=e.entry.slug)
        for e in plan.entries
        if e.formerly
    ]


def _phrasings(plan: ImportPlan) -> list[ReportRow]:
    return [
        ReportRow(entry.line, entry.entry.slug, text)
        for entry in plan.entries
        if not entry.is_new
        for text in (*entry.added, *([entry.question] if entry.asked else []))
    ]


def _dropped(plan: ImportPlan) -> list[ReportRow]:
    return [ReportRow(slug=e.entry.slug, text=text) for e in plan.entries for _, text in e.dropped]


def _repeated(plan: ImportPlan) -> list[ReportRow]:
    return [ReportRow(line, text=text) for line, text in plan.repeated]


def _shared(plan: ImportPlan) -> list[ReportRow]:
    return [ReportRow(text=text.sentence()) for text in plan.shared]


def _clash_row(clash: Clash) -> ReportRow:
    offer = (f"{clash.other} could be renamed to {clash.slug}",) if clash.renames else ()
    return ReportRow(clash.line, clash.slug, clash.question, (clash.reason, *offer))


def _line(row: ReportRow) -> str:
    where = f"line {row.line}: " if row.line else ""
    name = f"{row.slug}: " if row.slug else ""
    changes = [f'{change.field} was "{_short(change.before)}", is "{_short(change.after)}"' for change in row.changes]
    more = "; ".join([*changes, *map(_short, row.details)])
    return f"{where}{name}{_short(row.text)}{f' ({more})' if more else ''}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
