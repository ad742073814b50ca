"""Accuracy of the product's own learning path: learn one labelled file, decide another, in a temporary home.

    python benchmarks/accuracy.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv
    python benchmarks/accuracy.py --clinc ../shared/data/clinc150/data_full.json --no-finetune

accuracy       share of in-scope messages whose intent is ranked first (nothing rejected, exact path bypassed)
top3_accuracy  ... ranked among the first three
coverage       share of in-scope messages answered directly at the fitted thresholds
wrong_rate     share of direct answers that are wrong; an answered out-of-scope message is wrong
oos_auroc      how well P(none of the intents) separates out-of-scope from in-scope messages
oos_recall     share of out-of-scope messages that get no direct answer
oos_recall_at_4  share of out-of-scope messages caught by P(none) where 4% of in-scope ones are rejected wrongly
mcc            Matthews correlation over all classes, "none" included, of the most probable one
ece            expected calibration error of the best intent's confidence, 15 bins of equal mass, all messages
seconds        learning: import, out-of-fold measurement, training, gate
message_ms     median milliseconds of one message, decided alone with the settings of a web process
cpu_seconds, message_cpu_ms     the same in processor time, which a busy machine changes less

--json prints the figures named in KEYS and the settings of the run; the table prints all.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from home import label_all, night, temporary_home
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from helpdesk.decisions import DecisionKind
from helpdesk.learning.calibration.reliability import calibration_error
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.matching.matcher import Matcher
from helpdesk.records.database import Database
from helpdesk.records.files import labelled_sets
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.versions import current
from helpdesk.settings import Settings
from helpdesk.text import OUT_OF_SCOPE, normalise

Rows = list[tuple[str, str]]
CLINC_OOS = "oos"
TIMED = 200  # messages
FALSE_REJECTION = 0.04
KEYS = ("accuracy", "top3_accuracy", "coverage", "wrong_rate", "oos_auroc", "oos_recall", "mcc", "seconds",
        "peak_memory_mb", "settings")  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One test message: its true intent (OUT_OF_SCOPE out of scope), the ranking, what was decided, P(none)."""

    truth: str
    ranking: tuple[str, ...]
    answered: bool
    none: float
    confidence: float


def main() -> None:
    """Learn, decide, print."""
    arguments = _arguments()
    train, test = _load(arguments)
    result = run(
        train,
        test,
        oos_label=CLINC_OOS if arguments.clinc else arguments.oos_label,
        seed=arguments.seed,
        minutes=arguments.minutes,
        finetune=not arguments.no_finetune,
        keep=arguments.keep,
    )
    result["settings"] = {
        name: str(value) if isinstance(value, Path) else value for name, value in sorted(vars(arguments).items())
    }
    kept = {name: value for name, value in result.items() if name in KEYS}
    print(json.dumps(kept) if arguments.json else as_table(result))


