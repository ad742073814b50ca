"""The live matcher of one process: which bundle serves, which FAQ entries are published, kept fresh by a poll."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from helpdesk.errors import BundleError, HelpdeskError, NoVersionError, UnavailableError
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.choices import question_words
from helpdesk.matching.decide import Decision, speak
from helpdesk.matching.known_texts import Additions
from helpdesk.matching.matcher import Matcher
from helpdesk.matching.small_talk import small_talk
from helpdesk.records import faq, heartbeats, versions
from helpdesk.records.database import Database
from helpdesk.records.names import current_names
from helpdesk.records.newest import Newest, newest
from helpdesk.serving.addition_vectors import AdditionVectors
from helpdesk.serving.audit_sampler import AuditSampler
from helpdesk.serving.day_additions import Added, encodable, match_exactly, match_nearly, read_changes
from helpdesk.serving.entries import FaqEntry, read_entries
from helpdesk.serving.heartbeats import HeartbeatKeeper
from helpdesk.serving.memory import give_back_memory
from helpdesk.serving.node_bundles import PATIENCE, STARTING_PATIENCE, NodeBundles
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key
from helpdesk.threads import start_thread

log = logging.getLogger(__name__)
_NO_REVISION = -1  # the FAQ of a bundle just opened is still to be encoded


@dataclass(frozen=True)
class Live:
    """Everything one request needs, taken once: bundle, published FAQ and additions belong together."""

    version_id: int
    promotion_id: int
    matcher: Matcher
    faq_revision: int
    faq: dict[str, FaqEntry]
    additions: Additions
    question_words: frozenset[str] = frozenset()  # of the entries' questions, of those that are not published too
    names: Mapping[str, str] = field(default_factory=dict)  # former name of an entry -> that of today
    answered: frozenset[str] = frozenset()  # the published entries that have an answer text

    def match(self, text: str) -> Decision:
        """Decide one message among the published entries."""
        return self.spoken(self.matcher.match(text, published=self.faq.keys(), additions=self.additions))

    def match_all(self, texts: Sequence[str]) -> list[Decision]:
        """What `match` decides about each text, encoded in batches."""
        decisions = self.matcher.match_all(texts, published=self.faq.keys(), additions=self.additions)
        return [self.spoken(decision) for decision in decisions]

    def rank(self, text: str) -> Decision:
        """Decide one message, of letters or digits, by its meaning alone."""
        decision = self.matcher.rank(self._question(text), published=self.faq.keys(), additions=self.additions)
        return self.spoken(decision)

    def spoken(self, decision: Decision) -> Decision:
        """The decision, or a hand-over where it would be answered with an entry that has no answer text yet."""
        return speak(decision, answered=self.answered)

    def is_phrasing(self, text: str) -> bool:
        """Whether a text is a phrasing of the FAQ, word for word."""
        return bool(self.additions.having(text_key(self._question(text)), self.matcher.bundle))

    def is_published(self, text: str) -> bool:
        """Whether a text stands in the FAQ to the letter, as a phrasing or as a question that is shown."""
        read = normalise(text)
        having = self.additions.having(text_key(read), self.matcher.bundle)
        return bool(having) or any(normalise(entry.shown) == read for entry in self.faq.values())

    def _question(self, text: str) -> str:
        return self.matcher.question(text, published=self.faq.keys(), additions=self.additions)


class NodeState(StrEnum):
    """How one process does."""

    STARTING = "starting"  # nothing to answer with yet
    SERVING = "serving"
    LAGGING = "lagging"  # answers with what it has; what is newer could not be read or loaded


@dataclass(frozen=True)
class Status:
    """How this process does, which version it answers with, and what is wrong, for operators."""

    state: NodeState
    version_id: int | None
    problem: str | None

    @property
    def ready(self) -> bool:
        """Whether it can answer."""
        return self.state != NodeState.STARTING


class LiveMatcher:
    """Holds the `Live` of this process and replaces it by one assignment when something changed."""

    def __init__(self, database: Database, settings: Settings, *, once: bool = False) -> None:
        """once: for a text or two, so nothing is warmed and nothing drawn into the audit sample."""
        self._once = once
        self._database = database
        self._settings = settings
        self.audit = AuditSampler(settings)
        self._bundles = NodeBundles(database, settings)
        self._heartbeat = HeartbeatKeeper(database)
        self._vectors = AdditionVectors(database, settings.home)
        self._added: list[Added] = []  # what can be matched nearly
        self._unencoded = False  # whether nobody has encoded some of it
        self._live: Live | None = None
        self._has_versions = True  # until it is known that none was ever promoted
        self._problem: str | None = "not loaded yet"
        self._seen: Newest | None = None  # when everything was looked at last
        self._refused: tuple[int, str] | None = None
        self._stop = threading.Event()
        self._refreshing = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, *, alone: bool = True) -> None:
        """Load what serves now and keep following. Call after the fork. alone: no others are opened in this process."""
        self.refresh()
        if alone:
            give_back_memory()
        self._say_what_serves()
        self._thread = start_thread(self._follow, name="follow-promotions")

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=30)

    def take(self) -> Live | None:
        """The bundle to use for one request, None while there is none."""
        return self._live

    def take_if_set_up(self) -> Live | None:
        """The same, None only where no version was ever promoted. Raises NoVersionError where those that were cannot
        be used: then nobody may be told that a message was dealt with."""
        if self._live is None and self._has_versions:
            raise NoVersionError("no version can answer here at the moment; try again later")
        return self._live

    def catch_up(self, promotion_id: int) -> Live:
        """What answers in a conversation that was answered under a promotion which this process has not followed yet.

        It looks at once. Raises NoVersionError where it cannot follow and another process can; where none can, as the
        promoted bundle is damaged, the conversation goes on with what serves here.
        """
        self.refresh()
        live = self._live
        if live is not None and live.promotion_id >= promotion_id:
            return live
        with self._database.read() as session:
            others = heartbeats.serves(session, promotion_id)
        if live is None or others:
            raise NoVersionError("this conversation goes on in a version that does not serve here yet; try again")
        return replace(live, promotion_id=promotion_id)

    def status(self) -> Status:
        """Whether this process can answer, and what is wrong."""
        live, problem = self._live, self._problem
        if live is None:
            return Status(NodeState.STARTING, None, problem)
        return Status(NodeState.SERVING if problem is None else NodeState.LAGGING, live.version_id, problem)

    def refresh(self) -> None:
        """Look once for a promotion or an edited FAQ; whatever fails, what serves goes on serving."""
        with self._refreshing:
            try:
                self._refresh()
            except HelpdeskError as error:
                self._note(str(error))
            except Exception as error:
                log.exception("refresh failed")
                self._note(f"{type(error).__name__}: {error}")

    def _follow(self) -> None:
        serving = self._live
        while not self._stop.wait(0 if self._unencoded and self._problem is None else self._settings.poll_seconds):
            swapped = self._live is not serving
            if swapped:
                serving = self._live
                give_back_memory()
            self.refresh()
            self._say_what_serves()
            self._bundles.tidy(at_once=swapped)

    def _refresh(self) -> None:
        seen = newest(self._database)
        if seen == self._seen and self._problem is None and not (self._unencoded or self.audit.is_due):
            return
        with self._database.read() as session:
            current = versions.current(session)
            revision = faq.revision(session)
        self._has_versions = current is not None
        if current is None:
            raise BundleError("no version was promoted yet; run `helpdesk retrain`")
        try:
            if self._live is None or self._live.promotion_id != current.promotion_id:
                self._swap(current)
        finally:
            if self._live is not None and self._live.faq_revision != revision:
                self._live = replace(self._with_faq(self._live), faq_revision=revision)
            if self._live is not None and self._unencoded:
                self._encode_some(self._live)
            if not self._once:
                with self._database.read() as session:
                    self.audit.refresh(session)
        self._problem, self._seen = None, seen

    def _swap(self, current: versions.Current) -> None:
        """Put the current version in service. A bundle that was refused once is not opened again."""
        if self._refused is not None and self._refused[0] == current.promotion_id:
            raise BundleError(self._refused[1])
        live = self._live
        if live is not None and live.version_id == current.version_id:
            self._live = replace(live, promotion_id=current.promotion_id)
            return
        try:
            self._serve(current)
        except UnavailableError as error:
            if live is not None:
                raise
            raise UnavailableError(f"{error}; {self._fall_back(current, store=False)}") from error
        except BundleError as error:
            problem = str(error) if live is not None else f"{error}; {self._fall_back(current, store=True)}"
            self._refused = (current.promotion_id, problem)
            raise BundleError(problem) from error

    def _serve(self, version: versions.Current) -> None:
        patience = STARTING_PATIENCE if self._live is None else PATIENCE
        directory = self._bundles.folder(version.directory, patience=patience)
        bundle = open_bundle(directory, threads=self._settings.encoder_threads, whole=False, warm=not self._once)
        talk = small_talk(self._settings.languages)
        matcher = Matcher(bundle, cache_size=self._settings.vector_cache, talk=talk)
        if not self._once:
            matcher.warm()
        fresh = Live(version.version_id, version.promotion_id, matcher, _NO_REVISION, {}, Additions())
        self._live = self._with_faq(fresh)
        log.info("version %d serves", version.version_id)

    def _fall_back(self, current: versions.Current, *, store: bool) -> str:
        """Serve the newest kept version that opens instead of the current one. Returns which one, in words."""
        with self._database.read() as session:
            served = versions.served_before(session, current)
        kept = self._bundles.within_reach(store=store)
        for earlier in served:
            if earlier.directory in kept:
                try:
                    self._serve(earlier)
                except (BundleError, UnavailableError) as error:
                    log.error("version %d does not open either: %s", earlier.version_id, error)
                else:
                    return f"version {earlier.version_id} serves instead of version {current.version_id}"
        return "no kept version opens; `helpdesk versions verify` tells what is wrong with each"

    def _with_faq(self, live: Live) -> Live:
        """With the FAQ of now. What nobody has encoded yet matches exactly only: neither an edit nor a rollback waits
        for thousands of phrasings."""
        with self._database.read() as session:
            entries = read_entries(session)
            names = current_names(session)
            live = replace(live, names=names, matcher=live.matcher.renamed(names))
            changes = read_changes(session, live.matcher.bundle)
            questions = [*faq.read_questions(session), *(entry.shown for entry in entries.values())]
        self._added = encodable(changes.added, live.matcher.bundle)
        vectors = self._vectors.read(live.matcher.bundle, self._added)
        self._unencoded = any(row.text_key not in vectors for row in self._added)
        additions = match_nearly(match_exactly(changes), self._added, vectors)
        words = frozenset(word for question in questions for word in question_words(question))
        answered = frozenset(slug for slug, entry in entries.items() if entry.answer.strip())
        return replace(live, faq=entries, question_words=words, answered=answered, additions=additions)

    def _encode_some(self, live: Live) -> None:
        """Match a portion more of what was added nearly."""
        bundle = live.matcher.bundle
        self._unencoded = self._vectors.encode_some(bundle, self._added) > 0
        additions = match_nearly(live.additions, self._added, self._vectors.read(bundle, self._added))
        self._live = replace(live, additions=additions)

    def _say_what_serves(self) -> None:
        live = self._live
        self._heartbeat.say(
            version_id=None if live is None else live.version_id,
            refused_promotion_id=None if self._refused is None else self._refused[0],
            copies=self._bundles.copies(),
        )

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            log.error("%s", problem)
        self._problem = problem
