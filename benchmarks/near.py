"""Out of scope but near: how well questions are refused that sound like the FAQ's and are none of them.

    OMP_NUM_THREADS=1 python benchmarks/near.py --folder ../shared/data
    OMP_NUM_THREADS=1 python benchmarks/near.py --folder ../shared/data --only near-banking --seeds 0 --finetune
    OMP_NUM_THREADS=1 python benchmarks/near.py --folder ../shared/data --audit 300

near-banking, near-credit_cards  ten intents of one domain of CLINC150, all rows learnt; five more intents of the domain
                                 are out of scope. One build a seed
banking77, clinc150              ten rows an intent learnt; a fifth of the intents is not learnt, and what is asked of
                                 them is out of scope. One build a draw of these intents; CLINC150's rows are drawn anew

near_auroc     how well P(in scope) separates in-scope from near out-of-scope messages
near_auroc_by_confidence   ... the confidence of the best intent
far_auroc      ... P(in scope), in-scope from far out-of-scope messages: CLINC150's own, where there are any
recall_at_5    share of near out-of-scope messages that P(in scope) catches where it rejects 5% of the in-scope ones
accuracy       share of in-scope messages whose intent is ranked first

At the thresholds that the build fitted, exact matches bypassed, far messages left out:

coverage       share of in-scope messages answered directly
near_answered  share of near out-of-scope messages answered directly
wrong          share of direct answers that are wrong, an answered out-of-scope message is wrong: as the set mixes them
wrong_at_60    ... weighted as if 60% of the messages were out of scope

--audit labels so many messages, 60% of them near out of scope, as an audit sample of the first day and runs a night
that does not fine-tune; the other messages are asked.

Validation rows are asked, with --test the test parts. The spread is the standard deviation over the draws.
"""

import argparse
import json
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from ablation_sets import OUTSIDE, SETS, Task, load_task, normalised
from accuracy import Judged, Rows, judge, open_serving
from home import label_all, night, temporary_home
from sklearn.metrics import roc_auc_score

from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.files.labelled_sets import read_clinc
from helpdesk.text import OUT_OF_SCOPE

NEAR: Final = "near-"
WITHHELD: Final = 0.2  # share of the intents
SHOTS: Final = 10
EVERY_ROW: Final = 10_000
FALSE_REJECTION: Final = 0.05
OUT_OF_SCOPE_TRAFFIC: Final = 0.6
FIGURES: Final = (
    "near_auroc", "near_auroc_by_confidence", "far_auroc", "recall_at_5", "accuracy", "coverage", "near_answered",
    "wrong", "wrong_at_60",
)  # fmt: skip
Figures = dict[str, float | None]


def main(words: Sequence[str] | None = None) -> None:
    """Build, ask and print, set by set."""
    arguments = _arguments(words)
    draws = list(_draws(arguments))
    rows = [summary(name, [draw for draw in draws if draw["set"] == name]) for name in arguments.only]
    print(json.dumps({"sets": rows, "draws": draws}) if arguments.json else as_table(rows))


