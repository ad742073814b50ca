"""How well messages near the FAQ's own matters are told apart, and what the thresholds make of them.

    python benchmarks/near.py --folder ../shared/data
    python benchmarks/near.py --folder ../shared/data --seeds 0,1,2,3,4 --assume 0.25,0 --assume 0.5,0.3

The two domains of `clinc_near`, BANKING77 and CLINC150 with ten rows an intent and a fifth of the intents withheld, and
CLINC150 with its own out-of-scope messages; base encoder, the product's own scorer and thresholds, validation rows.

accuracy  of the messages in scope
scope, confidence  AUROC of P(in scope) and of the confidence, in scope against out of scope
recall  of messages out of scope where 5% of those in scope are rejected, by P(in scope)
answered  share of the messages in scope that are answered directly, under the assumed share of traffic out of scope
          and the share of that near the FAQ's own matters
wrong  share of the direct answers that are wrong when MIX of all messages are out of scope
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from ablation_sets import OUTSIDE, BaseEncoder, Task, dataset, load_task
from sklearn.metrics import roc_auc_score

from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.out_of_fold import out_of_scope_texts
from helpdesk.learning.calibration.out_of_scope_evidence import Assumed, gather_out_of_scope
from helpdesk.learning.calibration.risk_control import Contract, fit_thresholds
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import Spellings
from helpdesk.learning.data.splits import row_groups
from helpdesk.matching.index import Neighbours
from helpdesk.matching.scorer import NEIGHBOURS

MIX: Final = 0.6
Figures = dict[str, float]


def main() -> None:
    """Measure all sets and print the means over the seeds."""
    arguments = _arguments()
    base = BaseEncoder(arguments.work)
    found: dict[str, list[Figures]] = {}
    for seed in arguments.seeds:
        for name, task in tasks(arguments.folder, seed):
            found.setdefault(name, []).append(measure(task, base, arguments.assume, seed=seed))
    means = {name: {figure: statistics.mean(d[figure] for d in draws) for figure in draws[0]}
             for name, draws in found.items()}  # fmt: skip
    if arguments.json:
        print(json.dumps(means))
        return
    figures = list(next(iter(means.values())))
    print(" | ".join(["set", *figures]))
    for name, values in means.items():
        print(" | ".join([name, *(f"{values[figure]:.3f}" for figure in figures)]))


def tasks(folder: Path, seed: int) -> Iterator[tuple[str, Task]]:
    """The sets of one seed."""
    for domain in ("near-banking", "near-credit_cards"):
        yield domain, load_task(domain, folder, shots=50, seed=seed)
    for name in ("banking77", "clinc150"):
        task = load_task(name, folder, shots=10, seed=seed)
        yield f"{name} 10-shot, a fifth withheld", task.without_intents(0.2, seed=seed)
    yield "clinc150 10-shot", task


def measure(task: Task, base: BaseEncoder, assumptions: list[Assumed], *, seed: int) -> Figures:
    """The figures of the module's docstring for one set."""
    learnt = dataset(task.learn)
    outside = out_of_scope_texts(learnt, seed=seed)
    vectors, intents = base.encode(learnt.texts), np.array(learnt.intent_numbers, dtype=np.int32)
    out_of_scope = base.encode(outside)
    folds = frozen_folds(vectors, intents, out_of_scope, groups=np.array(row_groups(learnt)), seed=seed)
    spelled = Spellings([base.spell(text) for text in learnt.texts], [base.spell(text) for text in outside])
    fitted = fit_scorer(vectors, intents, out_of_scope, folds, spellings=spelled, seed=seed)
    texts = [text for text, _ in task.ask]
    truth = np.array([learnt.intents.index(intent) if intent != OUTSIDE else -1 for _, intent in task.ask])
    best, confidence, inside = [], [], []
    for text, vector in zip(texts, base.encode(texts), strict=True):
        similarities = vectors @ vector
        near = np.argsort(-similarities, kind="stable")[:NEIGHBOURS]
        scores = fitted.scorer.score(vector, Neighbours(near, similarities[near]), intents, spelled=base.spell(text))
        best.append(int(scores.confidence.argmax()))
        confidence.append(float(scores.confidence.max()))
        inside.append(1.0 - scores.out_of_scope)
    sure, scope, known, right = np.array(confidence), np.array(inside), truth >= 0, np.array(best) == truth
    figures = {
        "accuracy": float(right[known].mean()),
        "scope": float(roc_auc_score(known, scope)),
        "confidence": float(roc_auc_score(known, sure)),
        "recall": float((scope[~known] < np.quantile(scope[known], 0.05)).mean()),
    }
    for assumed in assumptions:
        evidence = gather_out_of_scope(fitted.out_of_fold, taught=0, assumed=assumed)
        answer = fit_thresholds(fitted.out_of_fold, Contract(0.05, 0.9), out_of_scope=evidence).thresholds.answer
        answered = sure >= answer
        coverage, leaked = float(answered[known].mean()), float(answered[~known].mean())
        wrong = (1 - MIX) * float((answered & ~right)[known].mean()) + MIX * leaked
        every = (1 - MIX) * coverage + MIX * leaked
        figures[f"answered ({assumed.share:g}, {assumed.near:g})"] = coverage
        figures[f"wrong ({assumed.share:g}, {assumed.near:g})"] = wrong / every if every else 0.0
    return figures


def _assumed(text: str) -> Assumed:
    share, near = text.split(",")
    return Assumed(float(share), float(near))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="holds banking77/, clinc150/ and clinc_near/")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--assume", type=_assumed, action="append", help="SHARE,NEAR; default 0.5,0.3")
    parser.add_argument("--work", type=Path, default=Path("var") / "ablations", help="keeps vectors between runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.assume = arguments.assume or [Assumed(0.5, 0.3)]
    return arguments


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
