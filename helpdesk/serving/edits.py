"""What serves as it would be after an edit of the FAQ or one more label, before the next night trains."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.matching import edits
from helpdesk.matching.known_texts import Additions
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.live import Live
from helpdesk.text import normalise, slugify, text_key


def with_label(live: Live, text: str, slug: str) -> Live:
    """With the label that a text means this entry. Raises BadInputError when nothing can be learnt from it."""
    normalised = normalise(text)
    if not normalised or slug not in live.faq:
        raise BadInputError(f"label {slug!r} for {text!r:.60}; expected a published entry, and a text with letters")
    vector = live.matcher.bundle.encoder.encode([normalised])[0]
    bundle = edits.with_label(live.matcher.bundle, text_key(normalised), vector, slug)
    return replace(live, matcher=live.matcher.over(bundle))


def without_entry(live: Live, slug: str) -> Live:
    """Without an entry: deleted, archived or taken back to draft. Raises BadInputError when it is not published."""
    _published(live, slug)
    return _with_faq(live, {name: entry for name, entry in live.faq.items() if name != slug})


def with_merge(live: Live, slug: str, into: str) -> Live:
    """With everything of one entry in another. Raises ConflictError for one and the same."""
    _published(live, slug)
    _published(live, into)
    if slug == into:
        raise ConflictError(f"{slug!r} cannot be merged into itself; name two entries")
    names = {slug: into}
    merged = without_entry(live, slug)
    additions = _renamed(live.additions, names)
    return replace(merged, matcher=live.matcher.renamed(names), additions=additions, names={**live.names, **names})


def with_split(live: Live, slug: str, phrasings: Collection[int], question: str) -> Live:
    """With some phrasings of an entry, by their ids, as another one that asks `question`.

    Raises BadInputError when one of the two would have none, or when the question has no letters.
    """
    entry = _published(live, slug)
    new = slugify(question)
    if not new or new in live.faq:
        raise BadInputError(f"question {question!r:.60}; expected one of letters that no entry has")
    rows = {f"phrasing:{number}" for number in phrasings}
    bundle = edits.with_split(live.matcher.bundle, slug, rows, new)
    fresh = replace(entry, slug=new, question=question.strip(), shown=question.strip())
    return _with_faq(replace(live, matcher=live.matcher.over(bundle)), {**live.faq, new: fresh})


def _published(live: Live, slug: str) -> FaqEntry:
    if slug not in live.faq:
        raise BadInputError(f"{slug!r} is not published, so nothing is answered with it")
    return live.faq[slug]


def _with_faq(live: Live, faq: dict[str, FaqEntry]) -> Live:
    answered = frozenset(slug for slug, entry in faq.items() if entry.answer.strip())
    return replace(live, faq=faq, answered=answered)


def _renamed(additions: Additions, names: Mapping[str, str]) -> Additions:
    def today(slugs: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted({names.get(slug, slug) for slug in slugs}))

    exact = {key: today(slugs) for key, slugs in additions.exact.items()}
    return replace(additions, exact=exact, intents=tuple(today(slugs) for slugs in additions.intents))