def run(
    train: Rows,
    test: Rows,
    *,
    oos_label: str | None,
    seed: int,
    minutes: float,
    finetune: bool,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Through import, first bundle and one night to the version that serves; then the figures on the test rows."""
    started, used = time.monotonic(), processor_seconds()
    intents = [(text, intent) for text, intent in train if intent != oos_label]
    outside = [text for text, intent in train if intent == oos_label]
    with temporary_home(intents, keep=keep, seed=seed) as (settings, database):
        if outside:
            label_all(database, [(text, None) for text in outside])
        if finetune or outside:
            night(settings, database, minutes=minutes, finetune=finetune)
        seconds, used = time.monotonic() - started, processor_seconds() - used
        bundle = open_serving(settings, database)
        figures = score(judge(bundle, test, oos_label=oos_label)) | message_times(bundle, [text for text, _ in test])
        kind = bundle.manifest["kind"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    costs = {"seconds": seconds, "cpu_seconds": used, "peak_memory_mb": memory}
    return {**figures, **{name: round(value, 1) for name, value in costs.items()}, "promoted": kind}


def judge(bundle: Bundle, test: Rows, *, oos_label: str | None) -> list[Judged]:
    """Decide every test message with a bundle, the exact path bypassed."""
    matcher = Matcher(bundle)
    texts = [normalise(text) for text, _ in test]
    vectors = bundle.encoder.encode(texts)
    judged = []
    for (_, intent), text, vector in zip(test, texts, vectors, strict=True):
        decision = matcher.decide_vector(vector, text=text)
        judged.append(
            Judged(
                truth=OUT_OF_SCOPE if intent == oos_label else intent,
                ranking=tuple(ranked.intent for ranked in decision.ranking),
                answered=decision.kind == DecisionKind.ANSWER,
                none=decision.out_of_scope,
                confidence=decision.confidence,
            )
        )
    return judged


def score(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures of the module's docstring, as shares from 0 to 1."""
    inside = [j for j in judged if j.truth != OUT_OF_SCOPE]
    outside = [j for j in judged if j.truth == OUT_OF_SCOPE]
    answers = [j for j in judged if j.answered]
    figures = {
        "accuracy": _share([j.ranking[0] == j.truth for j in inside]),
        "top3_accuracy": _share([j.truth in j.ranking[:3] for j in inside]),
        "coverage": _share([j.answered for j in inside]),
        "wrong_rate": _share([j.ranking[0] != j.truth for j in answers]),
        "ece": round(
            calibration_error(
                np.array([j.confidence for j in judged]), np.array([j.ranking[0] == j.truth for j in judged])
            ),
            4,
        ),
    }
    if outside:
        truth = [j.truth == OUT_OF_SCOPE for j in judged]
        chosen = [OUT_OF_SCOPE if j.none > j.confidence else j.ranking[0] for j in judged]
        figures["oos_auroc"] = round(float(roc_auc_score(truth, [j.none for j in judged])), 4)
        allowed = float(np.quantile([j.none for j in inside], 1 - FALSE_REJECTION))
        figures["oos_recall_at_4"] = _share([j.none > allowed for j in outside])
        figures["oos_recall"] = _share([not j.answered for j in outside])
        figures["mcc"] = round(float(matthews_corrcoef([j.truth for j in judged], chosen)), 4)
    return figures


def message_times(bundle: Bundle, texts: Sequence[str]) -> dict[str, float]:
    """Median milliseconds of about 200 messages matched one by one, by the clock and of processor time."""
    matcher = Matcher(bundle)
    matcher.warm()
    clock, processor = [], []
    for text in texts[:: max(1, len(texts) // TIMED)]:
        started, used = time.perf_counter(), time.process_time()
        matcher.match(text)
        clock.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (time.process_time() - used))
    return {
        "message_ms": round(statistics.median(clock), 2),
        "message_cpu_ms": round(statistics.median(processor), 2),
    }


def processor_seconds() -> float:
    """Seconds of processor time that this process and its finished children used."""
    users = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in users)


def as_table(result: dict[str, Any]) -> str:
    """One line a figure."""
    return "\n".join(f"{name:<16} {value}" for name, value in result.items())


def _share(hits: Sequence[bool]) -> float:
    return round(float(np.mean(hits)), 4) if hits else 0.0


def open_serving(settings: Settings, database: Database) -> Bundle:
    """The bundle in service."""
    with database.read() as session:
        serving = current(session)
    if serving is None:
        raise RuntimeError("no version was promoted")
    return open_bundle(settings.bundles / serving.directory, threads=settings.encoder_threads)


def _load(arguments: argparse.Namespace) -> tuple[Rows, Rows]:
    if arguments.clinc:
        train, test = read_clinc(arguments.clinc)
    else:
        train, test = read_labelled(arguments.train), read_labelled(arguments.test)
    return (labelled_sets.first_of_each(train, arguments.shots) if arguments.shots else train), test


def read_clinc(path: Path) -> tuple[Rows, Rows]:
    """Training rows, and test rows with the out-of-scope ones among them, of CLINC150's JSON."""
    return labelled_sets.read_clinc(path, "train"), labelled_sets.read_clinc(path, "test", "oos_test")


def as_rows(rows: Sequence[Sequence[str]]) -> Rows:
    return [(text, intent) for text, intent in rows]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, help="CSV of the same kind")
    parser.add_argument("--clinc", type=Path, help="CLINC150's JSON instead of --train and --test")
    parser.add_argument("--oos-label", default=None, help="the label that means none of the intents")
    parser.add_argument("--shots", type=int, default=None, help="only the first N training rows of each intent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="budget of fine-tuning")
    parser.add_argument("--no-finetune", action="store_true")
    parser.add_argument("--keep", type=Path, help="make the home in this new folder and leave it there")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.clinc and not (arguments.train and arguments.test):
        parser.error("give --train FILE --test FILE, or --clinc FILE")
    return arguments


if __name__ == "__main__":
    main()
