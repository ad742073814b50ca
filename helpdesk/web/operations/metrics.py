"""Figures for Prometheus, read from the database at each scrape: it does not matter which worker answers."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import accumulate

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind
from helpdesk.errors import UnavailableError
from helpdesk.records import cases, heartbeats, nights, shared_counts, versions
from helpdesk.records.clock import now
from helpdesk.records.day_totals import count_kinds
from helpdesk.records.deliveries import count_by_state
from helpdesk.records.queue_counts import queue_lengths
from helpdesk.records.tables import Label, Night
from helpdesk.serving.chat_service import ChatService
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, describes
from helpdesk.web.policy import public

VERDICTS = ("promoted", "kept", "failed")
SEEN = timedelta(minutes=1)
MOST_WAITING = 10_000
blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@public
@describes(Operation(None, media=CONTENT_TYPE_LATEST.partition(";")[0]))
def metrics() -> Response:
    """The text format of Prometheus; with the database down, what this process knows by itself."""
    registry = CollectorRegistry()
    registry.register(_Figures(service()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures:
    """One scrape, as prometheus_client asks for it."""

    def __init__(self, service: ChatService) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        writable = self._service.readiness.check().problem is None
        ready = writable and self._service.live.status().ready
        yield _gauge("ready", "Whether the process answers and stores messages, as /readyz says.", float(ready))
        found: list[Metric] = []
        try:
            with self._service.database.read() as session:
                found = list(_stored(session, review_below=self._service.settings.review_below))
        except UnavailableError:
            yield _gauge("database_up", "Whether the database answers.", 0)
            return
        yield _gauge("database_up", "Whether the database answers.", 1)
        yield _gauge("database_writable", "Whether the database takes messages.", float(writable))
        yield from found


def _night(night: Night | None) -> Iterator[Metric]:
    if night is not None:
        age = (now() - night.finished_at).total_seconds()
        yield _gauge("last_night_age_seconds", "Seconds since the last night ended.", age)
    chosen = GaugeMetricFamily(
        "helpdesk_last_night_verdict", "How the last night ended: 1 for its verdict.", labels=["verdict"]
    )
    for verdict in VERDICTS:
        chosen.add_metric([verdict], float(night is not None and night.verdict == verdict))
    yield chosen


def _stored(session: Session, *, review_below: float) -> Iterator[Metric]:
    yield from _night(nights.last_night(session))
    current = versions.current(session)
    since = now() - SEEN
    if current is not None:
        yield _gauge("version_in_service", "The version that is promoted.", current.version_id)
        refusing = heartbeats.processes_refusing(session, current.promotion_id, since=since)
        yield _gauge("promotion_refused_processes", "Processes that could not load the promoted version.", refusing)
    serving = GaugeMetricFamily("helpdesk_serving_processes", "Processes by version.", labels=["version"])
    for version_id, count in heartbeats.processes_by_version(session, since=since).items():
        serving.add_metric([str(version_id)], count)
    yield serving
    decided = count_kinds(session)
    yield _counter(
        "messages", "Messages by decision.", "decision", {kind: decided.get(kind, 0) for kind in DecisionKind}
    )
    backlog = cases.read_backlog(session)
    yield _gauge("cases_open", "Cases that nobody has taken.", backlog.count)
    waited = 0.0 if backlog.oldest is None else (now() - backlog.oldest).total_seconds()
    yield _gauge("oldest_open_case_age_seconds", "Seconds that the oldest of them waits; 0 without one.", waited)
    labels = select(Label.kind, func.count()).where(Label.undone_at.is_(None)).group_by(Label.kind)
    yield _by("labels", "Labels that count, by kind.", "kind", dict(session.execute(labels).tuples().all()))
    yield _by("deliveries", "Cases and replies to other systems.", "state", count_by_state(session))
    yield _by(
        "queue_length",
        f"Texts that wait for a label, of each decision at most {MOST_WAITING:,}.",
        "decision",
        queue_lengths(session, review_below=review_below, most=MOST_WAITING),
    )

    yield _counter(
        "kept_out",
        "Messages that did not count as demand, by reason.",
        "reason",
        dict.fromkeys(("flood", "repeated"), 0) | shared_counts.kept_out(session),
    )
    yield _latencies(session)


def _latencies(session: Session) -> Metric:
    """Cumulative counts, as Prometheus has them."""
    family = HistogramMetricFamily("helpdesk_stage_seconds", "Seconds of a message by stage.", labels=["stage"])
    bounds = [*map(str, shared_counts.BOUNDS), "+Inf"]
    for stage, (counts, seconds) in shared_counts.latencies(session).items():
        family.add_metric([stage], list(zip(bounds, accumulate(counts), strict=True)), seconds)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"helpdesk_{name}", text, value=value)


def _by(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"helpdesk_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counter(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"helpdesk_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
