"""The systems of the comparison: helpdesk itself, and rivals in environments of their own, all on one encoder.

A rival is `rivals/NAME.py`, which imports nothing of ours, and `rivals/NAME.txt`, the pinned packages it runs with.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from accuracy import CLINC_OOS, Rows
from measured import digest
from sklearn.metrics import roc_auc_score

from helpdesk.learning.training.base_model import resolve_base

ENCODER: Final = "all-MiniLM-L6-v2"
HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
RIVALS: Final = HERE / "rivals"


@dataclass(frozen=True)
class System:
    """Its name in the table; whether chance plays a part; whether it takes minutes; whether full sets are too much."""

    title: str
    seeded: bool
    slow: bool = False
    few_shot_only: bool = False


OURS: Final = {
    "helpdesk": System("helpdesk", seeded=True, slow=True),
    "helpdesk_frozen": System("helpdesk, not fine-tuned", seeded=True),
}
SYSTEMS: Final = OURS | {
    "tfidf_linear": System("TF-IDF + linear", seeded=False),
    "frozen_knn": System("frozen k-NN", seeded=False),
    "semantic_router_1_1": System("semantic-router 1.1", seeded=False),
    "setfit_1_2": System("SetFit 1.2", seeded=True, slow=True, few_shot_only=True),
}


@dataclass(frozen=True)
class Bench:
    """Where environments are kept, native threads of a rival, minutes that helpdesk may fine-tune."""

    envs: Path
    threads: int
    minutes: float


def measure(name: str, train: Rows, test: Rows, *, seed: int, bench: Bench) -> dict[str, Any]:
    """Accuracy, OOS AUROC where there are such messages, seconds, peak memory, milliseconds a message.

    Raises RuntimeError when the system's process fails.
    """
    if name in OURS:
        job = {"train": train, "test": test, "seed": seed, "minutes": bench.minutes, "finetune": name == "helpdesk"}
        return _run(Path(sys.executable), HERE / "ours.py", job, {"PYTHONPATH": str(ROOT)})
    job = {"train": train, "test": [text for text, _ in test], "seed": seed, "threads": bench.threads}
    job["model"] = resolve_base(ENCODER)
    result = _run(interpreter(name, bench.envs), RIVALS / f"{name}.py", job, _alone(bench.threads))
    figures = judge(result.pop("intents"), result.pop("confidences"), [intent for _, intent in test])
    return figures | result | {"threads": bench.threads}


def judge(intents: Sequence[str], confidences: Sequence[float], truth: Sequence[str]) -> dict[str, float]:
    """Share of in-scope messages named rightly, nothing rejected; how well low confidence tells out-of-scope ones."""
    if not len(intents) == len(confidences) == len(truth):
        raise RuntimeError(f"{len(intents)} intents, {len(confidences)} confidences; expected {len(truth)} of each")
    right = [named == true for named, true in zip(intents, truth, strict=True) if true != CLINC_OOS]
    outside = [true == CLINC_OOS for true in truth]
    figures = {"accuracy": sum(right) / len(right)}
    if any(outside):
        figures["oos_auroc"] = float(roc_auc_score(outside, [-confidence for confidence in confidences]))
    return figures


def interpreter(name: str, envs: Path, *, served: bool = False) -> Path:
    """The Python of a rival's environment; made and filled with its pinned packages the first time. served: with Flask
    and gunicorn."""
    wanted = RIVALS / f"{name}.txt"
    files = [wanted, RIVALS / "behind_flask.txt"] if served else [wanted]
    folder = envs / f"{name}-{digest(files)[:12]}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"installing {' and '.join(file.name for file in files)} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        for file, options in zip(files, ([], ["--no-deps"]), strict=False):
            install = [str(python), "-m", "pip", "install", "-q", *options, "-r", str(file)]
            subprocess.run(install, check=True, stdout=sys.stderr)
        done.touch()
    return python


def fingerprint(name: str, train: Rows, test: Rows) -> str:
    """A hash of the code, the pinned packages and the rows behind a figure: another one makes it out of date."""
    if name in OURS:
        rooms = [ROOT / "helpdesk" / "learning", ROOT / "helpdesk" / "matching"]
        files = [path for room in rooms for path in sorted(room.rglob("*.py"))]
        files += [ROOT / "helpdesk" / "text.py", HERE / "accuracy.py", HERE / "home.py"]
    else:
        files = [RIVALS / "job.py", RIVALS / f"{name}.py", RIVALS / f"{name}.txt"]
    return digest(files, json.dumps([train, test]))


def _run(python: Path, script: Path, job: Mapping[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    process = subprocess.run(
        [str(python), str(script)],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
    )
    if process.returncode:
        raise RuntimeError(f"{script.name} ended with status {process.returncode}; its errors stand above")
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def _alone(threads: int) -> dict[str, str]:
    """No model hub, no telemetry, so many native threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return offline | {"TOKENIZERS_PARALLELISM": "false"} | dict.fromkeys(names, str(threads))
