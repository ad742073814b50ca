"""Why a message got its answer: the row that decided it, who added the row and when, and the answer without it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from helpdesk.decisions import PICKED, SMALL_TALK, DecisionKind, DecisionReason
from helpdesk.errors import BadInputError, BundleError
from helpdesk.learning.lineage.counterfactual import decide_without
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.matching.bundle_store import open_store
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Vectors
from helpdesk.matching.matcher import Matcher
from helpdesk.records import lineage, versions
from helpdesk.records.conversations import Logged, answered_intents, called_now, find_message
from helpdesk.records.database import Database
from helpdesk.records.faq import list_intents
from helpdesk.records.lineage import Provenance
from helpdesk.records.names import current_names
from helpdesk.records.tables import Version
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key

NOT_MATCHED: dict[str, str] = {
    **dict.fromkeys(PICKED.values(), "the person chose it from a clarifying question"),
    DecisionReason.GONE: "the person chose an entry that is not there any more",
    DecisionReason.COMMAND: "the message is a command of the widget",
    DecisionReason.NONE_OF_THESE: "the person chose none of the options of a clarifying question",
    DecisionReason.NO_SUCH_CHOICE: "the person named a choice that a clarifying question did not have",
    DecisionReason.EMPTY: "the message has no letters or digits",
    DecisionReason.NO_VERSION: "no version served yet",
    DecisionReason.ASKED: "the person asked for a person",
    **dict.fromkeys(SMALL_TALK, "the message is small talk"),
}
NEARBY = 5


@dataclass(frozen=True)
class Nearby:
    """A row of the bundle near the message: cosine similarity, what it means, where it comes from (None: gone)."""

    row: str
    intent: str
    similarity: float
    origin: Provenance | None


@dataclass(frozen=True)
class PastAnswer:
    """What one retained version decides about the text; `problem` when its bundle does not open."""

    version_id: int
    kind: str
    created_at: datetime
    answer: Decision | None
    problem: str | None = None


@dataclass(frozen=True)
class Winner:
    """The text that decided. how: `exact` (the message itself was known), `nearest`, or `out_of_scope` (an out-of-scope
    message was nearest); similarity 1 when exact; said_by: every row that says so, the deciding one first.
    """

    how: str
    key: str
    intent: str | None
    similarity: float
    said_by: tuple[Provenance, ...] = ()


@dataclass(frozen=True)
class Why:
    """Everything about one decision.

    first_version: the oldest kept version that decides the same, None when none does; bundles_gone: earlier versions
    whose bundle is not kept any more; without: the decision of `without_version` if nobody had said the winning text.
    """

    text: str
    at: datetime
    decision: Logged
    notes: tuple[str, ...] = ()
    winner: Winner | None = None
    nearby: tuple[Nearby, ...] = ()
    history: tuple[PastAnswer, ...] = ()
    first_version: int | None = None
    bundles_gone: int = 0
    without: Decision | None = None
    without_version: int | None = None

    def noted(self, note: str) -> "Why":
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def explain(settings: Settings, database: Database, *, message_id: int) -> Why:
    """Explain one logged message. Raises NotFoundError."""
    with database.read() as session:
        text, at, decision = find_message(session, message_id)
        built = versions.list_versions(session)[::-1]
        current = versions.current(session)
        published = {intent.slug for intent in list_intents(session, published_only=True)}
        names = current_names(session)
    decision = called_now(decision, names)
    published |= {ranked["intent"] for ranked in decision.ranking} | set(answered_intents(decision))  # then, if not now
    if decision.reason in NOT_MATCHED:
        return Why(text, at, decision, (NOT_MATCHED[decision.reason],))
    why = Why(text, at, decision)
    store = open_store(settings)
    within_reach = store.here() | store.names()
    kept = [version for version in built if version.directory in within_reach]
    why = _with_history(why, settings, kept=kept, built=built, published=published, names=names)
    by_id = {version.id: version for version in kept}
    decider = by_id.get(decision.version_id or 0)
    if decider is None and current is not None:
        decider = by_id.get(current.version_id)
        why = why.noted(f"the bundle of version {decision.version_id} is gone; shown by the current one")
    if decider is None:
        return why
    try:
        bundle = open_bundle(store.fetch(decider.directory), whole=False).renamed(names)
    except BundleError as error:
        return why.noted(str(error))
    return _with_winner(why, database, bundle=bundle, version=decider, published=published)


def _with_history(
    why: Why,
    settings: Settings,
    *,
    kept: Sequence[Version],
    built: Sequence[Version],
    published: Collection[str],
    names: Mapping[str, str],
) -> Why:
    """The same with the text decided again by every kept version, oldest first."""
    history = tuple(_ask(settings, version, why.text, published=published, names=names) for version in kept)
    first = next((past.version_id for past in history if past.answer and _alike(past.answer, why.decision)), None)
    gone = {version.id for version in built} - {version.id for version in kept}
    earlier = sum(first is None or version_id < first for version_id in gone)
    return replace(why, history=history, first_version=first, bundles_gone=earlier)


def _ask(
    settings: Settings, version: Version, text: str, *, published: Collection[str], names: Mapping[str, str]
) -> PastAnswer:
    """One version's own decision, without phrasings added since."""
    try:
        folder = open_store(settings).fetch(version.directory)
        matcher = Matcher(open_bundle(folder, whole=False).renamed(names), cache_size=1)
        answer = matcher.match(text, published=published)
    except BundleError as error:
        return PastAnswer(version.id, version.kind, version.created_at, None, str(error))
    return PastAnswer(version.id, version.kind, version.created_at, answer)


