"""Which stored entry each entry of a file means: by its name, or by its question."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from helpdesk.records.faq import Entry
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.names import Slugs
from helpdesk.records.tables import Intent
from helpdesk.text import humanise, normalise


@dataclass(frozen=True)
class Clash:
    """An entry that is left out: another one, `other`, has its question or its name. It could be that one's new name
    when `renames`."""

    line: int
    slug: str
    question: str
    other: str
    reason: str
    renames: bool = False


@dataclass(frozen=True)
class StoredFaq:
    """One reading of the FAQ, phrasings loaded; outside: the normalised out-of-scope examples."""

    revision: int
    slugs: Slugs
    intents: Sequence[Intent]
    outside: Collection[str] = ()

    def by_question(self) -> dict[str, list[Intent]]:
        """Entries by their normalised question."""
        found: dict[str, list[Intent]] = defaultdict(list)
        for intent in self.intents:
            found[normalise(intent.question)].append(intent)
        return found


@dataclass
class Matched:
    """Entries of a file beside the stored ones that they mean, None for new ones.

    formerly: today's slugs of those that are renamed, by the file's. taken: entries of the file by the id of the stored
    one that they mean, those of clashes included.
    """

    pairs: list[tuple[Entry, Intent | None]] = field(default_factory=list)
    formerly: dict[str, str] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)
    taken: dict[int, Entry] = field(default_factory=dict)


def match_entries(stored: StoredFaq, found: FaqFile, renames: Collection[str] | None) -> Matched:
    """Find the stored entry of each one of the file: by name, and where files name none by question.

    An entry that is left out keeps the question that it has, so what else wants that one is looked at again.
    """
    first = Matched()
    _meet(first, stored, found)
    clashes = {clash.slug: clash for clash in first.clashes}
    while True:
        matched = Matched(taken=dict(first.taken))
        left = [(entry, intent) for entry, intent in first.pairs if entry.slug not in clashes]
        questions = _questions_after(stored.intents, left)
        for entry, intent in left:
            _admit(matched, found, entry, intent, questions=questions, renames=renames)
        if not matched.clashes:
            matched.clashes = sorted(clashes.values(), key=lambda clash: clash.line)
            return matched
        clashes |= {clash.slug: clash for clash in matched.clashes}


def _meet(matched: Matched, stored: StoredFaq, found: FaqFile) -> None:
    by_question = stored.by_question()
    for entry in found.entries:
        intent = stored.slugs.find(entry.slug)
        alike = by_question.get(normalise(entry.question or ""), [])
        if intent is None and not found.named and len(alike) == 1:
            intent = alike[0]
        if intent is not None and (other := matched.taken.setdefault(intent.id, entry)) is not entry:
            reason = f"is another name of {intent.slug}, which the file has as {other.name or other.slug}, too"
            matched.clashes.append(_clash(found, entry, intent, intent.slug, reason))
        else:
            matched.pairs.append((entry, intent))


def question_after(entry: Entry, intent: Intent | None) -> str:
    """The question that it will have."""
    return entry.question or (intent.question if intent is not None else humanise(entry.name or entry.slug))


def _questions_after(
    intents: Iterable[Intent], met: Iterable[tuple[Entry, Intent | None]]
) -> dict[str, list[Intent | Entry]]:
    """Who asks each question when all that is stored has what the file says of it; the file's own are not in it yet."""
    said = {intent.id: entry.question for entry, intent in met if intent is not None and entry.question}
    questions: dict[str, list[Intent | Entry]] = defaultdict(list)
    for intent in intents:
        questions[normalise(said.get(intent.id) or intent.question)].append(intent)
    return questions


def _admit(
    matched: Matched,
    found: FaqFile,
    entry: Entry,
    intent: Intent | None,
    *,
    questions: dict[str, list[Intent | Entry]],
    renames: Collection[str] | None,
) -> None:
    """Take an entry up unless another one has its question; a stored one that the file has not may be renamed to it."""
    question = question_after(entry, intent)
    key = normalise(question)
    rivals = [rival for rival in questions[key] if rival is not intent]
    asks_anew = intent is None or normalise(intent.question) != key
    if not rivals or not asks_anew:
        matched.pairs.append((entry, intent))
        if intent is None:
            questions[key].append(entry)
        return
    rival = rivals[0]
    renamable = intent is None and len(rivals) == 1 and isinstance(rival, Intent) and rival.id not in matched.taken
    if renamable and isinstance(rival, Intent) and (renames is None or entry.slug in renames):
        matched.taken[rival.id] = entry
        matched.formerly[entry.slug] = rival.slug
        matched.pairs.append((entry, rival))
        return
    reason = f"has the same question as {rival.slug}; one of the two needs another one"
    matched.clashes.append(_clash(found, entry, intent, rival.slug, reason, renames=renamable))


def _clash(
    found: FaqFile, entry: Entry, intent: Intent | None, other: str, reason: str, *, renames: bool = False
) -> Clash:
    line = found.lines.get(entry.slug, 0)
    return Clash(line, entry.slug, question_after(entry, intent), other, reason, renames)
