"""Every mechanism with and without: what it gains, or the planted fault that only it stops.

    python benchmarks/ablations.py --folder ../shared/data
    python benchmarks/ablations.py --folder ../shared/data --only "drift tests" --only quarantine
    python benchmarks/ablations.py --folder ../shared/data --show

--only  {only}

Each figure is appended to the results file as soon as it is measured and is not measured again, unless the product's
code has changed: a run can be stopped and resumed. The table gives the mean without and with a mechanism over the same
seeds, and the mean of the paired differences with its standard error. Only training and validation rows are read.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ablation_faults import ALONE, FAULTS, Bank, measure_fault
from ablation_features import EVERYTHING, LEFT_OUT, measure_features
from ablation_sets import SETS, BaseEncoder
from ablation_training import SHOTS, measure_training
from measured import Record, append, circumstances, digest, read

ROOT: Final = Path(__file__).resolve().parent.parent
HEADINGS: Final = ("mechanism", "set or fault", "figure", "seeds", "without", "with", "difference")
Figures = dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Two arms on some sets or faults: how a mechanism is measured."""

    mechanism: str
    without: str  # the same as with it where there is nothing to compare with
    with_it: str
    cases: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One arm on one set or fault with one seed."""

    arm: str
    case: str
    seed: int


TRAINED: Final = {
    "pseudo-labels": ("labels", "pseudo", "few"),
    "pseudo-labels, two rows": ("labels", "pseudo", "fewest"),
}


def comparisons() -> Iterator[Comparison]:
    """Everything that can be measured."""
    for name, faults in FAULTS.items():
        yield Comparison(name, "with" if name in ALONE else "without", "with", tuple(faults))
    for name, (without, with_it, shots) in TRAINED.items():
        yield Comparison(name, without, with_it, tuple(f"{data}, {shots}" for data in SETS))
    for name in LEFT_OUT:
        yield Comparison(name, name, EVERYTHING, tuple(f"{data}, frozen" for data in SETS))


def main(words: Sequence[str] | None = None) -> None:
    """Measure what is missing, print what there is."""
    arguments = _arguments(words)
    code = digest(sorted((ROOT / "helpdesk").rglob("*.py")))
    known = [record for record in read(arguments.results) if record["code"] == code]
    done = {Job(record["arm"], record["case"], record["seed"]) for record in known}
    wanted = [found for found in comparisons() if found.mechanism in arguments.only]
    if not arguments.show:
        measure = Measuring(arguments.folder, arguments.work)
        for job in dict.fromkeys(_jobs(wanted, arguments.sets, arguments.seeds)):
            if job not in done:
                print(f"{job.arm} on {job.case}, seed {job.seed}", file=sys.stderr, flush=True)
                known.append({**vars(job), "figures": measure(job), "code": code, **circumstances()})
                append(arguments.results, known[-1])
    print(as_table(wanted, known))


def _jobs(wanted: Sequence[Comparison], sets: Sequence[str], seeds: Sequence[int]) -> Iterator[Job]:
    for seed in seeds:
        for case in dict.fromkeys(case for found in wanted for case in found.cases):
            for found in wanted:
                if case in found.cases and (not sets or any(case.startswith(name) for name in sets)):
                    yield from (Job(arm, case, seed) for arm in (found.without, found.with_it))


class Measuring:
    """Measures a job; the base encoder is opened once."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder
        self._base = BaseEncoder(work)

    def __call__(self, job: Job) -> Figures:
        """The figures of one arm."""
        if job.arm in ("with", "without"):
            return measure_fault(job.case, job.arm, Bank(self._folder, self._base), seed=job.seed)
        data, _, shots = job.case.partition(", ")
        if shots == "frozen":
            return measure_features(data, job.arm, self._folder, self._base, seed=job.seed)
        return measure_training(data, job.arm, self._folder, self._base, shots=SHOTS[shots], seed=job.seed)


def as_table(wanted: Sequence[Comparison], records: Sequence[Record]) -> str:
    """A markdown table, one line a figure; the seeds that both arms have."""
    found = {Job(record["arm"], record["case"], record["seed"]): record["figures"] for record in records}
    lines: list[Sequence[str]] = [HEADINGS, ["---"] * len(HEADINGS)]
    for comparison in wanted:
        for case in comparison.cases:
            pairs = _pairs(comparison, case, found)
            for figure in dict.fromkeys(name for pair in pairs for name in pair[1]):
                lines.append((comparison.mechanism, case, figure, *_cells(figure, pairs)))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _pairs(comparison: Comparison, case: str, found: dict[Job, Figures]) -> list[tuple[Figures, Figures]]:
    seeds = sorted({job.seed for job in found if job.case == case})
    jobs = [(Job(comparison.without, case, seed), Job(comparison.with_it, case, seed)) for seed in seeds]
    return [(found[one], found[other]) for one, other in jobs if one in found and other in found]


def _cells(figure: str, pairs: Sequence[tuple[Figures, Figures]]) -> tuple[str, str, str, str]:
    with_it = [other[figure] for _, other in pairs if figure in other]
    both = [(one[figure], other[figure]) for one, other in pairs if one is not other and figure in one]
    if not both:
        return str(len(with_it)), "", f"{statistics.mean(with_it):.4f}", ""
    changes = [other - one for one, other in both]
    error = statistics.stdev(changes) / len(changes) ** 0.5 if len(changes) > 1 else float("nan")
    means = (statistics.mean(values) for values in zip(*both, strict=True))
    without, mean = (f"{value:.4f}" for value in means)
    return str(len(both)), without, mean, f"{statistics.mean(changes):+.4f} ± {error:.4f}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    names = [found.mechanism for found in comparisons()]
    about = (__doc__ or "").format(only=", ".join(names))
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="holds banking77/, clinc150/ and clinc_near/")
    parser.add_argument("--only", action="append", help="a mechanism, or how its name begins; all without")
    parser.add_argument("--sets", default="", help=f"sets, by comma, of {', '.join(SETS)}, or faults; all without")
    parser.add_argument("--seeds", default="0,1,2", help="by comma")
    parser.add_argument("--show", action="store_true", help="measure nothing, print what the results file holds")
    parser.add_argument("--results", type=Path, default=Path("var") / "ablations.jsonl", help="measured so far")
    parser.add_argument("--work", type=Path, default=Path("var") / "ablations", help="keeps vectors between runs")
    arguments = parser.parse_args(words)
    arguments.only = [name for name in names if not arguments.only or name.startswith(tuple(arguments.only))]
    if not arguments.only:
        parser.error(f"expected some of {', '.join(names)}")
    arguments.sets = [name for name in arguments.sets.split(",") if name]
    arguments.seeds = [int(seed) for seed in arguments.seeds.split(",")]
    return arguments


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
