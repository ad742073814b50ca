"""Faults found from the texts alone: equal or similar in two entries, too few, too many, no answer."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.data_check.findings import ERROR, HINT, WARNING, Data, Finding
from helpdesk.near_duplicates import near_pairs
from helpdesk.text import counted, normalise

FEW_PHRASINGS = 3
IMBALANCE = 5
NEAR_MEANING = 0.94  # cosine of centred vectors
NEAR_DUPLICATE_MEANING = 0.8  # the same of near-duplicates: one other word may change everything
SAME_QUESTION = 0.90
SAME_CENTRE = 0.92
_BLOCK = 500
Pair = tuple[int, int]


def check_texts(data: Data) -> Iterator[Finding]:
    """Everything this module looks for."""
    yield from _identical(data)
    yield from _near_identical(data)
    yield from _counts(data)
    yield from _duplicate_entries(data)
    yield from _no_answer(data)
    yield from _too_long(data)


def _identical(data: Data) -> Iterator[Finding]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(data.dataset.train):
        rows_of[row.text].append(number)
    for text, numbers in sorted(rows_of.items()):
        if len(numbers) > 1:
            yield _about(
                data,
                numbers,
                ("identical text", ERROR),
                problem=f'"{text}" is a phrasing of {len(numbers)} entries, so it is asked which one is meant',
                advice="remove it from all entries but one",
            )


def _near_identical(data: Data) -> Iterator[Finding]:
    """One finding for each two entries, with their pairs of texts that nearly agree in letters or in meaning."""
    pairs_of: dict[Pair, list[Pair]] = defaultdict(list)
    for pair in sorted(_near_by_letters(data) | _near_by_meaning(data)):
        first, second = sorted(int(data.intents[row]) for row in pair)
        pairs_of[first, second].append(pair)
    for pairs in pairs_of.values():
        slugs = sorted({data.dataset.train[row].intent for row in pairs[0]})
        yield _about(
            data,
            [row for pair in pairs for row in pair],
            ("near-identical texts", WARNING),
            problem=f"{counted(len(pairs), 'pair')} of phrasings of {slugs[0]} and {slugs[1]} nearly agree",
            advice="keep each in the entry that answers it, or merge the entries",
        )


def _near_by_letters(data: Data) -> set[Pair]:
    first, second = near_pairs(data.dataset.texts)
    alike = np.sum(data.centred[first] * data.centred[second], axis=1) >= NEAR_DUPLICATE_MEANING
    return _pairs(data, first[alike], second[alike], start=0)


def _near_by_meaning(data: Data) -> set[Pair]:
    """Each row with its nearest row of another entry, when that is near enough."""
    found: set[Pair] = set()
    for start in range(0, len(data.centred), _BLOCK):
        similarities = data.centred[start : start + _BLOCK] @ data.centred.T
        similarities[data.intents[start : start + _BLOCK, None] == data.intents[None, :]] = -1.0
        nearest = similarities.argmax(axis=1)
        near = np.flatnonzero(similarities[np.arange(len(nearest)), nearest] >= NEAR_MEANING)
        found |= _pairs(data, near, nearest[near], start=start)
    return found


def _pairs(data: Data, left: NDArray[Any], right: NDArray[Any], *, start: int) -> set[Pair]:
    """Ordered pairs of rows of different entries with different texts."""
    texts, intents = data.dataset.texts, data.intents
    pairs = ((int(a) + start, int(b)) for a, b in zip(left, right, strict=True))
    return {(min(p), max(p)) for p in pairs if intents[p[0]] != intents[p[1]] and texts[p[0]] != texts[p[1]]}


def _counts(data: Data) -> Iterator[Finding]:
    counts = Counter(row.intent for row in data.dataset.train)
    sizes = {entry.slug: counts[entry.slug] for entry in data.entries}
    usual = float(np.median(list(sizes.values())))
    for slug, size in sizes.items():
        if size < FEW_PHRASINGS:
            yield Finding(
                "too few phrasings",
                ERROR if size < 2 else WARNING,
                f"{slug} has {counted(size, 'phrasing')}; fewer than {FEW_PHRASINGS} say little about how people ask",
                "add ways in which people ask this; five to ten make a good start",
                slugs=(slug,),
            )
        elif size > IMBALANCE * usual or size * IMBALANCE < usual:
            many = size > usual
            yield Finding(
                "imbalance",
                WARNING if many else HINT,
                f"{slug} has {size} phrasings, the usual entry has {usual:.0f}",
                "add phrasings to the other entries, or split this one" if many else "add phrasings to this entry",
                slugs=(slug,),
            )


def _duplicate_entries(data: Data) -> Iterator[Finding]:
    slugs = data.dataset.intents
    questions = [normalise(data.dataset.questions[slug]) for slug in slugs]
    asks = np.array([bool(question) for question in questions])
    letters = np.zeros((len(slugs), len(slugs)), dtype=np.bool_)
    letters[near_pairs(questions)] = True
    same = (letters & asks) | (_question_similarities(data, questions) >= SAME_QUESTION)
    near = _centre_similarities(data) >= SAME_CENTRE
    for first, second in np.argwhere(np.triu(same | near, 1)):
        pair = (slugs[first], slugs[second])
        reason = "ask nearly the same question" if same[first, second] else "have phrasings with the same meaning"
        yield Finding(
            "duplicate entries",
            WARNING,
            f"{pair[0]} and {pair[1]} {reason}",
            "merge them, or make their questions and phrasings differ",
            slugs=pair,
            texts=tuple(data.dataset.questions[slug] for slug in pair),
        )


def _question_similarities(data: Data, questions: Sequence[str]) -> NDArray[Any]:
    """Cosines [intents, intents] of the canonical questions, 0 for one that is no phrasing."""
    row_of = {(row.text, row.intent): number for number, row in enumerate(data.dataset.train)}
    vectors = np.zeros((len(questions), data.centred.shape[1]), dtype=np.float32)
    for number, key in enumerate(zip(questions, data.dataset.intents, strict=True)):
        if key in row_of:
            vectors[number] = data.centred[row_of[key]]
    similarities: NDArray[Any] = vectors @ vectors.T
    return similarities


def _centre_similarities(data: Data) -> NDArray[Any]:
    sums = np.zeros((len(data.dataset.intents), data.centred.shape[1]))
    np.add.at(sums, data.intents, data.centred)
    centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    similarities: NDArray[Any] = centres @ centres.T
    return similarities


def _no_answer(data: Data) -> Iterator[Finding]:
    slugs = tuple(entry.slug for entry in data.entries if not entry.answer.strip())
    if slugs:
        yield Finding(
            "no answer",
            WARNING,
            f"{len(slugs)} published entries have no answer: messages that ask them are handed over",
            "write the answers, or unpublish the entries",
            slugs=slugs,
        )


def _about(data: Data, numbers: Sequence[int], kind: tuple[str, str], *, problem: str, advice: str) -> Finding:
    """A finding about rows; kind is check and severity."""
    rows = [data.dataset.train[number] for number in numbers]
    return Finding(
        *kind,
        problem,
        advice,
        slugs=tuple(dict.fromkeys(row.intent for row in rows)),
        texts=tuple(row.text for row in rows),
        rows=tuple(row.id for row in rows),
    )


def _too_long(data: Data) -> Iterator[Finding]:
    for row in data.too_long:
        yield Finding(
            "too long",
            WARNING,
            f"a phrasing of {row.intent} is longer than the model reads, so it is only matched as it stands",
            "shorten it to the sentence that asks",
            slugs=(row.intent,),
            texts=(row.text,),
            rows=(row.id,),
        )
