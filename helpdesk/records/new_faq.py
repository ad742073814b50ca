"""A new FAQ that is made of a message, and the message's label with it."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from helpdesk.records import faq, labels
from helpdesk.records.splits import NearbyTexts, one_at_a_time
from helpdesk.records.tables import Intent, Label, Message, Staff
from helpdesk.records.undo import is_unused
from helpdesk.text import slugify


def label_with_new_faq(
    session: Session,
    message_id: int,
    *,
    question: str,
    answer: str,
    staff_id: int,
    holdout_share: float,
    seen: int,
    known: NearbyTexts | None = None,
    publish: bool = True,
) -> Label:
    """Make an entry of a question and label the message with it; it is published when it has an answer and `publish`.

    The same form sent again makes nothing new. A draft that this person made and nothing uses, such as one that was
    undone, is taken up again. `seen`, `known` and what is raised: as in `labels.label_message`.
    """
    one_at_a_time(session)
    slug = slugify(question)
    made = not _made_before(session, message_id, slug, staff_id=staff_id, seen=seen)
    if made:
        _make(session, slug, question, answer=answer, author=session.get_one(Staff, staff_id).name)
        if not publish and answer.strip():
            faq.set_status(session, slug, status="draft", author=session.get_one(Staff, staff_id).name)
    label = labels.label_message(
        session,
        message_id,
        kind="intent",
        intent=slug,
        staff_id=staff_id,
        holdout_share=holdout_share,
        known=known,
        seen=seen,
    )
    label.published = label.published or (made and publish and bool(answer.strip()))
    return label


def _make(session: Session, slug: str, question: str, *, answer: str, author: str) -> None:
    draft = session.scalar(select(Intent).where(Intent.slug == slug, Intent.status == "draft"))
    own = draft is not None and any((row.source, row.author) == ("question", author) for row in draft.phrasings)
    if draft is None or not own or not is_unused(session, draft):
        faq.create_intent(session, question, answer=answer, author=author)
        return
    status = "published" if answer.strip() else "draft"
    entry = faq.Entry(slug, question=question.strip(), answer=answer.strip(), status=status)
    faq.store_entries(session, [entry], author=author)


def _made_before(session: Session, message_id: int, slug: str, *, staff_id: int, seen: int) -> bool:
    """Whether this person labelled the message's text with this entry on the same card."""
    given = (
        select(Label.id)
        .join(Intent, Intent.id == Label.intent_id)
        .join(Message, Message.text_key == Label.text_key)
        .where(Message.id == message_id, Intent.slug == slug, Label.staff_id == staff_id, Label.seen == seen)
    )
    return bool(session.scalar(select(exists(given))))
