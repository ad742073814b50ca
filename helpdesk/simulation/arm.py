"""One arm of a simulation: day after day messages come in by the webhook, labels by the desk, and nights go by."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from helpdesk.app import create_app
from helpdesk.errors import BusyError, HelpdeskError
from helpdesk.learning.gate.verdict import judge
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import Bundle
from helpdesk.progress import Quiet
from helpdesk.records import faq, nights, traffic
from helpdesk.records.clock import Clock, simulated_time
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.records.labels import labels_given
from helpdesk.serving.audit_sampler import AuditSampler
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.simulation.annotators import QUEUE, Annotators, hire
from helpdesk.simulation.broken import break_candidate, promote_always
from helpdesk.simulation.hidden import HiddenResult, HiddenTest, as_shares, count_wrong, wrong_shares
from helpdesk.simulation.options import Options
from helpdesk.simulation.script import Script
from helpdesk.text import humanise

if TYPE_CHECKING:
    from werkzeug.test import Client

Tell = Callable[[str], None]
WEBHOOK = "/webhooks/rest/webhook"
_OPENS, _DESK, _NIGHT = 8, 17, 26  # hours of a day


@dataclass(frozen=True)
class Kind:
    """How an arm learns: whether it retrains at all, whether the gate has a say, in which order labels are given."""

    name: str
    retrains: bool = True
    gated: bool = True
    order: str = QUEUE


@dataclass
class Played:
    """What came of an arm: the hidden test at the start and after each night, and one row of figures a night."""

    kind: Kind
    hidden: list[HiddenResult] = field(default_factory=list)
    versions: list[int | None] = field(default_factory=list)
    nights: list[dict[str, Any]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Stage:
    """Everything one arm is played with."""

    kind: Kind
    script: Script
    options: Options
    settings: Settings
    database: Database
    live: LiveMatcher
    client: "Client"
    annotators: Annotators
    test: HiddenTest
    clock: Clock
    began: datetime

    def set_clock(self, night: int, hour: int) -> None:
        """Simulated time never runs backwards, however long a night took."""
        self.clock.set(max(self.began + timedelta(days=night, hours=hour), self.clock.read()))

    def bundle(self) -> Bundle:
        """The bundle that serves."""
        live = self.live.take()
        if live is None:
            raise HelpdeskError(self.live.status().problem or "no version serves")
        return live.matcher.bundle

    def version(self) -> int | None:
        """The id of the version that serves."""
        return self.live.status().version_id


def play(
    kind: Kind,
    script: Script,
    options: Options,
    settings: Settings,
    *,
    began: datetime,
    quotas: Sequence[int] | None = None,
    tell: Tell,
) -> Played:
    """Play all nights in a home that holds the first version, made at `began`.

    `quotas` are the labels of each night, as in another arm.
    """
    played = Played(kind)
    with _stage(kind, script, options, settings, began) as stage:
        played.hidden.append(stage.test.measure(stage.bundle(), script.active(0)))
        played.versions.append(stage.version())
        for night in range(1, options.nights + 1):
            most = options.labels_per_night if quotas is None else quotas[night - 1]
            _play_night(stage, night, most, played)
            tell(_line(kind, options, played.nights[-1]))
    return played


@contextmanager
def _stage(kind: Kind, script: Script, options: Options, settings: Settings, began: datetime) -> Iterator[_Stage]:
    database = open_database(settings)
    try:
        with simulated_time() as clock:
            clock.set(began + timedelta(hours=_OPENS))
            live = LiveMatcher(database, settings)
            live.audit = AuditSampler(settings, chance=random.Random(f"{options.seed}:audit"))
            live.refresh()
            client = create_app(settings, live=live).test_client()
            annotators = hire(database, script, options, settings)
            test = HiddenTest(script.hidden)
            yield _Stage(kind, script, options, settings, database, live, client, annotators, test, clock, began)
    finally:
        database.close()


def _play_night(stage: _Stage, night: int, most: int, played: Played) -> None:
    started = monotonic()
    stage.set_clock(night, _OPENS)
    _edit_faq(stage, night)
    stage.live.refresh()
    for number, (text, _) in enumerate(stage.script.days[night - 1]):
        _send(stage.client, text, sender=f"person-{night}-{number}")
    stage.set_clock(night, _DESK)
    labelled = 0
    if stage.kind.retrains:
        labelled = stage.annotators.work(stage.database, night=night, order=stage.kind.order, most=most)
    stage.set_clock(night, _NIGHT)
    facts = _retrain(stage, night) if stage.kind.retrains else {"verdict": "kept", "kind": None, "reason": "no night"}
    stage.live.refresh()
    active = stage.script.active(night)
    if stage.version() != played.versions[-1] or active != stage.script.active(night - 1):
        played.hidden.append(stage.test.measure(stage.bundle(), active))
    else:
        played.hidden.append(played.hidden[-1])
    played.versions.append(stage.version())
    played.labels.append(labelled)
    played.nights.append(_figures(stage, night, facts, played, seconds=monotonic() - started))


def _edit_faq(stage: _Stage, night: int) -> None:
    """Entries appear with their first phrasings and vanish, as editors would have it."""
    came = stage.script.active(night) - stage.script.active(night - 1)
    went = stage.script.active(night - 1) - stage.script.active(night)
    with stage.database.write() as session:
        if came:
            faq.store_entries(session, entries(stage.script, came), author="editor", source="edit")
        for slug in sorted(went):
            faq.set_status(session, slug, status="draft", author="editor")


def entries(script: Script, intents: frozenset[str]) -> list[Entry]:
    """FAQ entries of some intents with the rows that they start from; one without an answer gets its name as one, since
    what is played is an FAQ that is spoken."""
    texts: dict[str, list[str]] = {intent: [] for intent in sorted(intents)}
    for text, intent in script.start:
        if intent in texts:
            texts[intent].append(text)
    written = script.written
    known = {slug: written.get(slug, Entry(slug)) for slug in texts}
    return [
        replace(known[slug], answer=known[slug].answer or humanise(slug), phrasings=tuple(found))
        for slug, found in texts.items()
    ]


def _send(client: "Client", text: str, *, sender: str) -> None:
    response = client.post(WEBHOOK, json={"sender": sender, "message": text})
    if response.status_code != 200:
        raise HelpdeskError(f"the webhook gave {response.status_code} for {text!r:.80}; expected 200")


def _retrain(stage: _Stage, night: int) -> dict[str, Any]:
    options = stage.options
    plan = Plan(
        minutes=options.minutes or stage.settings.train_minutes,
        finetune=options.finetunes(night),
        max_steps=options.max_steps,
    )
    gate = judge if stage.kind.gated else promote_always
    finish = break_candidate if options.breaks(night) else None
    try:
        run_night(stage.settings, stage.database, plan=plan, progress=Quiet(), gate=gate, finish=finish)
    except BusyError:
        raise
    except HelpdeskError as error:
        return {"verdict": "failed", "kind": None, "reason": f"{type(error).__name__}: {error}"[:500]}
    with stage.database.read() as session:
        row = nights.last_night(session)
    return {} if row is None else {"verdict": row.verdict, "kind": row.promoted_kind, "reason": row.reason}


def _figures(stage: _Stage, night: int, facts: dict[str, Any], played: Played, *, seconds: float) -> dict[str, Any]:
    """The row of a night; what only we know, that is what was wrong, is noted beside the night, from where the curve is
    drawn again."""
    columns = played.hidden[-1].columns()
    opened = stage.began + timedelta(days=night, hours=_OPENS)
    with stage.database.write() as session:
        row = nights.last_night(session)
        day = count_wrong(traffic.direct_answers(session, since=opened), stage.script.days[night - 1])
        if row is not None and stage.kind.retrains:
            nights.add_figures(session, row.id, hidden_test=columns, day=day)
        answered = traffic.count_outcomes(session, since=opened)
        total = labels_given(session, stage.clock.read())
    return {
        "night": night,
        **as_shares(columns),
        **facts,
        "version": stage.version(),
        "labels": total,
        "traffic_coverage": answered.coverage,
        **wrong_shares(test=columns, day=day),
        "seconds": round(seconds, 1),
    }


def _line(kind: Kind, options: Options, row: dict[str, Any]) -> str:
    shares = ", ".join(
        f"{row[name] or 0.0:.1%} {word}"
        for name, word in (("accuracy", "right"), ("coverage", "answered"), ("wrong_rate", "of them wrong"))
    )
    done = f"{row['verdict']}{' ' + row['kind'] if row['kind'] else ''}"
    return f"{kind.name} {row['night']}/{options.nights}: {shares}; {row['labels']} labels; {done}; {row['seconds']} s"
