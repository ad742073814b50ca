"""The FAQ: intents and their phrasings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, selectinload

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq_history
from helpdesk.records.names import Slugs
from helpdesk.records.tables import FaqChange, Intent, Phrasing
from helpdesk.text import counted, humanise, normalise, slugify, text_key

MAX_PHRASING = 2000
MAX_ANSWER = 20_000
_ACTIONS = {  # by the new status, and whether the entry was archived before
    ("published", False): "published",
    ("published", True): "published",
    ("draft", False): "unpublished",
    ("draft", True): "restored",
    ("archived", False): "archived",
}


def list_intents(session: Session, *, published_only: bool = False) -> list[Intent]:
    """All intents by slug, phrasings loaded; deleted ones are gone."""
    query = select(Intent).options(selectinload(Intent.phrasings)).where(Intent.status != "deleted")
    query = query.order_by(Intent.slug)
    return list(session.scalars(query.where(Intent.status == "published") if published_only else query))


def count_phrasings(session: Session) -> int:
    """How many phrasings there are, drafts' included."""
    return session.scalar(select(func.count()).select_from(Phrasing)) or 0


def find_intent(session: Session, slug: str) -> Intent:
    """The intent that has or had this slug, or the only one of its form (`Reset Password`). Raises NotFoundError."""
    found = select(Intent).where(Intent.slug == slug, Intent.status != "deleted")
    intent = session.scalar(found) or Slugs(session).find(slug)
    if intent is None:
        raise NotFoundError(f"no intent {slug!r}; `helpdesk faq list` shows them all")
    return intent


def create_intent(session: Session, question: str, *, answer: str, author: str) -> Intent:
    """A new entry, with its question as first phrasing; published when it has an answer, else a draft."""
    slug = slugify(question)
    if not slug or not normalise(question):
        raise BadInputError(f"question {question!r} has no letters or digits; expected a sentence")
    slugs = Slugs(session)
    if (taken := slugs.find(slug)) is not None:
        raise ConflictError(f"there is an intent {taken.slug!r} already; choose it instead")
    status = "published" if answer.strip() else "draft"
    intent = Intent(slug=slug, question=question.strip(), answer=answer.strip(), status=status, tags=[], follow_ups=[])
    slugs.add(intent)
    session.add(intent)
    session.flush()
    add_phrasings(session, intent.id, [intent.question], source="question", author=author)
    faq_history.note(session, intent, "created", author=author)
    return intent


def state(intent: Intent) -> str:
    """How far an entry is: `draft`, `unanswered` (matched and reported, never spoken), `published` or `archived`."""
    return "unanswered" if intent.status == "published" and not intent.answer.strip() else intent.status


def set_status(session: Session, slug: str, *, status: str, author: str) -> Intent:
    """Publish an entry, take it back to draft or archive it; running processes follow within a poll."""
    intent = find_intent(session, slug)
    if intent.status != status:
        before, intent.status = intent.status, status
        faq_history.note(session, intent, _ACTIONS[status, before == "archived"], author=author)
    return intent


def read_questions(session: Session) -> list[str]:
    """The question of every entry, whatever became of it, and those that it had before."""
    former = select(Phrasing.text).where(Phrasing.source == "question")
    return [*session.scalars(select(Intent.question)), *session.scalars(former)]


def revision(session: Session) -> int:
    """A number that grows with every change of the FAQ."""
    return session.scalar(select(func.max(FaqChange.id))) or 0


@dataclass(frozen=True)
class Entry:
    """One intent as a file gives it; None leaves what is stored as it is. name: what the file calls it."""

    slug: str
    question: str | None = None
    answer: str | None = None
    locale: str | None = None
    tags: tuple[str, ...] | None = None
    phrasings: tuple[str, ...] = ()
    status: str | None = None
    name: str | None = None
    follow_ups: tuple[str, ...] | None = None
    urgent: bool | None = None


