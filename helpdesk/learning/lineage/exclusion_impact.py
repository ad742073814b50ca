"""What leaving a source's rows out would change: which rows, and which decisions."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind
from helpdesk.learning.data.dataset import Dataset
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.matcher import Matcher
from helpdesk.records.clock import now
from helpdesk.records.conversations import recent_texts
from helpdesk.records.database import Database
from helpdesk.records.exclusions import Exclusion, exclude, matching_rows
from helpdesk.records.labels import texts_of
from helpdesk.records.lineage import origins
from helpdesk.records.night_report import DecisionChange, DecisionChanges, ExclusionImpact
from helpdesk.text import visible

RECENT = timedelta(days=30)
MOST_COMPARED = 1000
CHANGES_SHOWN = 20


def differences(
    database: Database,
    exclusion: Exclusion,
    incumbent: Bundle,
    *,
    candidates: Sequence[Bundle],
    dataset: Dataset,
) -> ExclusionImpact:
    """The rows left out, and per candidate the decisions that change, as ids: a report keeps no texts.

    Recent messages (30 days, the 1,000 texts asked most) are decided as people would be answered; held-out labels
    without exact matches, or each would match its own text.
    """
    with database.read() as session:
        rows = sorted(matching_rows(session, exclusion))
        recent = recent_texts(session, since=now() - RECENT, limit=MOST_COMPARED)
    published = dataset.questions.keys()

    def decide(bundle: Bundle) -> dict[str, Decision]:
        matcher = Matcher(bundle)
        said = {f"message:{number}": matcher.match(text, published=published) for number, text, _ in recent}
        vectors = bundle.encoder.encode([row.text for row in dataset.holdout])
        for row, vector in zip(dataset.holdout, vectors, strict=True):
            said[row.id] = matcher.decide_vector(vector, text=row.text, published=published)
        return said

    counts = {f"message:{number}": count for number, _, count in recent}
    before = decide(incumbent)
    changes = {str(bundle.manifest["kind"]): _changes(before, decide(bundle), counts) for bundle in candidates}
    return ExclusionImpact(
        without=str(exclusion), rows=len(rows), some_rows=tuple(rows[:CHANGES_SHOWN]), changes=changes
    )


def without_promotion(database: Database, exclusion: Exclusion, *, rests: bool) -> str:
    """What happens to rows that were to be left out for good when no candidate went live, in words.

    `rests`: whether the version in service was built from them. If not, they are left out all the same, or the next
    night would learn them.
    """
    if rests:
        return f"nothing was promoted, so the rows of {exclusion} are not left out"
    with database.write() as session:
        exclude(session, exclusion, author="command line")
    return f"the version in service was not built from the rows of {exclusion}; they are left out from now on"


def describe(session: Session, impact: ExclusionImpact) -> list[str]:
    """The same as lines of text, with the texts behind the ids."""
    shown = [change.row for found in impact.changes.values() for change in found.shown]
    texts = texts_of(session, shown)
    where = origins(session, impact.some_rows)
    lines = [f"left out: {impact.rows} rows ({impact.without})"]
    for row in where.values():
        by = f"{row.source} by {row.author} on {row.created_at:%Y-%m-%d %H:%M} UTC"
        meaning = "" if row.id.startswith("example:") else f" -> {row.intent or 'out of scope'}"
        lines.append(f'  {row.id} "{visible(row.text)}"{meaning}, {by}')
    for kind, found in impact.changes.items():
        lines.append(f"{kind}: {found.changed} of {found.compared} decisions change")
        for change in found.shown:
            text = visible(texts.get(change.row, ""))
            lines.append(f'  "{text}" ({change.row}, {change.count} x): {change.before} => {change.after}')
    return lines


def _changes(before: dict[str, Decision], after: dict[str, Decision], counts: dict[str, int]) -> DecisionChanges:
    changed = [
        DecisionChange(row=row, count=counts.get(row, 1), before=_said(before[row]), after=_said(after[row]))
        for row in before
        if _said(before[row]) != _said(after[row])
    ]
    return DecisionChanges(compared=len(before), changed=len(changed), shown=tuple(changed[:CHANGES_SHOWN]))


def _said(decision: Decision) -> str:
    return f"answer {decision.intent}" if decision.kind == DecisionKind.ANSWER else decision.kind
