"""Does each mechanism of learning earn its place? With it and without it, on rows that nothing learnt from.

    python benchmarks/ablations.py --folder ../shared/data --only features
    OMP_NUM_THREADS=1 python benchmarks/ablations.py --folder ../shared/data --only training --seeds 0 1 2

features   Each per-intent feature and each out-of-scope feature of the scorer is left out in turn and the weights are
           fitted anew, under the base encoder. Sets: BANKING77 10-shot with a fifth of the intents withheld, CLINC150
           ten rows an intent with its out-of-scope messages, the two domains of clinc_near. Draws (withheld intents,
           rows) are the seeds.
training   The shipped encoder is trained with a mechanism and without it, three seeds: messages that nobody labelled as
           pseudo-labels, noisy copies for intents of three rows, mined hard negatives beside given triplets. Accuracy
           is that of a linear head, of the nearest phrasing and of the vote of ten.

Only training and validation rows are read, never a test file. Results are appended to --out as JSON lines, and what is
there already is not measured again.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from accuracy import Rows
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from helpdesk.learning.calibration import weights
from helpdesk.learning.calibration.folds import Intents, frozen_folds
from helpdesk.learning.calibration.out_of_scope import scrambled
from helpdesk.learning.calibration.reliability import calibration_error
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import Spellings
from helpdesk.learning.data.dataset import Dataset, Lesson, Row, shipped_out_of_scope
from helpdesk.learning.training.auxiliary_examples import Material
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import fine_tune, plan_training
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.matching import scorer as matching_scorer
from helpdesk.matching.encoder import Encoder
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import (
    INTENT_FEATURES,
    NEIGHBOURS,
    SCOPE_FEATURES,
    WORDING,
    Features,
    Scorer,
    with_certainty,
)
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.text import normalise, text_key

OOS = "oos"
SHOTS = 10
MOST_ASKED = 1500
FALSE_REJECTION = 0.04


@dataclass(frozen=True)
class Task:
    """Rows to learn and rows to ask, (text, intent); the intent OOS is out of scope and never learnt."""

    name: str
    learn: Rows
    ask: Rows


def main() -> None:
    """Measure what was asked for, print a table."""
    arguments = _arguments()
    done = {json.dumps(found["key"]): found for found in _stored(arguments.out)}
    jobs = _feature_jobs(arguments) if arguments.only == "features" else _training_jobs(arguments)
    for key, measure in jobs:
        if json.dumps(key) not in done:
            found = {"key": key, **measure()}
            done[json.dumps(key)] = found
            with arguments.out.open("a") as file:
                file.write(json.dumps(found) + "\n")
    print(_table([found for found in done.values() if found["key"][0] == arguments.only]))


# ---- features of the scorer


def _feature_jobs(arguments: argparse.Namespace) -> Iterator[tuple[list[Any], Any]]:
    encoder = _base_encoder(arguments.work)
    left_out = [
        "nothing",
        *(f"intent: {name}" for name in INTENT_FEATURES),
        *(f"scope: {name}" for name in SCOPE_FEATURES[1:]),
    ]
    for seed in arguments.seeds:
        for task in tasks(arguments.folder, seed=seed):
            measured = None
            for name in left_out:
                key = ["features", task.name, name, seed]

                def measure(task: Task = task, name: str = name, seed: int = seed) -> dict[str, float]:
                    return measure_without(task, encoder, name, seed=seed)

                yield key, measure
            del measured


def tasks(folder: Path, *, seed: int) -> Iterator[Task]:
    """The sets, drawn by seed."""
    chance = random.Random(seed)
    few, every = (read_labelled(folder / "banking77" / f"{name}.csv") for name in ("train_10", "train"))
    names = sorted({intent for _, intent in few})
    withheld = set(chance.sample(names, len(names) // 5))
    known = {text for text, _ in few}
    rest = chance.sample([row for row in every if row[0] not in known], MOST_ASKED)
    yield Task(
        "banking77-10, a fifth withheld",
        [row for row in few if row[1] not in withheld],
        [(text, OOS if intent in withheld else intent) for text, intent in rest],
    )
    clinc = json.loads((folder / "clinc150" / "data_full.json").read_text())
    yield Task(
        "clinc150-10-drawn",
        _drawn([tuple(row) for row in clinc["train"]], chance),
        chance.sample([tuple(row) for row in clinc["val"]], MOST_ASKED) + [tuple(row) for row in clinc["oos_val"]],
    )
    for domain in ("banking", "credit_cards"):
        train, near = (
            read_labelled(folder / "clinc_near" / f"{domain}_{part}.csv") for part in ("train", "valid_near")
        )
        yield Task(f"clinc_near {domain}", _drawn(train, chance), near)


def _drawn(rows: Sequence[Any], chance: random.Random) -> Rows:
    """SHOTS rows of each intent."""
    found: dict[str, list[tuple[str, str]]] = {}
    for text, intent in chance.sample(list(rows), len(rows)):
        found.setdefault(intent, []).append((text, intent))
    return [row for members in found.values() for row in members[:SHOTS]]


def measure_without(task: Task, encoder: Encoder, name: str, *, seed: int) -> dict[str, float]:
    """Fit a scorer that does not see one feature, and decide the rows to ask."""
    texts = [normalise(text) for text, _ in task.learn]
    intents, truth = _numbers([intent for _, intent in task.learn])
    known = [normalise(text) for text in shipped_out_of_scope()] + scrambled(texts, seed=seed)
    vectors, outside = _encoded(encoder, texts), _encoded(encoder, known)
    spellings = Spellings([encoder.spell(text) for text in texts], [encoder.spell(text) for text in known])
    folds = frozen_folds(vectors, truth, outside, seed=seed)

    def hide(scope: Floats, conditional: Floats) -> Floats:
        filled = with_certainty(scope, conditional)
        if name.startswith("scope: "):
            filled[:, SCOPE_FEATURES.index(name.removeprefix("scope: "))] = 0.0
        return filled

    seen = Scorer.features

    def features(self: Scorer, *given: Any) -> Features:
        found = seen(self, *given)
        if name.startswith("intent: "):
            found.per_intent[:, :, INTENT_FEATURES.index(name.removeprefix("intent: "))] = 0.0
        return found

    with (
        patch.object(weights, "with_certainty", hide),
        patch.object(matching_scorer, "with_certainty", hide),
        patch.object(Scorer, "features", features),
    ):
        fitted = fit_scorer(vectors, truth, outside, folds, spellings=spellings, seed=seed)
        return _asked(task, encoder, fitted.scorer, vectors, truth, intents)


def _asked(
    task: Task, encoder: Encoder, scorer: Scorer, vectors: Vectors, truth: Intents, intents: list[str]
) -> dict[str, float]:
    texts = [normalise(text) for text, _ in task.ask]
    asked = _encoded(encoder, texts)
    similarities = asked @ vectors.T
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :NEIGHBOURS]
    features = scorer.features(asked, np.take_along_axis(similarities, nearest, axis=1), truth[nearest])
    features.scope[:, WORDING] = np.array([scorer.vocabulary.features(encoder.spell(text)) for text in texts])
    conditional, inside = scorer.probabilities(features)
    known = np.array([intent != OOS for _, intent in task.ask])
    right = np.array([intents[row] for row in conditional.argmax(axis=1)]) == [intent for _, intent in task.ask]
    confidence = conditional.max(axis=1) * inside
    level = np.quantile(inside[known], FALSE_REJECTION)
    return {
        "accuracy": float(right[known].mean()),
        "auroc": float(roc_auc_score(known, inside)),
        "recall_at_4": float((inside[~known] < level).mean()),
        "ece": calibration_error(confidence, right),
        "auroc_right": float(roc_auc_score(right, confidence)),
    }


def _base_encoder(work: Path) -> Encoder:
    folder = work / "base"
    if not folder.is_dir():
        folder.mkdir(parents=True)
        save_serving_files(load_base("all-MiniLM-L6-v2", threads=1), folder, int8=False)
    return Encoder(folder)


_VECTORS: dict[str, Vectors] = {}


def _encoded(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    fresh = [text for text in dict.fromkeys(texts) if text not in _VECTORS]
    _VECTORS.update(zip(fresh, encoder.encode(fresh) if fresh else (), strict=True))
    return np.stack([_VECTORS[text] for text in texts])


def _numbers(intents: Sequence[str]) -> tuple[list[str], Intents]:
    names = sorted(set(intents))
    return names, np.array([names.index(intent) for intent in intents], dtype=np.int32)


# ---- mechanisms of training


def _training_jobs(arguments: argparse.Namespace) -> Iterator[tuple[list[Any], Any]]:
    for seed in arguments.seeds:
        for task in tasks(arguments.folder, seed=seed):
            if arguments.sets and not any(name in task.name for name in arguments.sets):
                continue
            for mechanism in arguments.mechanisms:
                for on in (False, True):

                    def measure(task: Task = task, mechanism: str = mechanism, on: bool = on, seed: int = seed) -> Any:
                        return measure_training(task, mechanism, on=on, seed=seed)

                    yield ["training", task.name, f"{mechanism}: {'with' if on else 'without'}", seed], measure


def measure_training(task: Task, mechanism: str, *, on: bool, seed: int) -> dict[str, float | None]:
    """Train on the rows to learn, with the rows of a mechanism or without, and ask half of the others.

    The other half are the messages that nobody labelled. Noisy copies are tried with three rows an intent.
    """
    chance = random.Random(seed)
    rest = chance.sample(task.ask, len(task.ask))
    unlabelled, ask = rest[: len(rest) // 2], [row for row in rest[len(rest) // 2 :] if row[1] != OOS]
    learn = _first(task.learn, 3) if mechanism == "noisy copies" else task.learn
    model = load_base("all-MiniLM-L6-v2", threads=1)
    dataset = _dataset(learn, [*_messages(unlabelled), *_triplets(learn, chance)])
    every = list(range(len(dataset.train)))
    lessons = Material(dataset, model, seed=seed).lessons(every)
    labelled = [(dataset.texts[n], dataset.intent_numbers[n]) for n in every]
    pseudo = lessons.more[: lessons.facts["pseudo_labels"]]
    noisy = lessons.more[lessons.facts["pseudo_labels"] :]
    more = {"pseudo-labels": pseudo, "noisy copies": noisy}.get(mechanism, []) if on else []
    from helpdesk.learning.training.losses import Objectives, schedule

    plan = plan_training(len(every), len(dataset.intents))
    triplets = [lesson for lesson in lessons.learnt["triplet"] if on or not lesson.id.startswith("mined:")]
    objectives = None
    if mechanism == "hard negatives":
        planned = schedule({"triplet": len(triplets)}, steps=plan.steps, visits=6.0)
        objectives = Objectives(model, {"triplet": triplets}, planned=planned, same={}, seed=seed)
    fine_tune(
        model,
        [text for text, _ in [*labelled, *more]],
        intents=[intent for _, intent in [*labelled, *more]],
        plan=plan,
        seed=seed,
        progress=lambda done, total: None,
        objectives=objectives,
    )
    used = {"rows_added": len(more), "right_of_added": _right(more, unlabelled, dataset), "triplets": len(triplets)}
    return {**_head_accuracy(model, dataset, ask), **used}


def _head_accuracy(model: Any, dataset: Dataset, ask: Rows) -> dict[str, float]:
    def encoded(texts: Sequence[str]) -> Vectors:
        found: Vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return found

    vectors, asked = encoded(dataset.texts), encoded([normalise(text) for text, _ in ask])
    truth = np.array([dataset.intents.index(intent) for _, intent in ask])
    numbers = np.array(dataset.intent_numbers)
    similarities = asked @ vectors.T
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :10]
    votes = np.zeros((len(asked), len(dataset.intents)))
    for column in range(nearest.shape[1]):
        rows = np.arange(len(asked))
        weight = np.exp(np.take_along_axis(similarities, nearest, axis=1)[:, column] / 0.07)
        np.add.at(votes, (rows, numbers[nearest[:, column]]), weight)
    head = LogisticRegression(C=20.0, max_iter=1000).fit(vectors, numbers)
    return {
        "head": float((head.predict(asked) == truth).mean()),
        "nearest": float((numbers[nearest[:, 0]] == truth).mean()),
        "vote": float((votes.argmax(axis=1) == truth).mean()),
    }


def _dataset(rows: Rows, lessons: Sequence[Lesson]) -> Dataset:
    train = tuple(Row(f"phrasing:{n}", normalise(text), intent) for n, (text, intent) in enumerate(rows))
    outside = tuple(normalise(text) for text in shipped_out_of_scope())
    return Dataset(train, (), outside, {}, {intent: intent for _, intent in rows}, tuple(lessons))


def _messages(rows: Rows) -> list[Lesson]:
    return [Lesson(f"example:{n}", "unlabelled", (normalise(text),)) for n, (text, _) in enumerate(rows)]


def _triplets(rows: Rows, chance: random.Random) -> list[Lesson]:
    """One for each row: another row of its intent, and one of another intent at random."""
    found = []
    for number, (text, intent) in enumerate(rows):
        alike = [other for other, meaning in rows if meaning == intent and other != text]
        others = [other for other, meaning in rows if meaning != intent]
        if alike:
            texts = (normalise(text), normalise(chance.choice(alike)), normalise(chance.choice(others)))
            found.append(Lesson(f"example:t{number}", "triplet", texts))
    return found


def _right(more: Sequence[tuple[str, int]], unlabelled: Rows, dataset: Dataset) -> float | None:
    meaning = {normalise(text): intent for text, intent in unlabelled}
    known = [(meaning[text], dataset.intents[intent]) for text, intent in more if text in meaning]
    return float(np.mean([true == given for true, given in known])) if known else None


def _first(rows: Rows, count: int) -> Rows:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(rows, key=lambda row: text_key(row[0])):
        found.setdefault(row[1], []).append(row)
    return [row for members in found.values() for row in members[:count]]


# ---- output


def _stored(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _table(results: Sequence[dict[str, Any]]) -> str:
    """Means over the seeds; for features the difference to leaving out nothing."""
    figures = [name for name in results[0] if name != "key"] if results else []
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for found in results:
        grouped.setdefault((found["key"][1], found["key"][2]), []).append(found)
    lines = [f"| set | what | seeds | {' | '.join(figures)} |", "|---" * (3 + len(figures)) + "|"]
    for (task, what), members in grouped.items():
        means = [_mean([one[figure] for one in members]) for figure in figures]
        lines.append(f"| {task} | {what} | {len(members)} | {' | '.join(means)} |")
    return "\n".join(lines)


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.4f}" if known else "-"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", choices=("features", "training"), required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="*", default=[], help="parts of the names of sets; all when none is given")
    parser.add_argument("--mechanisms", nargs="+", default=["pseudo-labels", "noisy copies", "hard negatives"])
    parser.add_argument("--out", type=Path, default=Path("ablations.jsonl"))
    parser.add_argument("--work", type=Path, default=Path("var/ablations"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
