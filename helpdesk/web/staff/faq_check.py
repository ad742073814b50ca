"""Faults of the FAQ, each with a button that mends it, and what the last data check found."""

from typing import Any

from flask import Blueprint, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records import faq_check
from helpdesk.records.data_checks import read_data_check
from helpdesk.records.lineage import origins
from helpdesk.records.roles import Role
from helpdesk.records.tables import DataCheck, Intent
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires

FAULTS_SHOWN = 50
FINDINGS_SHOWN = 100
blueprint = Blueprint("faq_check", __name__, url_prefix="/desk/faq")


@blueprint.get("/check")
@requires(Role.VIEWER)
def page() -> str:
    """What the database tells now, and what the last check by an encoder found."""
    with service().database.read() as session:
        found = faq_check.quick_check(session)
        checkup = _known(session, read_data_check(session))
    return render_template(
        "faq_check.html", found=found, checkup=checkup, most=FAULTS_SHOWN, fewest=faq_check.FEWEST_PHRASINGS,
        visible=visible,
    )  # fmt: skip


def _known(session: Session, last: DataCheck | None) -> dict[str, Any] | None:
    """The stored check with the entries and phrasings that its findings name, as far as they are there still."""
    if last is None:
        return None
    checkup = last.found
    findings = checkup["findings"][:FINDINGS_SHOWN]
    slugs = {slug for finding in findings for slug in finding["slugs"][:FAULTS_SHOWN]}
    rows = select(Intent.slug, Intent.id, Intent.question).where(Intent.slug.in_(slugs), Intent.status != "deleted")
    entries = {slug: (id_, question) for slug, id_, question in session.execute(rows)}
    texts = origins(session, {row for finding in findings for row in finding["rows"][:FAULTS_SHOWN]})
    shown = [
        {
            **finding,
            "entries": [(slug, *entries[slug]) for slug in finding["slugs"][:FAULTS_SHOWN] if slug in entries],
            "phrasings": [
                (row.partition(":")[2], texts[row].text, entries[str(texts[row].intent)][0])
                for row in finding["rows"][:6]
                if row in texts and row.startswith("phrasing:") and texts[row].intent in entries
            ],
        }
        for finding in findings
    ]
    return {**checkup, "at": last.checked_at, "findings": shown, "more": len(checkup["findings"]) - len(shown)}