def _draws(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for name in arguments.only:
        for seed in arguments.seeds if name.startswith(NEAR) else arguments.draws:
            task, far = draw(name, arguments.folder, seed=seed, test=arguments.test)
            minutes = arguments.minutes if arguments.finetune else None
            found = measure(task, far, seed=seed, minutes=minutes, audit=arguments.audit)
            print(f"{name}, {seed}: {json.dumps(found)}", file=sys.stderr, flush=True)
            yield {"set": name, "seed": seed, **found}


def draw(name: str, folder: Path, *, seed: int, test: bool) -> tuple[Task, Rows]:
    """One of SETS with near out-of-scope messages among the rows to ask, and the far ones."""
    task = load_task(name, folder, shots=EVERY_ROW if name.startswith(NEAR) else SHOTS, seed=seed)
    far: Rows = []
    if test:
        ask, far = _test_rows(name, folder)
        task = replace(task, ask=ask)
    elif name == "clinc150":
        far = [row for row in task.ask if row[1] == OUTSIDE]
        task = replace(task, ask=[row for row in task.ask if row[1] != OUTSIDE])
    return (task if name.startswith(NEAR) else task.without_intents(WITHHELD, seed=seed)), far


def _test_rows(name: str, folder: Path) -> tuple[Rows, Rows]:
    """The rows of the test part but for the far out-of-scope ones, and these."""
    if name == "banking77":
        return normalised(read_labelled(folder / name / "test.csv")), []
    if name == "clinc150":
        path = folder / name / "data_full.json"
        return normalised(read_clinc(path, "test")), normalised(read_clinc(path, "oos_test"))
    domain = folder / "clinc_near" / name.removeprefix(NEAR)
    near, far = (normalised(read_labelled(Path(f"{domain}_test_{part}.csv"))) for part in ("near", "far"))
    return near, [row for row in far if row[1] == OUTSIDE]


def measure(task: Task, far: Rows, *, seed: int, minutes: float | None, audit: int = 0) -> dict[str, Any]:
    """The figures of a version that the product builds, fine-tuned when there are minutes for it, and after a night
    with so many audit labels."""
    with temporary_home(task.learn, seed=seed) as (settings, database):
        if audit:
            audited = audit_sample(task.ask, audit, seed=seed)
            task = replace(task, ask=[row for row in task.ask if row not in audited])
            label_all(database, [(text, None if i == OUTSIDE else i) for text, i in audited], audited=True)
            night(settings, database, minutes=1, finetune=False)
        if minutes is not None:
            night(settings, database, minutes=minutes, finetune=True)
        bundle = open_serving(settings, database)
        asked, others = (judge(bundle, rows, oos_label=OUTSIDE) for rows in (task.ask, far))
        inside = [j for j in asked if j.truth != OUT_OF_SCOPE]
        near = [j for j in asked if j.truth == OUT_OF_SCOPE]
        threshold = round(bundle.thresholds.answer, 4)
        return {**figures(inside, near, others), "threshold": threshold, "built": bundle.manifest["kind"]}


def audit_sample(rows: Rows, count: int, *, seed: int) -> Rows:
    """So many rows, as if the share OUT_OF_SCOPE_TRAFFIC of the traffic were out of scope."""
    chance = random.Random(seed)
    outside = [row for row in rows if row[1] == OUTSIDE]
    inside = [row for row in rows if row[1] != OUTSIDE]
    near = round(OUT_OF_SCOPE_TRAFFIC * count)
    return chance.sample(outside, near) + chance.sample(inside, count - near)


def figures(inside: Sequence[Judged], near: Sequence[Judged], far: Sequence[Judged]) -> Figures:
    """The figures of the module's docstring, None where there is nothing to count."""
    right = np.array([j.ranking[0] == j.truth for j in inside])
    answered, answered_near = (np.array([j.answered for j in group]) for group in (inside, near))
    kept = np.quantile([1 - j.none for j in inside], FALSE_REJECTION)
    right_answers, answers, near_answers = (float(x.mean()) for x in (right & answered, answered, answered_near))
    found = {
        "near_auroc": _auroc([1 - j.none for j in inside], [1 - j.none for j in near]),
        "near_auroc_by_confidence": _auroc([j.confidence for j in inside], [j.confidence for j in near]),
        "far_auroc": _auroc([1 - j.none for j in inside], [1 - j.none for j in far]) if far else None,
        "recall_at_5": float(np.mean([1 - j.none < kept for j in near])),
        "accuracy": float(right.mean()),
        "coverage": answers,
        "near_answered": near_answers,
    }
    for name, share in (("wrong", len(near) / (len(inside) + len(near))), ("wrong_at_60", OUT_OF_SCOPE_TRAFFIC)):
        total = (1 - share) * answers + share * near_answers
        found[name] = 1 - (1 - share) * right_answers / total if total else None
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


def _auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    return float(roc_auc_score([True] * len(inside) + [False] * len(outside), [*inside, *outside]))


def summary(name: str, draws: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of each figure over the draws that have it; None without, and of one draw alone."""
    row: dict[str, Any] = {"set": name, "draws": len(draws)}
    for figure in FIGURES:
        values = [found[figure] for found in draws if found[figure] is not None]
        row[figure] = {
            "mean": round(statistics.mean(values), 4) if values else None,
            "spread": round(statistics.stdev(values), 4) if len(values) > 1 else None,
        }
    return row


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """A markdown table in percent, one line a set."""
    headings = ("set", "draws", *(name.replace("_", " ") for name in FIGURES))
    lines = [headings, ["---"] * len(headings)]
    lines += [(row["set"], str(row["draws"]), *(_percent(**row[name]) for name in FIGURES)) for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _percent(*, mean: float | None, spread: float | None) -> str:
    if mean is None:
        return ""
    return f"{100 * mean:.1f}" if spread is None else f"{100 * mean:.1f} ± {100 * spread:.1f}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="holds banking77/, clinc150/ and clinc_near/")
    parser.add_argument("--only", default=",".join(SETS), help=f"of {', '.join(SETS)}, by comma")
    parser.add_argument("--seeds", type=_numbers, default="0,1,2", help="of the near- sets' builds, by comma")
    parser.add_argument("--draws", type=_numbers, default="0,1,2,3,4", help="of withheld intents, by comma")
    parser.add_argument("--test", action="store_true", help="ask the test parts instead of validation rows")
    parser.add_argument("--finetune", action="store_true")
    parser.add_argument("--minutes", type=float, default=60.0, help="budget of each fine-tuning")
    parser.add_argument("--audit", type=int, default=0, help="messages that are labelled as an audit sample first")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(words)
    arguments.only = arguments.only.split(",")
    if unknown := set(arguments.only) - set(SETS):
        parser.error(f"{', '.join(sorted(unknown))} is unknown; expected some of {', '.join(SETS)}")
    return arguments


def _numbers(words: str) -> list[int]:
    return [int(word) for word in words.split(",")]


if __name__ == "__main__":
    main()
