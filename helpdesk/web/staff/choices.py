"""The FAQs that a card offers: likely ones, likely ones in a blind order, and those that a search finds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN
from helpdesk.records import labels, names
from helpdesk.records.queue import QueueItem
from helpdesk.serving.entries import FaqEntry
from helpdesk.text import normalise, text_key
from helpdesk.web.context import service

SUGGESTIONS = 5
FOUND = 4


@dataclass(frozen=True)
class Choice:
    """One FAQ that a key can choose; `origin` is shown where there is no confidence, `understood` is the part of the
    message that was taken to ask it; beside: the slug, where another FAQ asks the same."""

    slug: str
    question: str
    confidence: float | None = None
    nearest: str | None = None
    origin: str = "found"
    understood: str | None = None
    beside: str | None = None


def blind_choices(session: Session, item: QueueItem) -> list[Choice]:
    """Likely FAQs in an order that tells nothing, and always as many: neither the decision nor its confidence shows."""
    logged = [row["intent"] for row in item.ranking]
    live = [entry.slug for entry in _similar(item.text, SUGGESTIONS)]
    questions = names.questions(session, [*logged, *live, item.said or ""])
    slugs = [slug for slug in dict.fromkeys([*logged, *live]) if slug in questions][:SUGGESTIONS]
    if item.said in questions and item.said not in slugs:
        slugs[-1:] = [item.said]
    slugs.sort(key=lambda slug: text_key(f"{item.message_id}:{slug}"))
    return [Choice(slug, questions[slug]) for slug in slugs]


def likely_choices(session: Session, item: QueueItem) -> list[Choice]:
    """The top suggestions of the decision that was made, with the text of the nearest phrasing, and what is like the
    message where these are few.

    What last night's candidate would answer instead is among them; what is answered now comes first.
    """
    rows = item.ranking[:SUGGESTIONS]
    texts = labels.texts_of(session, [row["nearest"] for row in rows if row["nearest"]])
    changed = item.change.after["intent"] if item.change else None
    answered = item.answer.intent if item.answer else None
    questions = names.questions(session, [*(row["intent"] for row in rows), changed or "", answered or ""])
    choices = [
        Choice(
            row["intent"],
            questions[row["intent"]],
            row["confidence"],
            texts.get(row["nearest"] or ""),
            understood=row.get("understood"),
        )
        for row in rows
        if row["intent"] in questions
    ]
    if 0 < len(rows) < SUGGESTIONS and item.reason not in CHOSEN:  # what was chosen from says more than the text
        choices += _others(item.text, {choice.slug for choice in choices}, SUGGESTIONS - len(choices))
    if changed in questions and changed not in {choice.slug for choice in choices}:
        choices.insert(1, Choice(changed, questions[changed], origin="new"))
    if item.answer is None or answered not in questions:
        return choices
    now = Choice(answered, questions[answered], item.answer.confidence)
    return [now, *(choice for choice in choices if choice.slug != answered)]


def told_apart(choices: Sequence[Choice]) -> list[Choice]:
    """The same, with the slug beside each question that another choice, or another published FAQ, asks too."""
    live = service().live.take()
    alike = Counter(normalise(choice.question) for choice in choices)
    hinted = {slug for slug, entry in live.faq.items() if entry.shown != entry.question} if live else set()
    return [
        replace(choice, beside=choice.slug)
        if alike[normalise(choice.question)] > 1 or choice.slug in hinted
        else choice
        for choice in choices
    ]


def search(query: str, shown: set[str]) -> list[Choice]:
    """FAQs by meaning, and by the letters of their question."""
    live = service().live.take()
    words = normalise(query)
    lettered = [entry for entry in live.faq.values() if words in normalise(entry.question)] if live and words else []
    similar = _similar(query, FOUND + len(shown))
    unique = {entry.slug: entry for entry in [*lettered, *similar] if entry.slug not in shown}
    return [Choice(entry.slug, entry.question) for entry in list(unique.values())[:FOUND]]


def _others(text: str, shown: set[str], limit: int) -> list[Choice]:
    found = [entry for entry in _similar(text, limit + len(shown)) if entry.slug not in shown]
    return [Choice(entry.slug, entry.question) for entry in found[:limit]]


def _similar(text: str, limit: int) -> list[FaqEntry]:
    """FAQs by meaning, of the beginning of what is longer than a message may be; none while no version serves."""
    if service().live.take() is None or not normalise(text):
        return []
    found, _ = service().search(text[: service().settings.max_message_chars], limit=limit)
    return [entry for entry, _ in found]
