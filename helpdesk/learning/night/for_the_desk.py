"""What a night prepares for the people at the desk: a queue scored by what serves, and the faults of the FAQ.

It runs after the night's row is stored; what fails here is told and costs nothing else.
"""

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.data_check.check import check_data as make_check
from helpdesk.learning.gate.replay_cache import ReplayVectors
from helpdesk.learning.night.steps import Step, try_each
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.decide import Decision, speak
from helpdesk.matching.matcher import Matcher
from helpdesk.progress import Quiet
from helpdesk.records import faq, now_answered, versions
from helpdesk.records.data_checks import read_data_check, store_data_check
from helpdesk.records.database import Database
from helpdesk.records.erasure import REPLAY_FOLDER
from helpdesk.records.names import current_names
from helpdesk.settings import Settings

MOST_SCORED = 3000  # texts: a minute or so
FEWEST_ENTRIES = 2


def prepare_desk(settings: Settings, database: Database, *, check_data: bool) -> list[str]:
    """Do both, or the first only; what could not be done, in words."""
    steps: dict[str, Step] = {"the queue was not scored again": score_queue}
    if check_data:
        steps["the data check was not made"] = check_faq
    return try_each(steps, settings, database)


def score_queue(settings: Settings, database: Database) -> tuple[int, int]:
    """Take texts out of the queue that the version in service answers surely, the 3,000 of most expected benefit.

    Those that left earlier and are not answered any more come back. Returns how many left and came back.
    """
    review_below = settings.review_below
    with database.read() as session:
        texts = now_answered.texts_to_score(session, review_below=review_below, limit=MOST_SCORED)
        serving = versions.current(session)
        names = current_names(session)
        entries = faq.list_intents(session, published_only=True)
        answered = {entry.slug for entry in entries if entry.answer.strip()}
        published = {entry.slug for entry in entries}
    if serving is None or not texts:
        return 0, 0
    bundle = open_bundle(settings.bundles / serving.directory, threads=settings.train_threads).renamed(names)
    typed = [text.typed for text in texts]
    matcher = Matcher(bundle, cache=ReplayVectors(settings.home / REPLAY_FOLDER, typed).of(bundle))
    decisions = matcher.match_all(typed, published=published)
    spoken = [speak(decision, answered=answered) for decision in decisions]
    answers = {
        text.text_key: (decision.intents[0], decision.confidence)
        for text, decision in zip(texts, spoken, strict=True)
        if _is_sure(decision, review_below)
    }
    with database.write() as session:
        current = versions.current(session)
        if current is None or current.promotion_id != serving.promotion_id:
            return 0, 0  # somebody put another version in service meanwhile
        return now_answered.store_answers(session, texts, answers)


def check_faq(settings: Settings, database: Database) -> None:
    """Check the data, unless nothing in it changed since the last check."""
    with database.read() as session:
        rows_hash = read_dataset(session).rows_hash
        last = read_data_check(session)
        known = last is not None and last.rows_hash == rows_hash
        entries = len(faq.list_intents(session, published_only=True))
    if known or entries < FEWEST_ENTRIES:
        return
    found = make_check(settings, database, progress=Quiet())
    with database.write() as session:
        store_data_check(session, found.as_dict(), rows_hash=found.rows_hash)


def _is_sure(decision: Decision, review_below: float) -> bool:
    certain = decision.confidence >= review_below or decision.reason == DecisionReason.EXACT
    return decision.kind == DecisionKind.ANSWER and bool(decision.intents) and certain
