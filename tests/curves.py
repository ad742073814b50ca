"""The curve of nights counted anew: from messages, decisions, labels and promotions, not from what a run reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind
from helpdesk.records.labels import labels_given
from helpdesk.records.tables import DecisionRow, Message, Night, Promotion
from helpdesk.simulation.hidden import as_shares, wrong_shares


@dataclass(frozen=True)
class Point:
    """One night: its verdict, what serves since, and since the night before: messages and direct answers.

    labels: how many were given so far, labels given again included; figures: what was noted beside the night.
    """

    verdict: str
    kind: str | None
    reason: str
    version: int | None
    labels: int
    messages: int
    answered: int
    figures: dict[str, Any]


def read_curve(session: Session) -> list[Point]:
    """Every night but the one that built the first version, oldest first."""
    nights = session.scalars(select(Night).order_by(Night.id)).all()
    return [_point(session, before, night) for before, night in pairwise(nights)]


def _point(session: Session, before: Night, night: Night) -> Point:
    decided = _decided(session, before.started_at, night.started_at)
    return Point(
        verdict=night.verdict,
        kind=night.promoted_kind,
        reason=night.reason,
        version=_serving(session, night.finished_at),
        labels=labels_given(session, night.finished_at),
        messages=sum(kind != DecisionKind.SMALLTALK for kind in decided),
        answered=sum(kind == DecisionKind.ANSWER for kind in decided),
        figures=night.figures,
    )


def _decided(session: Session, since: datetime, until: datetime) -> Sequence[str]:
    query = select(DecisionRow.kind).join(Message, Message.id == DecisionRow.message_id)
    return session.scalars(query.where(Message.created_at > since, Message.created_at <= until)).all()


def _serving(session: Session, moment: datetime) -> int | None:
    query = select(Promotion.version_id).where(Promotion.created_at <= moment)
    return session.scalar(query.order_by(Promotion.id.desc()).limit(1))


def recomputed(points: Sequence[Point]) -> list[dict[str, Any]]:
    """The rows of an arm's nights, but for the seconds, from what its database says."""
    return [
        {
            "night": number,
            **as_shares(point.figures["hidden_test"]),
            "verdict": point.verdict,
            "kind": point.kind,
            "reason": point.reason,
            "version": point.version,
            "labels": point.labels,
            "traffic_coverage": point.answered / point.messages if point.messages else None,
            **wrong_shares(test=point.figures["hidden_test"], day=point.figures["day"]),
        }
        for number, point in enumerate(points, 1)
    ]
