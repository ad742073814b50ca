"""Editing FAQ entries by hand: every change names the version it saw, and one that came late changes nothing."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, faq_history
from helpdesk.records.follow_ups import find_follow_ups
from helpdesk.records.names import Slugs
from helpdesk.records.scrubbing import ERASED
from helpdesk.records.tables import FaqRevision, Intent, Label, Phrasing
from helpdesk.text import normalise, slugify

MAX_TAG = 60
_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class TypedEntry:
    """What somebody typed about an entry; `phrasings` are those to add, `follow_ups` names or questions of others."""

    question: str
    answer: str = ""
    locale: str = "en"
    tags: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()
    urgent: bool = False


class EditedMeanwhileError(ConflictError):
    """An entry was changed after the form was opened. `revision`: what it is now."""

    def __init__(self, intent: Intent, revision: FaqRevision | None) -> None:
        self.intent, self.revision = intent, revision
        super().__init__(f"{intent.slug} was changed meanwhile; nothing was saved")

    @property
    def newest(self) -> int:
        """What a form names that has seen the change."""
        return 0 if self.revision is None else self.revision.id


def find_entry(session: Session, entry_id: int, *, deleted: bool = False) -> Intent:
    """An entry by its number; a deleted one only if asked for. Raises NotFoundError."""
    found = session.get(Intent, entry_id)
    if found is None or (found.status == "deleted" and not deleted):
        raise NotFoundError(f"there is no entry {entry_id} any more; it was deleted or merged into another one")
    return found


def require_seen(session: Session, intent: Intent, seen: int) -> None:
    """Raise EditedMeanwhileError unless the entry is as it was when the form was opened; it stays so until the
    transaction ends."""
    session.execute(select(Intent.id).where(Intent.id == intent.id).with_for_update())
    last, _ = faq_history.last_two(session, intent.id)
    if (last.id if last else 0) != seen:
        raise EditedMeanwhileError(intent, last)


def sent_before(session: Session, intent: Intent, action: str, *, author: str, seen: int) -> bool:
    """Whether the last change is this very one: the same form was sent twice."""
    last, before = faq_history.last_two(session, intent.id)
    same = last is not None and (last.action, last.author) == (action, author[:80])
    return same and seen == (before.id if before else 0)


def create(session: Session, typed: TypedEntry, *, publish: bool, author: str) -> Intent:
    """A new entry: a draft, or published if it has an answer. Sent again, it gives the entry that is there.

    Raises BadInputError for what cannot be stored or published, ConflictError when another entry has the name.
    """
    _check(typed, publish=publish)
    typed = replace(typed, follow_ups=find_follow_ups(session, typed.follow_ups))
    slugs = Slugs(session)
    slug = slugify(typed.question)
    taken = slugs.find(slug)
    if taken is not None:
        if _says(taken, typed) and sent_before(session, taken, "created", author=author, seen=0):
            return taken
        raise ConflictError(f"entry {taken.slug!r} asks that already: “{taken.question}”; word the question otherwise")
    intent = Intent(slug=slug, status="published" if publish else "draft")
    slugs.add(intent)
    _write(intent, typed)
    session.add(intent)
    session.flush()
    faq.add_phrasings(session, intent.id, [intent.question], source="question", author=author)
    _add(session, intent, typed.phrasings, author=author)
    faq_history.note(session, intent, "created", author=author)
    return intent


def edit(session: Session, intent: Intent, typed: TypedEntry, *, seen: int, author: str, publish: bool = False) -> bool:
    """Make an entry what was typed; whether that changed anything. An older question stays a phrasing.

    Raises EditedMeanwhileError when the entry is not as it was seen and not as it shall be, BadInputError for what
    cannot be stored.
    """
    _check(typed, publish=publish or (intent.status == "published" and bool(intent.answer.strip())))
    typed = replace(typed, follow_ups=find_follow_ups(session, typed.follow_ups, apart_from=intent.slug))
    status = "published" if publish else intent.status
    if _says(intent, typed) and intent.status == status and not _missing(session, intent, typed.phrasings):
        return False
    require_seen(session, intent, seen)
    if normalise(typed.question) != normalise(intent.question):
        known = set(session.scalars(select(Phrasing.normalised).where(Phrasing.intent_id == intent.id)))
        faq.add_phrasings(session, intent.id, [typed.question.strip()], source="question", author=author, seen=known)
    action = "published" if status != intent.status else "edited"
    _write(intent, typed)
    intent.status = status
    _add(session, intent, typed.phrasings, author=author)
    faq_history.note(session, intent, action, author=author)
    return True


def change_state(session: Session, intent: Intent, status: str, *, seen: int, author: str) -> None:
    """Publish, unpublish, archive or restore an entry. Raises BadInputError without an answer to publish."""
    if intent.status == status:
        return
    if status == "published" and not intent.answer.strip():
        raise BadInputError(f"{intent.slug} has no answer yet; write one, then publish it")
    require_seen(session, intent, seen)
    faq.set_status(session, intent.slug, status=status, author=author)


def remove_phrasing(session: Session, intent: Intent, phrasing_id: int, *, text: str, author: str) -> bool:
    """Take a phrasing away, from this moment on; False when it was gone already. `text`: as the form showed it."""
    gone = delete(Phrasing).where(
        Phrasing.id == phrasing_id, Phrasing.intent_id == intent.id, Phrasing.normalised == normalise(text)
    )
    if session.scalar(gone.returning(Phrasing.id).execution_options(synchronize_session=False)) is None:
        return False
    session.expire(intent, ["phrasings"])
    faq_history.note(session, intent, "phrasing removed", author=author, text=text)
    return True


def revert(session: Session, intent: Intent, revision_id: int, *, seen: int, author: str) -> None:
    """Make question, answer, tags, locale and phrasings what they were in a version; a deleted entry is a draft then.

    Phrasings that were erased since stay away. Raises EditedMeanwhileError, and BadInputError where a published entry
    would be left without an answer, or where more than phrasings was erased.
    """
    wanted = faq_history.find_revision(session, intent.id, revision_id)
    action = "restored" if intent.status == "deleted" else "reverted"
    if sent_before(session, intent, action, author=author, seen=seen):
        return
    require_seen(session, intent, seen)
    entry = wanted.entry
    phrasings = [row for row in entry["phrasings"] if ERASED not in row[0]]
    if ERASED in json.dumps(entry | {"phrasings": []}):
        raise BadInputError(
            "a part of that version was erased, because somebody's message said the same; copy the rest"
        )
    if intent.status == "published" and intent.answer.strip() and not entry["answer"].strip():
        raise BadInputError("that version has no answer, and the entry is published; unpublish it first")
    if intent.status == "deleted":
        _take_name(session, intent, wanted.slug)
        intent.status = "draft"
    for name in ("question", "answer", "locale", "tags"):
        setattr(intent, name, entry[name])
    intent.follow_ups = entry.get("follow_ups", [])
    intent.urgent = entry.get("urgent", False)
    _set_phrasings(session, intent, phrasings)
    faq_history.note(session, intent, action, author=author, version=revision_id)


def split(
    session: Session,
    intent: Intent,
    typed: TypedEntry,
    *,
    phrasings: Collection[int],
    labels: Collection[int],
    seen: int,
    author: str,
) -> Intent:
    """Move phrasings and labels of an entry, by their ids, into a new one, which is published if it has an answer and
    the old one is. Raises what `create` raises, and BadInputError when nothing would move."""
    if sent_before(session, intent, "split", author=author, seen=seen):
        return faq.find_intent(session, slugify(typed.question))
    require_seen(session, intent, seen)
    if not phrasings and not labels:
        raise BadInputError("nothing is ticked; choose the phrasings and labels that move")
    publish = bool(typed.answer.strip()) and intent.status == "published"
    new = create(session, replace(typed, urgent=intent.urgent), publish=publish, author=author)
    session.flush()
    known = set(session.scalars(select(Phrasing.text_key).where(Phrasing.intent_id == new.id)))
    mine = select(Phrasing.id, Phrasing.text_key).where(Phrasing.intent_id == intent.id, Phrasing.id.in_(phrasings))
    for phrasing_id, key in session.execute(mine).all():
        moved = Phrasing.id == phrasing_id
        session.execute(
            delete(Phrasing).where(moved) if key in known else update(Phrasing).where(moved).values(intent_id=new.id),
            execution_options={"synchronize_session": False},
        )
    rows = update(Label).where(Label.intent_id == intent.id, Label.id.in_(labels))
    session.execute(rows.values(intent_id=new.id).execution_options(synchronize_session=False))
    session.expire_all()
    faq_history.note(session, intent, "split", author=author, into=new.slug)
    faq_history.note(session, new, "split off", author=author, of=intent.slug)
    return new


def _check(typed: TypedEntry, *, publish: bool) -> None:
    _check_text("the question", typed.question, faq.MAX_PHRASING)
    for text in typed.phrasings:
        _check_text("a phrasing", text, faq.MAX_PHRASING)
    if len(typed.answer) > faq.MAX_ANSWER or _unstorable(typed.answer):
        raise BadInputError(
            f"the answer has {len(typed.answer):,} characters; expected at most {faq.MAX_ANSWER:,} of text"
        )
    if not slugify(typed.question):
        raise BadInputError(f"question {typed.question!r:.60} has no letters or digits; expected a sentence")
    if not _LOCALE.fullmatch(typed.locale) or len(typed.locale) > 16:
        raise BadInputError(f"language {typed.locale!r:.40}; expected a code such as en or pt-BR")
    for tag in typed.tags:
        if len(tag) > MAX_TAG or _unstorable(tag):
            raise BadInputError(f"tag {tag!r:.80}; expected at most {MAX_TAG} characters")
    if publish and not typed.answer.strip():
        raise BadInputError("a published entry needs an answer; write one, or leave the entry a draft")


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest or _unstorable(text):
        raise BadInputError(f"{name} has {len(text):,} characters; expected at most {longest:,} of text")
    if not normalise(text):
        raise BadInputError(f"{name} {text!r:.60} has no letters or digits; expected what people ask")


def _unstorable(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text)


def _says(intent: Intent, typed: TypedEntry) -> bool:
    was = (intent.question, intent.answer, intent.locale, tuple(intent.tags), tuple(intent.follow_ups), intent.urgent)
    typed_answer = (typed.question.strip(), typed.answer.strip(), typed.locale, typed.tags)
    return was == (*typed_answer, typed.follow_ups, typed.urgent)


def _write(intent: Intent, typed: TypedEntry) -> None:
    intent.question, intent.answer = typed.question.strip(), typed.answer.strip()
    intent.locale, intent.tags, intent.follow_ups = typed.locale, list(typed.tags), list(typed.follow_ups)
    intent.urgent = typed.urgent


def _missing(session: Session, intent: Intent, texts: Sequence[str]) -> bool:
    known = set(session.scalars(select(Phrasing.normalised).where(Phrasing.intent_id == intent.id)))
    return any(normalise(text) not in known for text in texts)


def _add(session: Session, intent: Intent, texts: Sequence[str], *, author: str) -> None:
    known = set(session.scalars(select(Phrasing.normalised).where(Phrasing.intent_id == intent.id)))
    stripped = [text.strip() for text in texts]
    faq.add_phrasings(session, intent.id, stripped, source="edit", author=author[:80], seen=known)
    session.expire(intent, ["phrasings"])


def _set_phrasings(session: Session, intent: Intent, wanted: Sequence[Sequence[str]]) -> None:
    keep = {normalise(text) for text, _, _ in wanted}
    rows = session.execute(select(Phrasing.id, Phrasing.normalised).where(Phrasing.intent_id == intent.id)).all()
    for phrasing_id, normalised in rows:
        if normalised not in keep:
            session.execute(delete(Phrasing).where(Phrasing.id == phrasing_id))
    known = {normalised for _, normalised in rows if normalised in keep}
    for text, source, author in wanted:
        faq.add_phrasings(session, intent.id, [text], source=source, author=author, seen=known)
    session.expire(intent, ["phrasings"])


def _take_name(session: Session, intent: Intent, slug: str) -> None:
    """What a deleted entry was called, if no other entry took it since."""
    if intent.slug == slug:
        return
    intent.slug = slug if Slugs(session).find(slug) is None else f"{slug[:100]}_{intent.id}"
