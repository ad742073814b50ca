"""The report: how the desk does, from counts of all traffic, the audit sample, and the history of nights."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from helpdesk.records import audit, names, nights, traffic
from helpdesk.records.candidate_report import ThresholdsReport
from helpdesk.records.clock import now
from helpdesk.records.roles import Role
from helpdesk.records.tables import Night
from helpdesk.stats import audit_estimates as estimates
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import as_banner
from helpdesk.web.staff.version_comparison import read_versions

NIGHTS_SHOWN = 90
LISTED = 14
TOP = 8
blueprint = Blueprint("report", __name__, url_prefix="/desk/report")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """Thirty days of traffic, and the nights."""
    settings, since = service().settings, now() - audit.AUDIT_WINDOW
    with service().database.read() as session:
        sample = audit.read_sample(session, since=since, review_below=settings.review_below)
        history = nights.list_nights(session, limit=NIGHTS_SHOWN)
        drift, questions = _drift(history), _questions(session)
        facts = {
            "outcomes": traffic.count_outcomes(session, since=since),
            "gaps": traffic.content_gaps(session, since=since, limit=TOP),
            "asked": traffic.most_asked(session, since=since, limit=TOP),
            "questions": questions,
            "versions": read_versions(session, settings.home, history[-1], questions=questions) if history else None,
            "clusters": _clusters(session, drift),
            "waiting": audit.audit_queue_length(session, since=since),
        }
    return render_template(
        "report.html",
        **facts,
        days=audit.AUDIT_WINDOW.days,
        wrong=estimates.wrong_answers(sample),
        outside=estimates.out_of_scope(sample),
        thresholds=_thresholds(),
        contract=estimates.contract(sample, max_wrong_rate=settings.max_wrong_rate, assurance=settings.assurance),
        drift=drift,
        nights=history,
        latest=history[: -LISTED - 1 : -1],
        night=as_banner(history[-1]) if history else None,
        percent=percent,
        visible=visible,
    )


@blueprint.get("/nights.svg")
@requires(Role.VIEWER)
def curve() -> Response:
    """The curve of nights."""
    from helpdesk.web.staff.night_chart import draw_nights

    with service().database.read() as session:
        history = nights.list_nights(session, limit=NIGHTS_SHOWN)
    picture = draw_nights(history, max_wrong_rate=service().settings.max_wrong_rate)
    return Response(picture, content_type="image/svg+xml; charset=utf-8")


def _thresholds() -> ThresholdsReport | None:
    """What the thresholds in service rest on, None where nothing serves or an older version does not say."""
    live = service().live.take()
    report = live.matcher.bundle.manifest.get("report", {}).get("thresholds") if live else None
    return ThresholdsReport.model_validate(report) if report else None


def percent(share: float | None) -> str:
    """A share for people: `4.2%`, `63%`, a dash for None. Small ones keep a decimal."""
    if share is None:
        return "–"
    return f"{share:.1%}" if 0 < share < 0.0995 else f"{share:.0%}"


def _drift(history: list[Night]) -> dict[str, Any] | None:
    """What the newest night that came to its end says of drift."""
    found = (night.figures["drift"] for night in reversed(history) if "drift" in night.figures)
    return next(found, None)


def _clusters(session: Session, drift: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The groups of unanswered texts, with those of their examples that are still stored."""
    groups = drift["clusters"] if drift else []
    texts = traffic.messages_by_id(session, [number for group in groups for number in group["message_ids"]])
    shown = [group | {"examples": [(n, texts[n]) for n in group["message_ids"] if n in texts]} for group in groups]
    return [group for group in shown if group["examples"]][:TOP]


def _questions(session: Session) -> dict[str, str]:
    return names.questions(session)
