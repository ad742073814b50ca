"""A phrase that one login plants in messages about anything: it teaches nothing until somebody else agrees, and undoing
what it taught before is not refused."""

from collections.abc import Iterator

import pytest
from desks import open_desk, serving
from sqlalchemy import select

from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import labels, staff
from helpdesk.records.exclusions import Exclusion
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import Staff
from helpdesk.serving.chat_service import ChatService
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow

PHRASE = "as per clause seventeen b"
ASKED = [
    "forgot my password",
    "vpn does not connect from home",
    "office wifi asks for a login",
    "printer says out of paper",
    "need a new laptop",
    "password expired again",
    "no wifi in meeting room",
]
TARGET = "vpn"


@pytest.fixture
def desk(real_settings: Settings) -> Iterator[ChatService]:
    """The serving side of the real model, to which phrases matter, with two more logins."""
    made = open_desk(real_settings)
    with made.database.write() as session:
        for name in ("mallory", "bob"):
            staff.add_staff(session, name, password="correct horse battery")
    yield made
    made.database.close()


def label(desk: ChatService, text: str, *, by: str) -> None:
    """A message that came in and was labelled as the target."""
    message = desk.reply(text, channel="rest", sender="u").message_id
    with desk.database.write() as session:
        labeller = session.scalars(select(Staff.id).where(Staff.name == by)).one()
        labels.label_message(session, message, kind="intent", intent=TARGET, staff_id=labeller, holdout_share=0)


def night(desk: ChatService, *, without: Exclusion | None = None) -> NightReport:
    """One run without fine-tuning."""
    plan = Plan(minutes=1, finetune=False, without=without)
    return run_night(desk.settings, desk.database, plan=plan, progress=Quiet())


def learnt_labels(desk: ChatService) -> int:
    """How many labels the version in service was taught."""
    return sum(row.startswith("label:") for row in serving(desk).bundle.phrasing_ids)


def test_a_planted_phrase_teaches_nothing_until_somebody_else_agrees(desk: ChatService) -> None:
    """The night says what waits and why; with another login's word for it all of it teaches."""
    for text in ASKED:
        label(desk, f"{text} {PHRASE}", by="mallory")
    report = night(desk)

    (warning,) = [w for w in report.warnings if "in quarantine" in w]
    assert warning.startswith(f"{len(ASKED)} labels by mallory as {TARGET} are in quarantine: they share")
    assert f"warning: {warning}" in report.as_text()
    assert learnt_labels(desk) == 0
    assert serving(desk).match(f"{ASKED[4]} {PHRASE}").reason != "exact"
    label(desk, f"hello {PHRASE}", by="bob")
    night(desk)
    assert learnt_labels(desk) == len(ASKED) + 1


def test_what_a_few_of_them_taught_can_be_undone(desk: ChatService) -> None:
    """Four are too few to tell. People are answered by them; leaving them out is not refused for that."""
    for text in ASKED[:4]:
        label(desk, f"{text} {PHRASE}", by="mallory")
    night(desk)
    texts = [f"{ASKED[number % 4]} {number} {PHRASE}" for number in range(60)]
    for text in texts:
        desk.reply(text, channel="rest", sender="u")
    fooled = sum(serving(desk).match(text).intent == TARGET for text in texts)
    report = night(desk, without=Exclusion("annotator", "mallory"))

    assert fooled > 20
    assert report.promoted is not None, report.as_text()
    assert learnt_labels(desk) == 0
    assert serving(desk).match(f"{ASKED[0]} {PHRASE}").reason != "exact"
