"""What entries are called: one form of slug, and what they were called before, which bundles and the log still say."""

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import faq_history
from helpdesk.records.tables import FormerName, GoldenPhraseRow, Intent, Label, Phrasing
from helpdesk.text import slugify


class Slugs:
    """All intents by slug: by the very one, by a former one, or by the only one of the same form."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._intents: dict[str, Intent] = {}
        self._forms: dict[str, set[Intent]] = {}
        self._deleted: set[str] = set()
        for slug, intent in session.execute(select(FormerName.slug, Intent).join(Intent)):
            self._note(slug, intent)
        for intent in session.scalars(select(Intent)):
            self._note(intent.slug, intent)

    def add(self, intent: Intent) -> None:
        """One more, which is not in the session yet: what a deleted entry was called is free for it."""
        self.release(intent.slug)
        self._note(intent.slug, intent)

    def release(self, slug: str) -> None:
        """Take a name from a deleted entry that has it."""
        if slug not in self._deleted:
            return
        gone = self._session.scalar(select(Intent).where(Intent.slug == slug, Intent.status == "deleted"))
        if gone is not None:
            gone.slug = f"deleted:{gone.id}"  # no name that anybody can type has a colon
        deleted = select(Intent.id).where(Intent.status == "deleted")
        self._session.execute(delete(FormerName).where(FormerName.slug == slug, FormerName.intent_id.in_(deleted)))
        self._session.flush()

    def find(self, slug: str) -> Intent | None:
        """The intent that is meant, None when there is none, or none for sure."""
        if slug in self._intents:
            return self._intents[slug]
        form = slugify(slug)
        alike = self._forms.get(form, set()) if form else set()
        return next(iter(alike)) if len(alike) == 1 else None

    def _note(self, slug: str, intent: Intent) -> None:
        if intent.status == "deleted":
            self._deleted.add(slug)
            return
        self._intents[slug] = intent
        self._forms.setdefault(slugify(slug), set()).add(intent)


def current_names(session: Session) -> dict[str, str]:
    """Former slug -> the slug of today."""
    return dict(session.execute(select(FormerName.slug, Intent.slug).join(Intent)).tuples().all())


def questions(session: Session, slugs: Collection[str] | None = None) -> dict[str, str]:
    """The questions of entries by slug, former ones too: of these slugs, or of all; what is gone is left out."""
    former = select(FormerName.slug, Intent.question).join(Intent).where(Intent.status != "deleted")
    present = select(Intent.slug, Intent.question).where(Intent.status != "deleted")
    if slugs is not None:
        former, present = former.where(FormerName.slug.in_(slugs)), present.where(Intent.slug.in_(slugs))
    return dict(session.execute(former).tuples().all()) | dict(session.execute(present).tuples().all())


def ids(session: Session, slugs: Collection[str]) -> dict[str, int]:
    """The ids of entries by the slugs of today."""
    query = select(Intent.slug, Intent.id).where(Intent.slug.in_(slugs), Intent.status != "deleted")
    return dict(session.execute(query).tuples().all())


def answers(session: Session, slugs: Collection[str]) -> dict[str, str]:
    """The answers of entries by slug; those that have none are left out."""
    query = select(Intent.slug, Intent.answer).where(Intent.slug.in_(slugs), Intent.answer != "")
    return dict(session.execute(query).tuples().all())


def rename(session: Session, intent: Intent, new: str, *, author: str) -> str:
    """Give an entry another slug, of the usual form; the old one keeps naming it. Returns the new slug.

    Raises BadInputError for a name without letters or digits, ConflictError when another entry has or had it.
    """
    old, slug = intent.slug, slugify(new)
    if not slug:
        raise BadInputError(f"name {new!r} has no letters or digits")
    slugs = Slugs(session)
    taken = slugs.find(slug)
    if slug == old or (taken is not None and taken is not intent):
        raise ConflictError(f"{slug!r} names {'this' if slug == old else 'another'} entry already; choose another name")
    slugs.release(slug)
    session.execute(delete(FormerName).where(FormerName.slug == slug))
    session.add(FormerName(slug=old, intent_id=intent.id, author=author[:80]))
    intent.slug = slug
    faq_history.note(session, intent, "renamed", author=author, before=old)
    return slug


def merge(session: Session, source: Intent, into: Intent, *, author: str) -> None:
    """Make one entry of two: question, answer and state are those of `into`, which gets everything else of `source`.

    Raises ConflictError when both are the same entry.
    """
    if source is into:
        raise ConflictError(f"{into.slug!r} cannot be merged into itself; name two entries")
    if source.status == "published" and into.status != "published":
        raise ConflictError(f"{into.slug!r} is not published, so what {source.slug!r} answers would not be answered")
    old, number = source.slug, source.id
    into.urgent = into.urgent or source.urgent
    session.flush()
    known = select(Phrasing.text_key).where(Phrasing.intent_id == into.id)
    moved = update(Phrasing).where(Phrasing.intent_id == number, Phrasing.text_key.not_in(known))
    session.execute(moved.values(intent_id=into.id).execution_options(synchronize_session=False))
    for table in (Label, GoldenPhraseRow, FormerName):
        rows = update(table).where(table.intent_id == number)
        session.execute(rows.values(intent_id=into.id).execution_options(synchronize_session=False))
    session.execute(delete(Intent).where(Intent.id == number).execution_options(synchronize_session=False))
    session.add(FormerName(slug=old, intent_id=into.id, author=author[:80]))
    session.flush()
    session.expire_all()
    faq_history.note(session, into, "merged", author=author, with_entry=old)
