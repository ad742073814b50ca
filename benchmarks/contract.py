"""Does the error-rate contract hold, and is it kept by answering? Many random splits of rows the bundle never saw.

    python benchmarks/accuracy.py --train ../shared/data/banking77/train_10.csv \\
        --test ../shared/data/banking77/test.csv --keep tuned
    python benchmarks/contract.py --home tuned --train ../shared/data/banking77/train_10.csv \\
        --pool ../shared/data/banking77/train.csv

Without --home a bundle of the base encoder is built from --train. The rows of --pool that are not in --train are scored
once; each split fits thresholds on --rows of them and decides the others.

broken             share of the splits in which more than the allowed share of direct answers is wrong
wrong_rate         mean share of direct answers that are wrong
coverage           mean share of messages answered directly
oracle_coverage    what the loosest threshold that keeps the rate on the decided rows themselves would answer
with_out_of_scope  the same when the shipped out-of-scope messages count at their assumed share of traffic, as they do
                   in a bundle; the decided rows hold none
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import open_serving
from home import temporary_home

from helpdesk.learning.calibration.out_of_scope_evidence import Assumed, OutOfScopeEvidence, gather_out_of_scope
from helpdesk.learning.calibration.risk_control import Contract, fit_thresholds
from helpdesk.learning.calibration.scorer_results import OutOfFold
from helpdesk.learning.data.dataset import shipped_out_of_scope
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import NEIGHBOURS
from helpdesk.records.database import open_database
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import temporary_settings
from helpdesk.text import normalise

_SAME = 0.9999


def main() -> None:
    """Score once, split often, print."""
    arguments = _arguments()
    train = read_labelled(arguments.train)
    learnt = {normalise(text) for text, _ in train}
    pool = [(text, intent) for text, intent in read_labelled(arguments.pool) if normalise(text) not in learnt]
    with _bundle(arguments.home, train) as bundle:
        found = score(bundle, pool)
    contract = Contract(arguments.max_wrong_rate, arguments.assurance)
    result = {
        **repeat(found, contract, OutOfScopeEvidence(np.empty(0), 0.0, "none"), arguments),
        "with_out_of_scope": repeat(
            found, contract, gather_out_of_scope(found, taught=0, assumed=Assumed(0.25, 0.0)), arguments
        ),
        "accuracy": round(float(found.right.mean()), 4),
        "settings": {n: str(v) if isinstance(v, Path) else v for n, v in sorted(vars(arguments).items())},
    }
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<18} {value}" for name, value in result.items()))


def score(bundle: Bundle, pool: list[tuple[str, str]]) -> OutOfFold:
    """Confidences of the pool's rows and of the shipped out-of-scope messages, none of which finds itself."""
    rows = [(normalise(text), bundle.intents.index(intent)) for text, intent in pool]
    texts = [text for text, _ in rows]
    confidence = np.concatenate([_confidence(bundle, text, vector) for text, vector in _encoded(bundle, texts)])
    out_of_scope = _used(bundle, [normalise(text) for text in shipped_out_of_scope()])
    order = np.argsort(-confidence, axis=1, kind="stable")[:, :4]
    truth = np.array([intent for _, intent in rows], dtype=np.int32)
    return OutOfFold(
        rows=np.arange(len(rows)),
        truth=truth,
        best=order[:, 0].astype(np.int32),
        confidence=np.take_along_axis(confidence, order, axis=1)[:, 0],
        ranked=np.take_along_axis(confidence, order, axis=1),
        ranked_true=order == truth[:, None],
        out_of_scope_confidence=np.concatenate(
            [_confidence(bundle, t, v, hide=True).max(axis=1) for t, v in _encoded(bundle, out_of_scope)]
        ),
        near_confidence=np.empty(0),
    )


def repeat(
    found: OutOfFold, contract: Contract, out_of_scope: OutOfScopeEvidence, arguments: argparse.Namespace
) -> dict[str, Any]:
    """The figures of the module's docstring over the splits."""
    chance = np.random.default_rng(arguments.seed)
    figures = []
    for _ in range(arguments.splits):
        order = chance.permutation(len(found.right))
        fitted = fit_thresholds(found.take(order[: arguments.rows]), contract, out_of_scope=out_of_scope)
        figures.append(_decided(found.take(order[arguments.rows :]), fitted.thresholds.answer, contract))
    wrong, coverage, oracle = np.array(figures).T
    return {
        "broken": round(float((wrong > contract.max_wrong_rate).mean()), 4),
        "wrong_rate": round(float(wrong.mean()), 4),
        "coverage": round(float(coverage.mean()), 4),
        "oracle_coverage": round(float(oracle.mean()), 4),
    }


def _decided(found: OutOfFold, answer: float, contract: Contract) -> tuple[float, float, float]:
    """Share of direct answers that are wrong, coverage, and the coverage an oracle would reach."""
    answered = found.confidence >= answer
    wrong = float((~found.right[answered]).mean()) if answered.any() else 0.0
    order = np.argsort(-found.confidence, kind="stable")
    rates = np.cumsum(~found.right[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero(rates <= contract.max_wrong_rate)
    return wrong, float(answered.mean()), (kept[-1] + 1) / len(order) if len(kept) else 0.0


def _used(bundle: Bundle, texts: list[str]) -> list[str]:
    """The out-of-scope messages that the bundle learnt from: not those that were too near to its phrasings."""
    known = bundle.scorer.out_of_scope
    return [text for text, vector in _encoded(bundle, texts) if (known @ vector).max(initial=-1.0) > _SAME]


def _confidence(bundle: Bundle, text: str, vector: Vectors, *, hide: bool = False) -> Floats:
    """Confidences [1, intents] of a message; `hide` takes its own copy out of the known out-of-scope messages."""
    scorer = bundle.scorer
    if hide:
        scorer = replace(scorer, out_of_scope=scorer.out_of_scope[scorer.out_of_scope @ vector < _SAME])
    neighbours = bundle.index.search(vector, NEIGHBOURS)
    spelled = bundle.encoder.spell(text)
    return scorer.score(vector, neighbours, bundle.intent_of_row, spelled=spelled).confidence[None, :]


def _encoded(bundle: Bundle, texts: list[str]) -> Iterator[tuple[str, Vectors]]:
    return zip(texts, bundle.encoder.encode(texts), strict=True)


@contextmanager
def _bundle(home: Path | None, train: list[tuple[str, str]]) -> Iterator[Bundle]:
    if home is None:
        with temporary_home(train) as (settings, database):
            yield open_serving(settings, database)
        return
    settings = temporary_settings(home)
    database = open_database(settings)
    try:
        yield open_serving(settings, database)
    finally:
        database.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV the bundle learns, or learnt, from")
    parser.add_argument("--pool", type=Path, required=True, help="CSV with more rows of the same intents")
    parser.add_argument("--home", type=Path, help="a home that accuracy.py --keep left; its version in service is used")
    parser.add_argument("--rows", type=int, default=770, help="rows to fit the thresholds on")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--max-wrong-rate", type=float, default=0.05)
    parser.add_argument("--assurance", type=float, default=0.90)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