@dataclass(frozen=True)
class Stored:
    """What an import changed."""

    intents_new: int
    intents_seen: int
    phrasings_new: int
    phrasings_known: int
    questions_new: int
    unanswered: int = 0
    replaced: tuple[str, ...] = ()  # slugs of entries that had another answer
    outside: int = 0  # out-of-scope examples that are new

    def sentence(self) -> str:
        """The same in words."""
        unanswered = f", {self.unanswered:,} without an answer yet: handed over until they have one"
        return (
            f"{counted(self.intents_seen, 'intent')} ({self.intents_new:,} new), "
            f"{counted(self.phrasings_new, 'new phrasing')}, {self.phrasings_known:,} known already, "
            f"{counted(self.questions_new, 'canonical question')}"
            f"{unanswered if self.unanswered else ''}"
            f"{f', {self.outside:,} new out-of-scope examples' if self.outside else ''}"
        )


def store_entries(session: Session, entries: Sequence[Entry], *, author: str, source: str = "import") -> Stored:
    """Insert or update intents by slug, whatever its form, and add the phrasings they lack. Nothing is ever removed."""
    slugs = Slugs(session)
    known: dict[str, Intent] = {}
    changed: set[Intent] = set()
    for entry in entries:
        intent = slugs.find(entry.slug)
        if intent is None:
            question = entry.question or humanise(entry.name or entry.slug)
            intent = Intent(slug=entry.slug, question=question, answer="", status="published", tags=[], follow_ups=[])
            slugs.add(intent)
            session.add(intent)
            changed.add(intent)
        known[entry.slug] = intent
    fresh = len(changed)
    updates = [(known[entry.slug], _update(known[entry.slug], entry)) for entry in entries]
    replaced = [intent.slug for intent, parts in updates if "another answer" in parts]
    changed |= {intent for intent, parts in updates if parts}
    session.flush()
    have = _normalised_by_intent(session)
    questions = added = 0
    for entry in entries:
        intent = known[entry.slug]
        seen = have.setdefault(intent.id, set())
        add = partial(add_phrasings, session, intent.id, author=author, seen=seen)
        before = added + questions
        added += add(entry.phrasings, source=source)
        questions += add([intent.question], source="question")
        changed |= {intent} if added + questions > before else set()
    by_id = sorted(changed, key=lambda intent: intent.id)
    faq_history.note_all(session, by_id, "imported" if source == "import" else "edited", author=author)
    total = sum(len(entry.phrasings) for entry in entries)
    unanswered = sum(state(intent) == "unanswered" for intent in {known[entry.slug] for entry in entries})
    return Stored(fresh, len(entries), added, total - added, questions, unanswered, tuple(replaced))


def _update(intent: Intent, entry: Entry) -> set[str]:
    """What of an entry was changed; `another answer`, where there was one before."""
    wanted = {name: getattr(entry, name) for name in ("question", "answer", "locale", "status", "urgent")}
    wanted |= {"answer": None if entry.answer is None else entry.answer.strip()}
    for name in ("tags", "follow_ups"):
        given = getattr(entry, name)
        wanted |= {name: None if given is None else list(given)}
    changed = {name for name, value in wanted.items() if value is not None and getattr(intent, name) != value}
    if "answer" in changed and intent.answer.strip():
        changed.add("another answer")
    for name in changed & wanted.keys():
        setattr(intent, name, wanted[name])
    return changed


def _normalised_by_intent(session: Session) -> dict[int, set[str]]:
    have: dict[int, set[str]] = {}
    for intent_id, normalised in session.execute(select(Phrasing.intent_id, Phrasing.normalised)):
        have.setdefault(intent_id, set()).add(normalised)
    return have


def is_phrasing(session: Session, text: str) -> bool:
    """Whether an entry has a text as a phrasing, however it is typed."""
    wanted = select(Phrasing.id).where(Phrasing.text_key == text_key(normalise(text))).limit(1)
    return session.scalar(wanted) is not None


def add_phrasings(
    session: Session,
    intent_id: int,
    texts: Iterable[str],
    *,
    source: str,
    author: str,
    seen: set[str] | None = None,
) -> int:
    """Store those texts that an entry lacks, once each however they are typed; how many. `seen`: what it has,
    normalised, which grows."""
    seen = set() if seen is None else seen
    rows = []
    for text in texts:
        normalised = normalise(text)
        if normalised and normalised not in seen:
            seen.add(normalised)
            rows.append(
                {
                    "intent_id": intent_id,
                    "text": text,
                    "normalised": normalised,
                    "text_key": text_key(normalised),
                    "source": source,
                    "author": author,
                }
            )
    if rows:
        session.execute(insert(Phrasing), rows)
    return len(rows)
