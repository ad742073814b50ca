"""What `helpdesk faq import` and `helpdesk data import` share: comparing, storing, telling."""

from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.cli.common import say

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.records.files.faq_files import ReadAs
    from helpdesk.records.import_plan import ImportPlan
    from helpdesk.settings import Settings


def import_faq(
    settings: "Settings",
    database: "Database",
    *files: Path,
    skip_bad: bool,
    author: str,
    read_as: "ReadAs | None" = None,
    replace: bool = False,
    rename: bool = False,
    outside_as_entries: bool = False,
    dry_run: bool = False,
) -> None:
    """Store a FAQ's entries and say what changed. Raises BadRowsError unless what is bad may be skipped."""
    from helpdesk.records import audit_log
    from helpdesk.records.files.faq_files import ReadAs, read_faq
    from helpdesk.records.import_plan import make_plan, store_plan
    from helpdesk.records.import_report import reading
    from helpdesk.text import visible

    found = read_faq(*files, read_as=read_as or ReadAs()).redacted(settings.redactor)
    with database.read() if dry_run else database.write() as session:
        plan = make_plan(
            session, found, replaces=replace, renames=None if rename else (), outside=not outside_as_entries
        )
        if not dry_run:
            _require_good(plan, skip_bad=skip_bad)
            stored = store_plan(session, plan, author=visible(author)[:80])
            names = ", ".join(file.name for file in files)
            audit_log.note(session, "faq.imported", author=visible(author), subject=names, said=stored.sentence())
    if how := reading(found):
        say(f"read as {how}")
    say("nothing was written; the import would do this:" if dry_run else stored.sentence())
    _tell(plan)


def _require_good(plan: "ImportPlan", *, skip_bad: bool) -> None:
    from helpdesk.errors import BadRowsError

    offer = "; --rename makes it that one's new name"
    clashes = [(c.line, f"{c.slug} {c.reason}{offer if c.renames else ''}") for c in plan.clashes]
    bad = [*plan.bad_rows, *clashes]
    if bad and not skip_bad:
        raise BadRowsError(bad)
    for line, reason in bad:
        say(f"skipped line {line}: {reason}", err=True)


def _tell(plan: "ImportPlan") -> None:
    from helpdesk.records.import_report import report_lines

    for line in report_lines(plan):
        say(line)
    if not plan.changes_anything:
        say("nothing changes")
