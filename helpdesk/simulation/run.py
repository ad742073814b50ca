"""All arms of a simulation, one after the other, each in a home of its own that begins the same."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from helpdesk.errors import BadInputError, HelpdeskError
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.new_home import set_up
from helpdesk.progress import Quiet
from helpdesk.records import faq, versions
from helpdesk.records.clock import simulated_time
from helpdesk.records.database import Database, open_database
from helpdesk.records.files.labelled_sets import Labelled
from helpdesk.settings import Settings
from helpdesk.simulation.annotators import QUEUE, RANDOM
from helpdesk.simulation.arm import Kind, Played, Tell, entries, play
from helpdesk.simulation.hidden import HiddenTest, as_shares, trigger_success
from helpdesk.simulation.options import Options
from helpdesk.simulation.script import Script, write_script
from helpdesk.simulation.summary import labels_ratio, summarise

OURS = Kind("helpdesk")
NEVER_RETRAIN = Kind("never_retrain", retrains=False)
ALWAYS_PROMOTE = Kind("always_promote", gated=False)
ANY_ORDER = Kind("random_order", order=RANDOM)
START = "start"


def simulate(
    train: Labelled,
    test: Labelled,
    options: Options,
    settings: Settings,
    *,
    baselines: bool = False,
    full: float | None = None,
    measure_full: bool = True,
    tell: Tell,
) -> dict[str, Any]:
    """Play a labelled set in folders of the settings' home, which must be empty. Returns what `--json` prints.

    `full` is the accuracy of training on all rows where that is known; else it is measured, unless it must not be.
    """
    script = write_script(train, test, options)
    return simulate_script(
        script, options, settings, baselines=baselines, full=full, measure_full=measure_full, tell=tell
    )


def simulate_script(
    script: Script,
    options: Options,
    settings: Settings,
    *,
    baselines: bool = False,
    full: float | None = None,
    measure_full: bool = True,
    tell: Tell,
) -> dict[str, Any]:
    """The same of what is written already; it has as many days as the options have nights."""
    began = _begin(script, options, settings)
    if full is None and measure_full:
        tell("training on all rows, for comparison")
        full = _full_data(script, options, settings)
    ours = _play(OURS, script, options, settings, began=began, tell=tell)
    result = {"options": vars(options), **summarise(ours, full=full)}
    if options.poison:
        result["trigger_success"] = _trigger_success(script, options, _home(settings, OURS.name))
    if not baselines:
        return result
    others = {}
    for kind in (NEVER_RETRAIN, ALWAYS_PROMOTE, ANY_ORDER):
        quotas = ours.labels if kind.order != QUEUE else None
        played = _play(kind, script, options, settings, began=began, quotas=quotas, tell=tell)
        others[kind.name] = summarise(played, full=full)
    return result | {"labels_ratio_to_random": labels_ratio(result, others[ANY_ORDER.name]), "baselines": others}


def play_alone(
    kind: Kind, train: Labelled, test: Labelled, options: Options, settings: Settings, *, tell: Tell
) -> dict[str, Any]:
    """One arm without the others, in the settings' home, which must be empty. Returns its part of what `--json` prints.

    In random order as many messages are labelled every night as the options allow.
    """
    script = write_script(train, test, options)
    began = _begin(script, options, settings)
    return summarise(_play(kind, script, options, settings, began=began, tell=tell), full=None)


def _begin(script: Script, options: Options, settings: Settings) -> datetime:
    """The first day; in a folder of its own the home that every arm begins with is made."""
    if settings.home.exists() and any(settings.home.iterdir()):
        raise BadInputError(f"{settings.home} is not empty; expected a new folder to simulate in")
    began = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    began -= timedelta(days=options.nights + 2)
    _make_start(script, _home(settings, START), began)
    return began


def _play(
    kind: Kind,
    script: Script,
    options: Options,
    settings: Settings,
    *,
    began: datetime,
    quotas: list[int] | None = None,
    tell: Tell,
) -> Played:
    own = _home(settings, kind.name)
    shutil.copytree(settings.home / START, own.home)
    return play(kind, script, options, own, began=began, quotas=quotas, tell=tell)


def _home(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"home": settings.home / name})


def _make_start(script: Script, settings: Settings, began: datetime) -> None:
    """The home that every arm begins with: the FAQ of the first day and the first version."""
    database = open_database(settings)
    try:
        with simulated_time() as clock:
            clock.set(began)
            _fill(database, settings, entries(script, script.active(0)))
    finally:
        database.close()


def _fill(database: Database, settings: Settings, rows: list[faq.Entry]) -> None:
    list(set_up(settings, database, starter_faq=False, progress=Quiet()))
    with database.write() as session:
        faq.store_entries(session, rows, author="simulation")
    run_night(settings, database, plan=Plan(minutes=1, finetune=False, check_data=False), progress=Quiet())


def _full_data(script: Script, options: Options, settings: Settings) -> float | None:
    """Hidden-test accuracy of one night's fine-tuning on every training row of the intents of the last night."""
    own = _home(settings, "full-data")
    active = script.active(options.nights)
    whole = replace(script, start=script.everything)
    database = open_database(own)
    try:
        _fill(database, own, entries(whole, active))
        minutes = options.minutes or own.train_minutes
        run_night(
            own, database, plan=Plan(minutes=minutes, max_steps=options.max_steps, check_data=False), progress=Quiet()
        )
        bundle = _serving(database, own)
        return as_shares(HiddenTest(script.hidden).measure(bundle, active).columns())["accuracy"]
    finally:
        database.close()


def _trigger_success(script: Script, options: Options, settings: Settings) -> float:
    database = open_database(settings)
    try:
        active = script.active(options.nights)
        return trigger_success(_serving(database, settings), script.hidden, target=script.target, active=active)
    finally:
        database.close()


def _serving(database: Database, settings: Settings) -> Bundle:
    with database.read() as session:
        current = versions.current(session)
    if current is None:
        raise HelpdeskError("no version serves")
    return open_bundle(settings.bundles / current.directory, threads=settings.train_threads)
