"""A month of the demo, day after day: messages come in, labels are given, the FAQ is edited, nights go by."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpdesk.demo.editing import EDITS_BY_DAY
from helpdesk.demo.labelling import Labellers
from helpdesk.demo.messages import Texts
from helpdesk.demo.people import EDITOR, LABELLER, LEAD, SECOND, change_people, sign_in
from helpdesk.demo.traffic import CONVERSATIONS, Traffic
from helpdesk.progress import Report
from helpdesk.records.clock import Clock, now
from helpdesk.records.database import Database
from helpdesk.records.night_report import VerdictReport
from helpdesk.serving.audit_sampler import AuditSampler
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

DAYS_PLAYED = 30
NIGHTS = range(3, DAYS_PLAYED, 5)  # a real one takes a minute; in these nothing is built, and their rows say so
_LAST_LABELS = DAYS_PLAYED - 2
_MORNING, _AFTERNOON, _NIGHT = timedelta(hours=9.5), timedelta(hours=16.5), timedelta(hours=26)
_MADE_UP = "nothing was built: this night is made up for the demo"


@dataclass(frozen=True)
class _Stage:
    settings: Settings
    database: Database
    live: LiveMatcher
    traffic: Traffic
    labellers: Labellers
    clock: Clock
    staff_ids: Mapping[str, int]

    def be(self, moment: datetime) -> None:
        """Let messages come until a moment, and be there."""
        self.traffic.play_until(moment)
        self.clock.set(max(moment, self.clock.read()))


def play_month(
    settings: Settings,
    database: Database,
    *,
    staff_ids: Mapping[str, int],
    began: datetime,
    clock: Clock,
    report: Report,
    conversations: int = CONVERSATIONS,
    nights: Collection[int] = NIGHTS,
) -> None:
    """Play from `began` to 30 days later, which is now, in a home that has a version. A month that begins on the same
    weekday is the same month again. staff_ids: of PEOPLE, by name; conversations: on a working day; nights: after which
    days there is one."""
    random.seed("demo")  # it shuffles the choices of clarifying questions
    ends = began + timedelta(days=DAYS_PLAYED)
    stage = _stage(settings, database, clock, staff_ids, conversations)
    for day in range(DAYS_PLAYED + 1):
        midnight = began.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day)
        _play_day(stage, day, midnight, ends=ends)
        if day in nights and midnight + _NIGHT < ends:
            _note_night(stage, midnight + _NIGHT)
        report("playing a month", day + 1, DAYS_PLAYED + 1)
    change_people(database)
    stage.traffic.play_until(ends)
    clock.set_right()
    stage.labellers.look()


def _stage(
    settings: Settings, database: Database, clock: Clock, staff_ids: Mapping[str, int], conversations: int
) -> _Stage:
    live = LiveMatcher(database, settings)
    live.audit = AuditSampler(settings, chance=random.Random("demo: audit"))
    live.refresh()
    texts = Texts(random.Random("demo: texts"))
    service = ChatService(database, live, settings)
    traffic = Traffic(service, texts, clock, random.Random("demo: traffic"), conversations=conversations)
    labellers = Labellers(database, settings, texts, random.Random("demo: labels"), staff_ids)
    return _Stage(settings, database, live, traffic, labellers, clock, staff_ids)


def _play_day(stage: _Stage, day: int, midnight: datetime, *, ends: datetime) -> None:
    """A day up to the moment at which the month ends."""
    stage.traffic.plan_day(midnight)
    if midnight + _MORNING < ends and day in EDITS_BY_DAY:
        stage.be(midnight + _MORNING)
        sign_in(stage.database, EDITOR)
        with stage.database.write() as session:
            EDITS_BY_DAY[day](session, stage.traffic.newest, stage.staff_ids[EDITOR])
        stage.live.refresh()
    if midnight + _AFTERNOON < ends and midnight.weekday() < 5 and day < _LAST_LABELS:
        stage.be(midnight + _AFTERNOON)
        for name in (LABELLER, SECOND, *([LEAD] if midnight.weekday() == 0 else [])):
            sign_in(stage.database, name)
        stage.labellers.work(day)


def _note_night(stage: _Stage, moment: datetime) -> None:
    """The row of a night that built nothing; what serves is measured as in any other night."""
    from helpdesk.learning.night.history import measure_night, write_night

    stage.be(moment)
    started = now()
    write_night(
        stage.database,
        {"refreshed": VerdictReport(promote=False, reasons=(_MADE_UP,))},
        started=started,
        kind=None,
        promoted=None,
        figures=measure_night(stage.settings, stage.database, {}, started=started),
        warnings=(),
    )
