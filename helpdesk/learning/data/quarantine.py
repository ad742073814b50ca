"""Labels that do not train yet: a planted phrase is in them. Pure.

A backdoor by trigger phrase (Chen et al. 2017, arXiv 1712.05526): when one login labels messages about many different
things as one intent, and all contain the same phrase, then about twenty labels make any message with that phrase get
that answer. Honest labels share phrases too, but a phrase that belongs to an intent occurs in messages that the bot
took for one or two other intents, or in the FAQ, or in what somebody else labelled.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

FEW_LABELS = 5
DIFFERENT, MORE_DIFFERENT = 4, 6  # intents that the first few messages with a phrase, or twice as many, were taken for
OWN_SHARE = 0.8  # of all rows with the phrase
_LONGEST = 4  # words
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Said:
    """A text and its intent ("" out of scope) as somebody labelled it. author: a login, "" for the FAQ itself."""

    row: str
    text: str
    intent: str
    author: str = ""
    message_id: int = 0


@dataclass(frozen=True)
class Quarantined:
    """Rows of one login and one intent in quarantine. phrase: what they share."""

    author: str
    intent: str
    rows: tuple[str, ...]
    phrase: str

    def __str__(self) -> str:
        what = f"{len(self.rows)} labels by {self.author} as {self.intent} are in quarantine"
        return (
            f'{what}: they share "{self.phrase}" in messages about different things. They train once another login '
            "labels such a message the same way, or the entry has a phrasing with it"
        )


def quarantined(
    labels: Sequence[Said],
    phrasings: Sequence[Said],
    *,
    taken_for: Callable[[Collection[int]], Mapping[int, str]],
) -> list[Quarantined]:
    """The labels in quarantine, by login and intent. `taken_for`: message ids -> intents ranked first back then."""
    groups: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for label in labels:
        if label.intent:
            groups[label.author, label.intent].append(label)
    shared = {key: phrases for key, group in groups.items() if (phrases := _shared(group))}
    return list(_planted(groups, shared, [*labels, *phrasings], taken_for)) if shared else []


def _shared(group: Sequence[Said]) -> set[str]:
    """The phrases that at least `FEW_LABELS` of these texts contain."""
    if len(group) < FEW_LABELS:
        return set()
    counts = Counter(phrase for label in group for phrase in _phrases(label.text))
    return {phrase for phrase, count in counts.items() if count >= FEW_LABELS}


def _phrases(text: str) -> set[str]:
    """All runs of one to four words."""
    words = _WORDS.findall(text)
    return {
        " ".join(words[start : start + length])
        for length in range(1, _LONGEST + 1)
        for start in range(len(words) - length + 1)
    }


def _planted(
    groups: Mapping[tuple[str, str], Sequence[Said]],
    shared: Mapping[tuple[str, str], set[str]],
    everything: Sequence[Said],
    taken_for: Callable[[Collection[int]], Mapping[int, str]],
) -> Iterator[Quarantined]:
    wanted = set().union(*shared.values())
    sources: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for said in everything:
        for phrase in wanted & _phrases(said.text):
            sources[phrase][said.author, said.intent] += 1
    for (author, intent), phrases in shared.items():
        own = {phrase for phrase in phrases if _is_own(sources[phrase], author, intent)}
        having: dict[str, list[Said]] = defaultdict(list)
        for label in sorted(groups[author, intent], key=lambda label: label.message_id):
            for phrase in own & _phrases(label.text):
                having[phrase].append(label)
        planted = [phrase for phrase in having if _about_anything(having[phrase], intent, taken_for)]
        if planted:
            rows = dict.fromkeys(label.row for phrase in planted for label in having[phrase])
            yield Quarantined(author, intent, tuple(sorted(rows, key=_number)), max(planted, key=lambda p: (len(p), p)))


def _is_own(counts: Mapping[tuple[str, str], int], author: str, intent: str) -> bool:
    """Whether nearly all rows with a phrase are this login's for this intent, and nobody else says that it means it.

    What the same login calls none of the FAQs does not speak for the phrase.
    """
    agreed = any(other == intent and who != author for who, other in counts)
    total = sum(count for said, count in counts.items() if said != (author, ""))
    return not agreed and counts[author, intent] >= OWN_SHARE * total


def _about_anything(
    labels: Sequence[Said], intent: str, taken_for: Callable[[Collection[int]], Mapping[int, str]]
) -> bool:
    """The first messages count, in the order they came: later ones were met by a bot that had learnt from them."""
    taken = taken_for([label.message_id for label in labels[: 2 * FEW_LABELS]])
    others = [taken.get(label.message_id, intent) for label in labels[: 2 * FEW_LABELS]]
    few, more = set(others[:FEW_LABELS]) - {intent}, set(others) - {intent}
    return len(few) >= DIFFERENT or len(more) >= MORE_DIFFERENT


def _number(row: str) -> int:
    return int(row.rpartition(":")[2])
