"""A temporary helpdesk home, filled from labelled rows through the product's own import and learning path."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.decide import Decision
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records import conversations, labels, staff
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry, store_entries
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.night_report import NightReport
from helpdesk.settings import Settings, temporary_settings

Rows = Sequence[tuple[str, str]]


@contextmanager
def temporary_home(rows: Rows, *, keep: Path | None = None, **overrides: object) -> Iterator[tuple[Settings, Database]]:
    """Settings and database of a fresh home that holds these (text, intent) rows as its FAQ, first bundle built.

    `keep` names a folder that does not exist yet; the home is then made there and stays.
    """
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        Path(folder).mkdir(parents=True, exist_ok=keep is None)
        settings = temporary_settings(Path(folder), **overrides)
        database = open_database(settings)
        try:
            for _ in set_up(settings, database, starter_faq=False, progress=Bars()):
                pass
            with database.write() as session:
                store_entries(session, answered(entries(rows)), author="benchmark")
            night(settings, database, minutes=1, finetune=False)
            yield settings, database
        finally:
            database.close()


@contextmanager
def bench_home(train: Path, *, home: Path | None = None, **overrides: object) -> Iterator[tuple[Settings, Database]]:
    """A home of the rows of a file; `home` names where it is kept, so that the next run finds it built."""
    if home is None or not home.exists():
        with temporary_home(read_labelled(train), keep=home, **overrides) as made:
            yield made
        return
    settings = temporary_settings(home, **overrides)
    database = open_database(settings)
    try:
        yield settings, database
    finally:
        database.close()


def night(settings: Settings, database: Database, *, minutes: float, finetune: bool) -> NightReport:
    """One run of the nightly job, with its progress on standard error."""
    plan = Plan(minutes=minutes, finetune=finetune)
    return run_night(settings, database, plan=plan, progress=Bars())


def label_all(database: Database, rows: Sequence[tuple[str, str | None]], *, audited: bool = False) -> None:
    """Texts come in as messages that staff label, none held out: with an intent, or None for none of the FAQs.

    audited: they are an audit sample of everything that came in.
    """
    decision = Decision(DecisionKind.FALLBACK, (), (), DecisionReason.UNSURE)
    columns = decision.columns() | {"version_id": None, "inclusion_probability": 1.0 if audited else None}
    with database.write() as session:
        labeller = staff.add_staff(session, "benchmark", password="not a real login")
        for text, intent in rows:
            message = conversations.log_message(
                session, text, channel="benchmark", sender="benchmark", external_id=None, decision=columns
            )
            kind = "out_of_scope" if intent is None else "intent"
            labels.label_message(session, message, kind=kind, intent=intent, staff_id=labeller.id, holdout_share=0.0)


def answered(bare: Sequence[Entry]) -> list[Entry]:
    """The same entries, with their name as answer: without one, a service hands over what it matches."""
    return [replace(entry, answer=entry.slug) for entry in bare]


def entries(rows: Rows) -> list[Entry]:
    """(text, intent) rows as FAQ entries."""
    texts: dict[str, list[str]] = {}
    for text, intent in rows:
        texts.setdefault(intent, []).append(text)
    return [Entry(intent, phrasings=tuple(found)) for intent, found in texts.items()]
