"""The versions of the last night side by side, as the report page shows them. From the night's stored report."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from helpdesk.records import nights
from helpdesk.records.flips import newest_messages
from helpdesk.records.labels import texts_of
from helpdesk.records.night_report import (
    Confusion,
    Explanation,
    FlipReport,
    IntentChange,
    IntentChanges,
    ObjectionReport,
    VerdictReport,
)
from helpdesk.records.tables import Night
from helpdesk.web.staff.changes import said

FLIPS, ROWS = 10, 5


def read_versions(session: Session, night: Night, *, questions: Mapping[str, str]) -> dict[str, Any] | None:
    """Columns of the table, and per candidate what changes; None when that night compared nothing.

    FAQs are named by their questions. Messages that are not stored any more are left out.
    """
    report = nights.read_report(session, night)
    if report is None or report.explanation is None or len(report.explanation.versions) < 2:
        return None
    found = report.explanation
    names = {**questions, "": "out of scope"}
    candidates = [_candidate(session, kind, verdict, names) for kind, verdict in report.verdicts.items()]
    for candidate in candidates:
        candidate |= _changes(found, candidate["kind"], names)
    return {"columns": found.versions, "candidates": candidates}


def _candidate(session: Session, kind: str, verdict: VerdictReport, names: Mapping[str, str]) -> dict[str, Any]:
    flips = [flip for flip in verdict.replay.flips if flip.truth is None] if verdict.replay is not None else []
    stored = newest_messages(session, [flip.text_key for flip in flips])
    return {
        "kind": kind,
        "promote": verdict.promote,
        "reasons": verdict.reasons,
        "proofs": [_proof(session, objection) for objection in verdict.objections if objection.rows],
        "replay": verdict.replay,
        "flips": [_flip(flip, stored[flip.text_key], names) for flip in flips if flip.text_key in stored][:FLIPS],
    }


def _proof(session: Session, objection: ObjectionReport) -> dict[str, Any]:
    texts = texts_of(session, objection.rows[:ROWS])
    return {"rule": objection.rule, "texts": list(texts.values()), "more": len(objection.rows) - len(texts)}


def _flip(flip: FlipReport, message_id: int, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "text": flip.text,
        "count": flip.count,
        "before": said(flip.before, names),
        "after": said(flip.after, names),
    }


def _changes(found: Explanation, kind: str, names: Mapping[str, str]) -> dict[str, Any]:
    intents = found.intents.get(kind, IntentChanges())

    def named(row: IntentChange | Confusion) -> dict[str, Any]:
        facts = row.model_dump()
        return facts | {key: names.get(facts[key], facts[key]) for key in ("intent", "chosen") if key in facts}

    return {
        "gains": [named(row) for row in intents.gains[:ROWS]],
        "losses": [named(row) for row in intents.losses[:ROWS]],
        "confusions": [named(row) for row in found.confusions.get(kind, ())[:ROWS]],
    }
