"""The report: how the desk does, from counts of all traffic, the audit sample, and the history of nights."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import audit, labels, nights, traffic
from helpdesk.records.candidate_report import ThresholdsReport
from helpdesk.records.day_counts import by_day, outcomes, read_channels
from helpdesk.records.files.spreadsheets import write_table
from helpdesk.records.roles import Role
from helpdesk.records.tables import Night
from helpdesk.stats import audit_estimates as estimates
from helpdesk.stats.audit_estimates import Audited
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import as_banner
from helpdesk.web.staff.reasons import CASE_REASONS
from helpdesk.web.staff.report_facts import FAQ_SORTS, NIGHTS_SHOWN, Facts, promises
from helpdesk.web.staff.report_files import TABLES
from helpdesk.web.staff.report_period import PRESETS, Chosen, chosen
from helpdesk.web.staff.version_comparison import read_versions
from helpdesk.web.staff.volume_chart import draw_volume

LISTED = 14
TOP = 8
FAQS_SHOWN = 15
blueprint = Blueprint("report", __name__, url_prefix="/desk/report")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """The traffic of a period, by default thirty days, and the nights."""
    asked, sort = chosen(request.args), request.args.get("sort", "asked")
    if sort not in FAQ_SORTS:
        raise BadInputError(f"sort {sort!r:.40}; expected one of {', '.join(FAQ_SORTS)}")
    with service().database.read() as session:
        facts = _read(session, asked, sort)
        history = facts["nights"]
        drift, questions = _drift(history), facts["questions"]
        facts["versions"] = read_versions(session, history[-1], questions=questions) if history else None
        facts["clusters"] = _clusters(session, drift)
        facts["channels"] = read_channels(session)
    phrases = facts["phrases"]
    return render_template(
        "report.html",
        **facts,
        **_estimates(facts["sample"]),
        asked=asked,
        sort=sort,
        presets=PRESETS,
        promises=promises(service().live.take(), phrases),
        thresholds=_thresholds(),
        drift=drift,
        latest=history[: -LISTED - 1 : -1],
        night=as_banner(history[-1]) if history else None,
        may_label=current_user.role.may(Role.LABELLER),
        csv=_csv_address,
        percent=percent,
        visible=visible,
    )


@blueprint.get("/<name>.csv")
@requires(Role.VIEWER)
def table(name: str) -> Response:
    """One table of the report as a file, whole. Raises NotFoundError."""
    if name not in TABLES:
        raise NotFoundError(f"no table {name!r:.40}; expected one of {', '.join(TABLES)}")
    asked = chosen(request.args)
    with service().database.read() as session:
        text = write_table(*TABLES[name](Facts(session, asked), service().live.take()))
    response = Response(text, content_type="text/csv; charset=utf-8")
    file = f"helpdesk-{name}-{asked.first}-{asked.last}.csv"
    response.headers["Content-Disposition"] = f"attachment; filename={file}"
    return response


@blueprint.get("/nights.svg")
@requires(Role.VIEWER)
def curve() -> Response:
    """The curve of nights."""
    from helpdesk.web.staff.night_chart import draw_nights

    with service().database.read() as session:
        history = nights.list_nights(session, limit=NIGHTS_SHOWN)
    picture = draw_nights(history, max_wrong_rate=service().settings.max_wrong_rate)
    return Response(picture, content_type="image/svg+xml; charset=utf-8")


def _read(session: Session, asked: Chosen, sort: str) -> dict[str, Any]:
    facts = Facts(session, asked)
    counts, confusions, gaps = facts.counts(), facts.confusions(), facts.gaps(limit=TOP)
    faqs = facts.faqs(confusions, sort=sort)
    return {
        "outcomes": outcomes(counts),
        "volume": draw_volume(by_day(counts), first=asked.first, last=asked.last),
        "confusions": confusions[:TOP],
        "gaps": gaps,
        "cases": facts.cases(),
        "case_reasons": CASE_REASONS,
        "seen": labels.newest_labels(session, [gap.message_id for gap in gaps]),
        "faqs": faqs[:FAQS_SHOWN],
        "all_faqs": len(faqs),
        "agreement": facts.agreement(),
        "ratings": facts.ratings(),
        "sample": facts.sample(review_below=service().settings.review_below),
        "phrases": facts.phrases(),
        "questions": facts.questions(),
        "nights": facts.nights(),
    }


def _estimates(sample: Sequence[Audited]) -> dict[str, Any]:
    """What the audit sample says, and how many of its texts nobody has labelled."""
    settings = service().settings
    return {
        "wrong": estimates.wrong_answers(sample),
        "outside": estimates.out_of_scope(sample),
        "contract": estimates.contract(sample, max_wrong_rate=settings.max_wrong_rate, assurance=settings.assurance),
        "waiting": len({row.text for row in sample if row.meaning is None}),
        "audit_days": audit.AUDIT_WINDOW.days,
    }


def _csv_address(name: str) -> str:
    query: dict[str, Any] = {**chosen(request.args).query}
    return url_for("report.table", name=name, **query)


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
