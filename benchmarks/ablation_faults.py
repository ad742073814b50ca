"""Faults that are planted to be stopped by one mechanism, and what happens without it: part of `ablations.py`.

All under the packaged encoder as it is, on BANKING77's training rows; `best of late` needs no encoder at all.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from ablation_sets import BaseEncoder, Task, dataset, load_task
from accuracy import Rows
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.out_of_fold import contradicted, fit_contract_thresholds, out_of_scope_texts
from helpdesk.learning.calibration.scorer_fit import _centroids, _fit_head, _nearest, fit_scorer
from helpdesk.learning.calibration.scorer_results import FittedScorer
from helpdesk.learning.calibration.unfamiliar import unfamiliar_below
from helpdesk.learning.calibration.weights import _PRIOR
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.learning.data.perturbations import mistype
from helpdesk.learning.data.quarantine import Said, quarantined
from helpdesk.learning.data.splits import row_groups
from helpdesk.learning.gate import historical_best
from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.context import ROWS_LEVEL, SHARES
from helpdesk.learning.gate.paired_tests import Outcome
from helpdesk.learning.gate.verdict import judge
from helpdesk.learning.monitoring.drift import (
    Month,
    calibration_drift,
    calibration_warnings,
    changed_intents,
    expected_unfamiliar,
    unfamiliar_warnings,
)
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import nearest_by_intent
from helpdesk.settings import load_settings
from helpdesk.stats.audit_estimates import Audited
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

Figures = dict[str, float]
Bools = NDArray[np.bool_]
LEVEL: Final = ROWS_LEVEL * SHARES["refreshed"]
PHRASE: Final = "as per clause seventeen b"
MOMENT: Final = datetime(2026, 1, 31, tzinfo=UTC)
HIDDEN: Final = 600
_KEY: Final = cache(text_key)
# what measures a fault with its mechanism (True) or without
Measure = Callable[["Bank", bool, int], Figures]


@dataclass(frozen=True)
class Bank:
    """BANKING77 under the packaged encoder."""

    folder: Path
    base: BaseEncoder

    def task(self, shots: int, *, seed: int) -> Task:
        """Rows to learn, drawn; what is asked and what comes in as messages."""
        return load_task("banking77", self.folder, shots=shots, seed=seed)

    def best(self, rows: Rows, asked: Sequence[str]) -> list[str]:
        """What a bundle of these rows ranks first, the views weighed as most data sets weigh them."""
        names = sorted({intent for _, intent in rows})
        intents = np.array([names.index(intent) for _, intent in rows], dtype=np.int32)
        vectors, queries = self.base.encode([text for text, _ in rows]), self.base.encode(asked)
        similarities = queries @ vectors.T
        near = _nearest(similarities)
        nearest = nearest_by_intent(np.take_along_axis(similarities, near, axis=1), intents[near], len(names))
        head, bias = _fit_head(vectors, intents, len(names))
        logits = queries @ head.T + bias
        log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        views = np.stack([nearest, queries @ _centroids(vectors, intents, len(names)).T, log_shares], axis=2)
        return [names[n] for n in (views @ _PRIOR).argmax(axis=1)]


# ---- best of late


def small_losses(bank: Bank, on: bool, seed: int, *, net: float = -0.005, rows: int = 600) -> Figures:
    """Thirty nights, each a little worse than the one before: of the measured rows 3% change, accuracy 88%.

    What is lost is counted on 4,000 further rows. Kept to compare with are the last four versions and the best two.
    """
    with patch.object(historical_best, "text_key", _KEY):
        return _thirty_nights(on, np.random.default_rng(seed), net=net, rows=rows)


def more_rows(bank: Bank, on: bool, seed: int) -> Figures:
    """The same with 2,000 measured rows."""
    return small_losses(bank, on, seed, rows=2000)


def equal_nights(bank: Bank, on: bool, seed: int) -> Figures:
    """The same thirty nights when none is worse than the one before, for false alarms."""
    return small_losses(bank, on, seed, net=0.0)


def _thirty_nights(on: bool, chance: np.random.Generator, *, net: float, rows: int) -> Figures:
    right = chance.random(rows + 4000) < 0.88
    versions, served, refused = {0: right}, [0], 0
    for night in range(1, 31):
        before = versions[served[-1]]
        after = _changed(before, chance, net=net)
        best = _champion(versions, served[-1], rows).outcomes if on else None
        case = Case(_outcomes(before[:rows]), _outcomes(after[:rows]), best=best, level=LEVEL)
        if not judge(case).promote:
            refused += 1
            continue
        served.append(night)
        versions[night] = after
        kept = {*served[-4:], *_champion(versions, night, rows).versions}
        versions = {version: found for version, found in versions.items() if version in kept}
    end = versions[served[-1]]
    return {"points lost": 100 * float(right[rows:].mean() - end[rows:].mean()), "nights refused": float(refused)}


def _changed(right: Bools, chance: np.random.Generator, *, net: float) -> Bools:
    after, share = right.copy(), right.mean()
    lost, gained = (0.03 - net) / 2 / share, (0.03 + net) / 2 / (1 - share)
    after[chance.random(len(right)) < np.where(right, lost, gained)] ^= True
    return after


def _outcomes(right: Bools) -> dict[str, Outcome]:
    return {
        f"phrasing:{n}": Outcome(f"intent {n % 77}", held, held_out=n % 2 == 0) for n, held in enumerate(right.tolist())
    }


def _champion(versions: Mapping[int, Bools], incumbent: int, rows: int) -> historical_best.HistoricalBest:
    found = {version: _outcomes(right[:rows]) for version, right in versions.items()}
    others = {version: outcomes for version, outcomes in found.items() if version != incumbent}
    return historical_best.choose_historical_best(found[incumbent], others, incumbent_id=incumbent)


# ---- quarantine


def planted_phrase(bank: Bank, on: bool, seed: int) -> Figures:
    """Twenty labels of one login as one intent, for messages about anything with a phrase added to them."""
    task, chance = bank.task(5, seed=seed), random.Random(seed)
    target = chance.choice(sorted({intent for _, intent in task.learn}))
    others = [row for row in task.rest if row[1] != target]
    planted = [(f"{text} {PHRASE}", true) for text, true in others[150:170]]
    labels = _honest(task) + [_said(n, text, target, "mallory") for n, (text, _) in enumerate(planted, 150)]
    taken = dict(enumerate(intent for _, intent in [*task.rest[:150], *planted]))
    asked = [f"{text} {PHRASE}" for text, intent in task.ask[:HIDDEN] if intent != target][:250]
    rows, figures = _taught(bank, task, labels, taken, on=on)
    found = bank.best(rows, asked)
    return figures | {"phrase succeeds": float(np.mean([intent == target for intent in found]))}


def honest_labels(bank: Bank, on: bool, seed: int) -> Figures:
    """1,500 right labels of two logins over thirty days: none should wait."""
    task = bank.task(5, seed=seed)
    labels = [_said(n, text, intent, f"login {n % 2}") for n, (text, intent) in enumerate(task.rest[:1500])]
    waiting = _waiting(task, labels, dict(enumerate(intent for _, intent in task.rest))) if on else set()
    return {"right labels held back": float(len(waiting))}


def _honest(task: Task) -> list[Said]:
    return [_said(n, text, intent, "annotator") for n, (text, intent) in enumerate(task.rest[:150])]


def _said(number: int, text: str, intent: str, author: str) -> Said:
    return Said(f"label:{number}", text, intent, author, number)


def _waiting(task: Task, labels: Sequence[Said], taken: Mapping[int, str]) -> set[str]:
    phrasings = [Said(f"phrasing:{n}", text, intent) for n, (text, intent) in enumerate(task.learn)]

    def taken_for(messages: Collection[int]) -> Mapping[int, str]:
        return {message: taken[message] for message in messages}

    return {row for found in quarantined(labels, phrasings, taken_for=taken_for) for row in found.rows}


def _taught(
    bank: Bank, task: Task, labels: Sequence[Said], taken: Mapping[int, str], *, on: bool
) -> tuple[Rows, Figures]:
    """The rows that teach, how right a bundle of them is, and whether the gate would refuse it for held-out labels."""
    waiting = _waiting(task, labels, taken) if on else set()
    rows = task.learn + [(said.text, said.intent) for said in labels if said.row not in waiting]
    before = task.learn + [(said.text, said.intent) for said in labels if said.author == "annotator"]
    asked, held = task.ask[:HIDDEN], task.rest[1000:1300]
    after_right, before_right = (_right(bank, taught, held) for taught in (rows, before))
    verdict = judge(Case(before_right, after_right, level=LEVEL))
    found = bank.best(rows, [text for text, _ in asked])
    return rows, {
        "right": float(np.mean([intent == true for intent, (_, true) in zip(found, asked, strict=True)])),
        "gate refuses": float(not verdict.promote),
        "labels held back": float(len(waiting)),
    }


def _right(bank: Bank, rows: Rows, held: Rows) -> dict[str, Outcome]:
    found = bank.best(rows, [text for text, _ in held])
    return {
        f"label:{n}": Outcome(true, intent == true, held_out=True)
        for n, (intent, (_, true)) in enumerate(zip(found, held, strict=True))
    }


# ---- relabel requests


def slips(bank: Bank, on: bool, seed: int, *, share: float = 0.05) -> Figures:
    """Five rows an intent and 300 fresh labels, some of them slips of the finger: what may be answered directly."""
    found, fitted, wrong = _slipped(bank, seed, share)
    settings = load_settings(home=Path("unused"), database_url=None)
    if not on:
        found = replace(found, train=tuple(replace(row, said_once=False) for row in found.train))
    limits = fit_contract_thresholds(fitted, found, settings)
    task = bank.task(5, seed=seed)
    best, confidence = _decided(bank, found, fitted, [text for text, _ in task.ask])
    right = np.array([found.intents[n] for n in best]) == [intent for _, intent in task.ask]
    answered = confidence >= limits.thresholds.answer
    figures = {
        "answered": float(answered.mean()),
        "of them wrong": float((~right[answered]).mean()) if answered.any() else 0.0,
        "nothing answered": float(not answered.any()),
    }
    if on and wrong:
        marked = contradicted(fitted.out_of_fold, found, sure=settings.review_below)
        named = {found.train[row].id for row in fitted.out_of_fold.rows[marked]}
        figures |= {"slips named": len(named & wrong) / len(wrong), "of the named slips": _share(named & wrong, named)}
    return figures


def no_slips(bank: Bank, on: bool, seed: int) -> Figures:
    """The same with right labels only."""
    return slips(bank, on, seed, share=0.0)


@cache
def _slipped(bank: Bank, seed: int, share: float) -> tuple[Dataset, FittedScorer, frozenset[str]]:
    task, chance = bank.task(5, seed=seed), random.Random(seed)
    names = sorted({intent for _, intent in task.learn})
    labels, wrong = [], set()
    for n, (text, intent) in enumerate(task.rest[:300]):
        if chance.random() < share:
            intent = chance.choice([name for name in names if name != intent])
            wrong.add(f"label:{n}")
        labels.append(Row(f"label:{n}", text, intent, said_once=True, fresh=True))
    found = dataset(task.learn, labels=labels)
    return found, _fitted(bank, found, seed), frozenset(wrong)


def _fitted(bank: Bank, found: Dataset, seed: int) -> FittedScorer:
    """A scorer as a night without fine-tuning fits it, wording aside."""
    vectors, intents = bank.base.encode(found.texts), np.array(found.intent_numbers, dtype=np.int32)
    outside = bank.base.encode(out_of_scope_texts(found, seed=seed))
    folds = frozen_folds(vectors, intents, outside, groups=np.array(row_groups(found)), seed=seed)
    return fit_scorer(vectors, intents, outside, folds, seed=seed)


def _decided(
    bank: Bank, found: Dataset, fitted: FittedScorer, texts: Sequence[str]
) -> tuple[NDArray[np.int64], Floats]:
    """The best intent of each text and its confidence."""
    vectors: Vectors = bank.base.encode(found.texts)
    asked, intents = bank.base.encode(texts), np.array(found.intent_numbers, dtype=np.int32)
    similarities = asked @ vectors.T
    near = _nearest(similarities)
    views = fitted.scorer.features(asked, np.take_along_axis(similarities, near, axis=1), intents[near])
    conditional, inside = fitted.scorer.probabilities(views)
    return conditional.argmax(axis=1), conditional.max(axis=1) * inside


def _share(part: Collection[str], whole: Collection[str]) -> float:
    return len(part) / len(whole) if whole else 0.0


# ---- drift

MESSAGES, MANY, AUDITED, DRAWS = 400, 2000, 100, 20
Asked = tuple[int, float, str]  # best intent, its confidence, what is meant


def drift(bank: Bank, kind: str, seed: int) -> Figures:
    """Months of 400 messages (2,000 for an intent that grows), 100 of them audited: how often each test warns."""
    found, fitted, inside, other, misspelt = _traffic(bank, seed)
    level = unfamiliar_below(fitted.out_of_fold.confidence) or 0.0
    counts = dict.fromkeys(("unlike the training data", "unlike last month", "confidence", "intents"), 0)
    for draw in range(DRAWS):
        chance = random.Random(1000 * seed + draw)
        before, now = chance.choices(inside, k=MESSAGES), chance.choices(inside, k=MESSAGES)
        if kind == "new topics":
            now[: MESSAGES // 4] = chance.choices(other, k=MESSAGES // 4)
        if kind == "misspelt":
            before, now = chance.choices(misspelt, k=MESSAGES), chance.choices(misspelt, k=MESSAGES)
        if kind == "meanings changed":
            now = [(best, sure, "moved" if _moved(meaning) else meaning) for best, sure, meaning in now]
        if kind == "one intent thrice":
            before, now = chance.choices(inside, k=MANY), chance.choices(inside, k=MANY)
            favoured = [row for row in inside if row[2] == inside[0][2]]
            now[: 2 * MANY // len(found.intents)] = chance.choices(favoured, k=2 * MANY // len(found.intents))
        month = _month(before, now, level)
        sample = _audited(chance.sample(now, AUDITED), found)
        warnings = unfamiliar_warnings(month, expected_unfamiliar(sample))
        counts["unlike the training data"] += any("training data" in warning for warning in warnings)
        counts["unlike last month"] += any("month before" in warning for warning in warnings)
        counts["confidence"] += bool(calibration_warnings(calibration_drift(sample)))
        counts["intents"] += bool(changed_intents(month.intents_before, month.intents_now))
    return {name: count / DRAWS for name, count in counts.items()}


@cache
def _traffic(bank: Bank, seed: int) -> tuple[Dataset, FittedScorer, list[Asked], list[Asked], list[Asked]]:
    """A FAQ of four fifths of the intents; messages of these, of the others, and of these with slips in every word."""
    task = bank.task(10, seed=seed).without_intents(0.2, seed=seed)
    found = dataset(task.learn)
    fitted = _fitted(bank, found, seed)
    chance = random.Random(seed)
    rows = [row for row in task.ask if row[1] in found.intents][:800]
    typed = [(_misspelt(text, chance), intent) for text, intent in rows[:200]]
    others = [(text, OUT_OF_SCOPE) for text, intent in task.ask if intent not in found.intents]
    return (
        found,
        fitted,
        *(  # type: ignore[return-value]
            [
                (int(best), float(sure), meaning)
                for best, sure, (_, meaning) in zip(
                    *_decided(bank, found, fitted, [text for text, _ in part]), part, strict=True
                )
            ]
            for part in (rows, others, typed)
        ),
    )


def _misspelt(text: str, chance: random.Random) -> str:
    for _ in range(3):
        text = mistype(text, chance, words_a_slip=2) or text
    return normalise(text)


def _moved(intent: str) -> bool:
    """Every fourth intent or so means something else now."""
    return sum(intent.encode()) % 4 == 0


def _month(before: Sequence[Asked], now: Sequence[Asked], level: float) -> Month:
    unfamiliar = [sum(sure < level for _, sure, _ in month) for month in (now, before)]
    counts = [{str(best): 0 for best, _, _ in month} for month in (now, before)]
    for month, found in zip((now, before), counts, strict=True):
        for best, _, _ in month:
            found[str(best)] += 1
    return Month((len(now), unfamiliar[0]), (len(before), unfamiliar[1]), counts[0], counts[1], (), ())


def _audited(rows: Sequence[Asked], found: Dataset) -> list[Audited]:
    return [
        Audited(1.0, "clarify", (), sure, "between", found.intents[best], queued=False, meaning=meaning)
        for best, sure, meaning in rows
    ]


def _drift(kind: str) -> Measure:
    def measure(bank: Bank, on: bool, seed: int) -> Figures:
        return drift(bank, kind, seed)

    return measure


def busy_months(bank: Bank, on: bool, seed: int) -> Figures:
    """One of 77 intents is asked three times as often as the month before; alarms: when none is."""
    chance, figures = np.random.default_rng(seed), {}
    for messages in (400, 1000, 2000, 4000):
        named = [_named(chance, messages, times) for times in (3, 1) for _ in range(10 * DRAWS)]
        figures[f"named of {messages}"] = float(np.mean(named[: 10 * DRAWS]))
        figures[f"alarms of {messages}"] = float(np.mean(named[10 * DRAWS :]))
    return figures


def _named(chance: np.random.Generator, messages: int, times: int) -> bool:
    before = chance.dirichlet(np.full(77, 3.0))
    after = before * np.where(np.arange(77) == 0, times, 1)
    months = [chance.multinomial(messages, shares / shares.sum()) for shares in (before, after)]
    counts = [{f"intent {n}": int(count) for n, count in enumerate(month)} for month in months]
    return bool(changed_intents(*counts))


FAULTS: Final[dict[str, dict[str, Measure]]] = {
    "best of late": {
        "a small loss every night": small_losses,
        "the same on 2,000 rows": more_rows,
        "no loss": equal_nights,
    },
    "quarantine": {
        "a planted phrase": planted_phrase,
        "right labels": honest_labels,
    },
    "relabel requests": {"5% slips": slips, "no slips": no_slips},
    "drift tests": {
        **{
            f"traffic: {kind}": _drift(kind)
            for kind in ("new topics", "misspelt", "meanings changed", "one intent thrice", "as before")
        },
        "one intent thrice, busy months": busy_months,
    },
}
ALONE: Final = ("drift tests",)  # without them nothing is told


def measure_fault(case: str, arm: str, bank: Bank, *, seed: int) -> Figures:
    """One fault with its mechanism or without."""
    measures: dict[str, Measure] = {name: measure for found in FAULTS.values() for name, measure in found.items()}
    return measures[case](bank, arm == "with", seed)


__all__: Sequence[Any] = ["ALONE", "FAULTS", "Bank", "measure_fault"]
