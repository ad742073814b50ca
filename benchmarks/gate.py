"""The gate alone: what it must refuse, with which reason, and what it must let pass.

    python benchmarks/gate.py --train data/train.csv --test data/test.csv [--seeds N] [--json]
    python benchmarks/gate.py --train data/train.csv --test data/test.csv --replay [--json]

`statistics`: paired outcomes are drawn with a stated share of disagreement and a true difference, accuracy 88%, 10% of
rows out of scope, half of them held-out labels, 77 intents. `head`: real linear heads on vectors of the packaged model
that are computed once; an incumbent and a candidate with labels flipped, an intent's rows given away, or more rows,
judged on half of the test file, as held-out labels, and on their own rows out of fold, as a night does; the other half
says whether a promotion hid a significant loss (McNemar, Holm over the seeds, as `helpdesk simulate` counts them over a
run; the smallest p-value stands beside it). NaN weights, broken
tokenizers, slow and large models are files: `tests/learning/test_soundness.py` plants them. `--replay` times replaying
5,000 distinct messages, 20,000 by count, against 5,000 phrasings, and all rules; `gate_seconds` is a night of two
candidates.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from home import temporary_home
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.context import ROWS_LEVEL, SHARES
from helpdesk.learning.gate.paired_tests import Outcome, Outcomes
from helpdesk.learning.gate.relabelling import Relabelled
from helpdesk.learning.gate.replay import ReplayedText, ReplayTraffic, compare_decisions
from helpdesk.learning.gate.replay_cache import ReplayVectors
from helpdesk.learning.gate.verdict import Verdict, judge
from helpdesk.matching.bundle import ENCODER, open_bundle
from helpdesk.matching.encoder import Encoder
from helpdesk.matching.index import Vectors
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.stats.multiple_testing import SIGNIFICANCE_LEVEL, holm, more_lost
from helpdesk.text import normalise

Ints = NDArray[np.int64]
Judge = Callable[[Outcomes, Outcomes], Verdict]
INTENTS: Final = 77
ACCURACY: Final = 0.88
FOLDS: Final = 5
LEVELS: Final = {kind: ROWS_LEVEL * share for kind, share in SHARES.items()}  # both are built
PLANS: Final = (
    # name, rows, true difference, disagreement, candidate, what is wanted
    ("6 points worse at 300 rows", 300, -0.06, 0.08, "refreshed", "worse"),
    ("2 points worse at 2,000 rows", 2000, -0.02, 0.05, "refreshed", "worse"),
    ("6 points better at 300 rows", 300, 0.06, 0.08, "retrained", None),
    ("2 points better at 2,000 rows", 2000, 0.02, 0.05, "retrained", None),
    ("equal, 300 rows", 300, 0.0, 0.10, "refreshed", None),
    ("equal, 2,000 rows", 2000, 0.0, 0.05, "refreshed", None),
    ("equal, 385 rows, few-shot", 385, 0.0, 0.15, "refreshed", None),
)


def judged_refreshed(before: Outcomes, after: Outcomes) -> Verdict:
    """As new phrasings are judged."""
    return judge(Case(before, after, level=LEVELS["refreshed"]))


def judged_retrained(before: Outcomes, after: Outcomes) -> Verdict:
    """As a new encoder is judged."""
    return judge(Case(before, after, needs_gain=True, level=LEVELS["retrained"]))


_OutOfFold = tuple[dict[str, Outcome], dict[str, Outcome], list[Relabelled]]
_NO_ROWS: Final[_OutOfFold] = ({}, {}, [])
JUDGES: Final[dict[str, Judge]] = {"refreshed": judged_refreshed, "retrained": judged_retrained}


def main() -> None:
    """Run what was asked for and print it."""
    arguments = _arguments()
    train, test = read_labelled(arguments.train), read_labelled(arguments.test)
    result = time_replay(train, test) if arguments.replay else {"rows": measure(train, test, arguments.seeds)}
    print(json.dumps(result) if arguments.json else _as_table(result))


def measure(train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]], seeds: int) -> list[dict[str, Any]]:
    """Every case, `seeds` times; statistical ones twenty times as often, as they cost nothing."""
    rows = [_statistics(*plan, draws=20 * seeds) for plan in PLANS]
    with tempfile.TemporaryDirectory() as folder:
        encoder = _packaged_encoder(Path(folder))
        vectors = [encoder.encode([normalise(text) for text, _ in part]) for part in (train, test)]
    heads = Heads(train, test, vectors[0], vectors[1])
    return rows + [heads.case(name, seeds) for name in ("dead intent", "20% flipped", "5% flipped", "more rows")]


def draw(
    rows: int, difference: float, disagreement: float, random: np.random.Generator
) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    """Paired outcomes of two versions with a true difference in accuracy."""
    lost, gained = (disagreement - difference) / 2, (disagreement + difference) / 2
    both = ACCURACY - lost
    kinds = random.choice(4, size=rows, p=[both, lost, gained, 1 - both - lost - gained])
    intents, outside, label = random.integers(INTENTS, size=rows), random.random(rows) < 0.1, random.random(rows) < 0.5
    before, after = {}, {}
    for n, kind in enumerate(kinds):
        row = f"{'label' if label[n] else 'phrasing'}:{n}"
        truth = "" if outside[n] else f"intent-{intents[n]}"
        before[row] = Outcome(truth, kind in (0, 1), held_out=bool(label[n]))
        after[row] = Outcome(truth, kind in (0, 2), held_out=bool(label[n]))
    return before, after


def _statistics(
    name: str, rows: int, difference: float, disagreement: float, kind: str, wanted: str | None, *, draws: int
) -> dict[str, Any]:
    verdicts = []
    for seed in range(draws):
        pair = draw(rows, difference, disagreement, np.random.default_rng(seed))
        verdicts.append(JUDGES[kind](*pair))
    return _row(f"{name} ({100 * disagreement:.0f}% disagree)", kind, verdicts, wanted)


def _row(name: str, kind: str, verdicts: Sequence[Verdict], wanted: str | None, **more: Any) -> dict[str, Any]:
    refused = [v for v in verdicts if not v.promote]
    right = [v for v in refused if wanted in {objection.rule for objection in v.objections}]
    good = len(right) if wanted else len(verdicts) - len(refused)
    return {
        "case": name,
        "candidate": kind,
        "wanted": f"refused: {wanted}" if wanted else "promoted",
        "runs": len(verdicts),
        "as_wanted": good / len(verdicts),
        **more,
    }


class Heads:
    """Linear heads on cached vectors: an incumbent on five rows an intent, candidates on ten."""

    def __init__(
        self, train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]], vectors: Vectors, asked: Vectors
    ) -> None:
        names = sorted({intent for _, intent in train})
        self._names, self._vectors, self._asked = names, vectors, asked
        self._truth = np.array([names.index(intent) for _, intent in train])
        self._asked_truth = np.array([names.index(intent) for _, intent in test])

    def case(self, name: str, seeds: int) -> dict[str, Any]:
        """Judge one kind of candidate on half of the test rows; the other half says what was hidden."""
        wanted = {"dead intent": "intent", "20% flipped": "worse"}.get(name)
        verdicts, losses, disagreements, shares = [], [], [], {"20% flipped": 0.2, "5% flipped": 0.05}
        for seed in range(seeds):
            random = np.random.default_rng(seed)
            many, few = self._draw(20, random), self._draw(5, random)
            rows = many if name in shares or name == "dead intent" else np.concatenate([few, self._draw(10, random)])
            before_rows = many if name in shares or name == "dead intent" else few
            labels = self._truth[rows].copy()
            flipped = random.random(len(rows)) < shares.get(name, 0.0)
            labels[flipped] = random.integers(len(self._names), size=int(flipped.sum()))
            if name == "dead intent":
                labels[labels == labels[0]] = labels[-1]
            before, after = self._right(before_rows, self._truth[before_rows]), self._right(rows, labels)
            same = np.array_equal(before_rows, rows)  # else there is no row that both learnt under one name
            order = random.permutation(len(self._asked_truth))
            seen, hidden = order[:1540], order[1540:]
            known = self._out_of_fold(rows, labels) if same else _NO_ROWS
            verdict = judge(
                Case(
                    self._outcomes(before, seen) | known[0],
                    self._outcomes(after, seen) | known[1],
                    level=LEVELS["refreshed"],
                    relabelled=known[2],
                )
            )
            verdicts.append(verdict)
            disagreements.append(float(np.mean(before[seen] != after[seen])))
            if verdict.promote:
                losses.append(self._hidden_loss(before[hidden], after[hidden]))
        row = _row(
            f"{name} ({100 * np.mean(disagreements):.0f}% disagree)",
            "head",
            verdicts,
            wanted,
            significant_hidden_losses=sum(holm(losses, level=SIGNIFICANCE_LEVEL)),
            least_hidden_p=round(min(losses, default=1.0), 4),
            promoted=sum(verdict.promote for verdict in verdicts),
        )
        if name == "5% flipped":  # either verdict will do, as long as nothing is lost that nobody sees
            row |= {"wanted": "no hidden loss", "as_wanted": 1 - row["significant_hidden_losses"] / seeds}
        return row

    def _draw(self, shots: int, random: np.random.Generator) -> Ints:
        found = [random.choice(np.flatnonzero(self._truth == n), shots, replace=False) for n in range(len(self._names))]
        return np.concatenate(found)

    def _right(self, rows: Ints, labels: Ints) -> NDArray[np.bool_]:
        head = _head().fit(self._vectors[rows], labels)
        right: NDArray[np.bool_] = head.predict(self._asked) == self._asked_truth
        return right

    def _out_of_fold(self, rows: Ints, labels: Ints) -> _OutOfFold:
        """Both versions on the training rows whose label is not changed, and the new one on those whose label is, by
        heads that never saw them."""
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        vectors, truth = self._vectors[rows], self._truth[rows]
        said = [cross_val_predict(_head(), vectors, y, cv=folds.split(vectors, truth)) for y in (truth, labels)]
        kept = np.flatnonzero(labels == truth)
        before, after = (
            {f"phrasing:{n}": Outcome(self._names[truth[n]], bool(found[n] == truth[n])) for n in kept.tolist()}
            for found in said
        )
        name = self._names.__getitem__
        changed = [
            Relabelled(f"phrasing:{n}", frozenset({name(truth[n])}), name(labels[n]), name(said[1][n]))
            for n in np.flatnonzero(labels != truth).tolist()
        ]
        return before, after, changed

    def _outcomes(self, right: NDArray[np.bool_], rows: Ints) -> dict[str, Outcome]:
        return {f"label:{n}": Outcome(self._names[self._asked_truth[n]], bool(right[n]), held_out=True) for n in rows}

    @staticmethod
    def _hidden_loss(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
        lost = [str(n) for n in np.flatnonzero(before & ~after)]
        return more_lost("hidden", "hidden", gained=int((after & ~before).sum()), lost=lost).p


def time_replay(train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Seconds of replaying 5,000 distinct messages, by the clock and of processor time: with a new encoder (as on the
    first night), and with vectors at hand.

    Messages are the rest of the training file and the test file: none of them is a phrasing.
    """
    phrasings, rest = train[:5000], [*train[5000:], *test]
    texts = list(dict.fromkeys(normalise(text) for text, _ in rest))[:5000]
    asked = tuple(ReplayedText(n, text, 4, None) for n, text in enumerate(texts))
    with temporary_home(phrasings, train_threads=2) as (settings, _):
        (path,) = settings.bundles.iterdir()
        bundle = open_bundle(path, threads=2)
        published = frozenset(bundle.intents)
        seconds: dict[str, float] = {}

        def replay(name: str, folder: str) -> list[Any]:
            traffic = ReplayTraffic(asked, published, ReplayVectors(settings.home / folder, texts))
            started, worked = time.perf_counter(), time.process_time()
            decisions = traffic.decide(bundle)
            seconds[name] = round(time.perf_counter() - started, 1)
            seconds[f"{name}_processor"] = round(time.process_time() - worked, 1)
            traffic.vectors.keep(bundle)
            return decisions

        before = replay("first_night_or_new_encoder", "replay")
        after = replay("cached", "replay")
        started = time.perf_counter()
        found = compare_decisions(asked, before, after)
        judge(Case(replay=found))
        random = np.random.default_rng(0)
        for kind in JUDGES:
            JUDGES[kind](*draw(5000, 0.0, 0.1, random))
        seconds["rules"] = round(time.perf_counter() - started, 1)
    total = 2 * seconds["cached"] + seconds["first_night_or_new_encoder"] + seconds["rules"]
    return {"distinct": len(texts), "messages": 4 * len(texts), "phrasings": len(phrasings), "seconds": seconds} | {
        "gate_seconds": round(total, 1)
    }


def _head() -> LogisticRegression:
    return LogisticRegression(C=10.0, max_iter=300)


def _packaged_encoder(folder: Path) -> Encoder:
    from helpdesk.learning.training.base_model import load_base
    from helpdesk.learning.training.onnx_export import save_encoder
    from helpdesk.learning.training.rounding import Rounding

    (folder / ENCODER).mkdir()
    save_encoder(load_base("all-MiniLM-L6-v2", threads=2), folder / ENCODER, rounding=Rounding.CHANNELS)
    return Encoder(folder / ENCODER, threads=2)


def _as_table(result: dict[str, Any]) -> str:
    if "rows" not in result:
        return json.dumps(result, indent=1)
    lines = [
        "| candidate | wanted | runs | as wanted | promoted | hidden losses, least p |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['case']} | {row['wanted']} | {row['runs']} | {100 * row['as_wanted']:.1f}% | {_promoted(row)} |"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def _promoted(row: dict[str, Any]) -> str:
    if "promoted" not in row:
        return " | "
    return f"{row['promoted']} | {row['significant_hidden_losses']}, {row['least_hidden_p']}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--replay", action="store_true", help="time a trial instead")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