def _alike(past: Decision, decision: Logged) -> bool:
    return (past.kind, past.intent, set(past.options)) == (decision.kind, decision.intent, set(decision.options))


def _with_winner(why: Why, database: Database, *, bundle: Bundle, version: Version, published: Collection[str]) -> Why:
    ranking = why.decision.ranking
    part = ranking[0].get("understood") if ranking else None
    vector = bundle.encoder.encode([part or _question(why, bundle)])[0]
    neighbours = bundle.index.search_exactly(vector, NEARBY)
    closest = bundle.intents[bundle.intent_of_row[neighbours.rows[0]]]
    if why.decision.kind != DecisionKind.ANSWER and closest not in published:
        why = why.noted(f"what is nearest means {closest}, which is not published")
    first, *others = answered_intents(why.decision) or (None,)
    if others:
        why = why.noted(
            f"{1 + len(others)} questions were answered: this is about {first}, not about {' and '.join(others)}"
        )
    if part:
        why = why.noted(f"it rests on a part of the message: {part}")
    with database.read() as session:
        row, winner = _winner(session, why, bundle=bundle, vector=vector, least=float(neighbours.similarities[0]))
        winner = winner and _said(session, why, winner, version=version, row=row)
        origins = lineage.origins(session, [bundle.phrasing_ids[row] for row in neighbours.rows])
    nearby = tuple(
        Nearby(
            bundle.phrasing_ids[row],
            bundle.intents[bundle.intent_of_row[row]],
            float(similarity),
            origins.get(bundle.phrasing_ids[row]),
        )
        for row, similarity in zip(neighbours.rows, neighbours.similarities, strict=True)
    )
    if winner is None:
        return replace(why, nearby=nearby)
    why = replace(why, winner=winner, nearby=nearby)
    try:
        without = decide_without(bundle, why.text, key=winner.key, published=published)
    except BadInputError as error:
        return why.noted(str(error))
    return replace(why, without=without, without_version=version.id)


def _winner(
    session: Session, why: Why, *, bundle: Bundle, vector: Vectors, least: float
) -> tuple[str | None, Winner | None]:
    """The row that decided, where it was one, and its text; None when no single one did: the chosen intent has no row
    near the message.

    least: the similarity of the nearest row of all, published or not; an out-of-scope message must be nearer.
    """
    decision = why.decision
    if decision.reason in (DecisionReason.EXACT, DecisionReason.KNOWN_OUT_OF_SCOPE):
        return None, Winner("exact", text_key(_question(why, bundle)), decision.intent, 1.0)
    best = decision.ranking[0] if decision.ranking else {}
    similarity, row = best.get("similarity") or 0.0, best.get("nearest")
    if row is None and (part := best.get("understood")):
        known = bundle.exact.get(text_key(part)) == best["intent"]
        return None, Winner("exact", text_key(part), best["intent"], 1.0) if known else None
    out_of_scope = bundle.scorer.out_of_scope @ vector
    if (
        decision.kind == DecisionKind.FALLBACK
        and len(out_of_scope)
        and float(out_of_scope.max()) > max(similarity, least)
    ):
        nearest = int(out_of_scope.argmax())
        return None, Winner("out_of_scope", bundle.out_of_scope_keys[nearest], None, float(out_of_scope[nearest]))
    key = None if row is None else _key(session, row, bundle)
    return row, None if key is None else Winner("nearest", key, best["intent"], similarity)


def _question(why: Why, bundle: Bundle) -> str:
    """What was decided about: the text without small talk at its ends, unless it was known as it is."""
    exact = (DecisionReason.EXACT, DecisionReason.KNOWN_OUT_OF_SCOPE)
    question = Matcher(bundle, cache_size=0).question(why.text)
    if why.decision.reason in exact and text_key(question) not in bundle.exact:
        return normalise(why.text)  # a phrasing added since the version was built
    return question


def _key(session: Session, row: str, bundle: Bundle) -> str | None:
    """The key of a row's text: from the bundle, or of a phrasing added since; None when the row is gone."""
    if row in bundle.phrasing_ids:
        return bundle.phrasing_keys[bundle.phrasing_ids.index(row)]
    origin = lineage.origins(session, [row]).get(row)
    return None if origin is None else text_key(normalise(origin.text))


def _said(session: Session, why: Why, winner: Winner, *, version: Version, row: str | None) -> Winner:
    """The winner with every row that said so by then: the deciding one first, then what was there for the bundle."""
    built = version.created_at
    rows = lineage.claims(session, winner.key, intent=winner.intent, before=why.at, built=built)
    return replace(
        winner, said_by=tuple(sorted(rows, key=lambda origin: (origin.id != row, origin.created_at > built)))
    )
