"""Faults found by scoring phrasings out of sample: wrong labels, entries to merge or split."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.unseen import score_unseen
from helpdesk.learning.data.splits import row_groups
from helpdesk.learning.data_check.findings import HINT, WARNING, Data, Finding

MIN_ROWS = 3  # of an entry whose labels are judged: below, its own phrasings cannot speak for it
SURE_WRONG, SURE_OTHER = 0.1, 0.5
MERGE_SHARE, MERGE_ROWS = 0.2, 3
SPLIT_ROWS, SPLIT_SHARE, SPLIT_RATIO = 8, 0.2, 0.5
_SHOWN = 3
Floats = NDArray[np.float64]


def check_labels(data: Data, *, seed: int) -> Iterator[Finding]:
    """Everything this module looks for."""
    probabilities = out_of_sample(data, seed=seed)
    yield from _label_errors(data, probabilities)
    yield from _merges(data, probabilities)
    yield from _splits(data, seed=seed)


def out_of_sample(data: Data, *, seed: int) -> Floats:
    """P(intent | row) [n, intents], each row scored by a fold that left it and its near-duplicates out.

    A row that no fold measures, in a FAQ of very few phrasings, gets probability 1 for its own label.
    """
    nothing = np.empty((0, data.vectors.shape[1]), dtype=np.float32)
    groups = np.array(row_groups(data.dataset))
    folds = frozen_folds(data.vectors, data.intents, nothing, groups=groups, seed=seed)
    found = np.eye(len(data.dataset.intents))[data.intents]
    if not folds:
        return found
    fitted = fit_scorer(data.vectors, data.intents, nothing, folds, seed=seed)
    for fold, scorer in zip(folds, fitted.unseen, strict=True):
        scored = score_unseen(scorer, fold.test_vectors, indexed=fold.train_vectors, intents=fold.train_intents)
        found[fold.test_rows] = [scores.confidence for scores in scored]
    shares: Floats = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-300)
    return shares


def label_quality(data: Data, probabilities: Floats) -> Floats:
    """Per row, how likely its own label is: the self-confidence of confident learning."""
    quality: Floats = probabilities[np.arange(len(data.intents)), data.intents]
    return quality


def label_issues(data: Data, probabilities: Floats) -> NDArray[np.int64]:
    """Rows whose label is probably wrong, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068) estimates how many there are; the rows
    with the least self-confidence are taken. A text that stands in two entries is another finding.
    """
    from cleanlab.filter import find_label_issues

    counts = np.bincount(data.intents, minlength=probabilities.shape[1])
    judged = np.flatnonzero((counts >= MIN_ROWS)[data.intents])
    kept, labels = np.unique(data.intents[judged], return_inverse=True)
    if len(kept) < 2:
        return np.empty(0, dtype=np.int64)
    shares = probabilities[np.ix_(judged, kept)]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    marked = find_label_issues(labels, shares, filter_by="low_self_confidence", n_jobs=1)
    rows = judged[marked]
    order: NDArray[np.int64] = rows[np.argsort(label_quality(data, probabilities)[rows], kind="stable")]
    return order


def _label_errors(data: Data, probabilities: Floats) -> Iterator[Finding]:
    times = Counter(data.dataset.texts)
    for number in label_issues(data, probabilities):
        row = data.dataset.train[number]
        best = int(probabilities[number].argmax())
        own, other = probabilities[number, data.intents[number]], probabilities[number, best]
        if times[row.text] > 1 or best == data.intents[number]:
            continue
        likely = data.dataset.intents[best]
        yield Finding(
            "probable label error",
            WARNING if own < SURE_WRONG and other > SURE_OTHER else HINT,
            f'"{row.text}" is in {row.intent} ({own:.0%}) but reads like {likely} ({other:.0%})',
            "move it to the other entry, or reword it if it belongs where it is",
            slugs=(row.intent, likely),
            texts=(row.text,),
            rows=(row.id,),
        )


def _merges(data: Data, probabilities: Floats) -> Iterator[Finding]:
    """Two entries of whose phrasings a fifth is taken for the other's, in both directions."""
    count = probabilities.shape[1]
    taken = np.zeros((count, count), dtype=np.int64)
    np.add.at(taken, (data.intents, probabilities.argmax(axis=1)), 1)
    sizes = np.bincount(data.intents, minlength=count)
    for first, second in np.argwhere(np.triu((taken > 0) & (taken.T > 0), 1)):
        confused = int(taken[first, second] + taken[second, first])
        total = int(sizes[first] + sizes[second])
        if confused >= MERGE_ROWS and confused >= MERGE_SHARE * total:
            pair = (data.dataset.intents[first], data.dataset.intents[second])
            yield Finding(
                "merge",
                HINT,
                f"{confused} of {total} phrasings of {pair[0]} and {pair[1]} are taken for the other's",
                "merge the two entries if one answer serves both; else move the phrasings that are in the wrong one",
                slugs=pair,
            )


def _splits(data: Data, *, seed: int) -> Iterator[Finding]:
    """Entries whose phrasings fall into two groups, within which they are twice as alike as across."""
    for number, slug in enumerate(data.dataset.intents):
        rows = np.flatnonzero(data.intents == number)
        if len(rows) < SPLIT_ROWS:
            continue
        half = _two_halves(data, rows, seed=seed)
        if half is not None:
            groups = [rows[half], rows[~half]]
            shown = [row for group in groups for row in group[:_SHOWN]]
            yield Finding(
                "split",
                HINT,
                f"the phrasings of {slug} fall into two groups: "
                + " and ".join(f'{len(group)} like "{data.dataset.texts[group[0]]}"' for group in groups),
                "split the entry in two if the groups need different answers",
                slugs=(slug,),
                texts=tuple(data.dataset.texts[row] for row in shown),
                rows=tuple(data.dataset.train[row].id for row in shown),
            )


def _two_halves(data: Data, rows: NDArray[np.int64], *, seed: int) -> NDArray[np.bool_] | None:
    """Which rows are in the first of two clear groups, None when there are no two."""
    from sklearn.cluster import KMeans

    vectors = data.vectors[rows]
    half: NDArray[np.bool_] = KMeans(2, n_init=4, random_state=seed).fit(vectors).labels_ == 0
    smaller = min(half.sum(), (~half).sum())
    if smaller < max(_SHOWN, SPLIT_SHARE * len(rows)):
        return None
    alike = vectors @ vectors.T
    within = [_mean_off_diagonal(alike[np.ix_(part, part)]) for part in (half, ~half)]
    between = float(alike[np.ix_(half, ~half)].mean())
    return half if between < SPLIT_RATIO * float(np.average(within, weights=[half.sum(), (~half).sum()])) else None


def _mean_off_diagonal(square: NDArray[np.float32]) -> float:
    count = len(square)
    return float((square.sum() - np.trace(square)) / (count * count - count))
