"""The month that `helpdesk demo` shows: something of everything, as real use would have left it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from homes import copy_home
from sqlalchemy import func, select

from helpdesk.demo.people import LABELLER, SECOND
from helpdesk.records import faq_delete, labels, queue
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import (
    CardLease,
    DecisionRow,
    FaqRevision,
    Intent,
    Label,
    Message,
    Night,
    Staff,
)
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Database]]:
    """The home of a demo in which little was asked."""
    settings = copy_home(demo_home, tmp_path_factory.mktemp("demo"))
    opened = open_database(settings)
    yield settings, opened
    opened.close()


def test_messages_come_over_thirty_days_and_not_later(demo: tuple[Settings, Database]) -> None:
    """More of them on working days, at the hours of working days, and several turns a conversation."""
    with demo[1].read() as session:
        moments = session.scalars(select(Message.created_at).order_by(Message.id)).all()
        turns = session.scalars(select(func.count(Message.id)).group_by(Message.conversation_id)).all()
    days = Counter(moment.date() for moment in moments)
    weekends = [count for day, count in days.items() if day.weekday() > 4]

    assert list(moments) == sorted(moments)
    assert moments[0] < now() - timedelta(days=28)
    assert moments[-1] <= now()
    assert max(weekends, default=0) < max(days.values())
    assert max(turns) > 2


def test_every_kind_of_decision_is_there(demo: tuple[Settings, Database]) -> None:
    """Choices from clarifying questions, small talk and wishes for a person too."""
    with demo[1].read() as session:
        kinds = set(session.scalars(select(DecisionRow.kind)))
        reasons = set(session.scalars(select(DecisionRow.reason)))

    assert kinds == {"answer", "clarify", "fallback", "handoff", "smalltalk"}
    assert {"choice", "none_of_these", "exact", "confident"} <= reasons


def test_several_people_label_and_do_not_always_agree(demo: tuple[Settings, Database]) -> None:
    with demo[1].read() as session:
        given = session.scalars(select(Label)).all()
        names = dict(session.execute(select(Staff.id, Staff.name)).tuples().all())
        waiting = queue.items(session, review_below=demo[0].review_below, limit=50)
        looked_at = session.scalars(select(CardLease)).all()
    kinds = Counter(label.kind for label in given)
    said = {(label.text_key, label.kind, label.intent_id) for label in given if label.kind in labels.TEACHING}
    texts = Counter(key for key, _, _ in said)

    assert {LABELLER, SECOND} <= {names[label.staff_id] for label in given}
    assert {"intent", "out_of_scope", "skip", "flag"} <= kinds.keys()
    assert all(label.note for label in given if label.kind == "flag")
    assert max(texts.values()) > 1
    assert len(waiting) > 5
    assert len(looked_at) == 1


def test_the_faq_has_a_past(demo: tuple[Settings, Database]) -> None:
    """Entries in every state, edits of two people, one of them taken back, and labels whose entry is gone."""
    with demo[1].read() as session:
        states = set(session.scalars(select(Intent.status)))
        actions = set(session.scalars(select(FaqRevision.action)))
        authors = set(session.scalars(select(FaqRevision.author)))
        stranded = faq_delete.count_stranded(session)

    assert states == {"published", "draft", "archived", "deleted"}
    assert {"created", "edited", "reverted", "archived", "deleted", "renamed"} <= actions
    assert {"Ines", "admin"} <= authors
    assert stranded


def test_made_up_nights_say_so(demo: tuple[Settings, Database]) -> None:
    """What they measured is real."""
    with demo[1].read() as session:
        nights = session.scalars(select(Night).where(Night.verdict == "kept")).all()

    assert nights
    assert all("made up" in night.reason and night.holdout_rows for night in nights)
