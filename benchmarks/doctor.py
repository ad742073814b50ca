"""How well the data doctor finds planted label errors: flip some labels of a labelled file, check, compare.

    python benchmarks/doctor.py --train ../shared/data/banking77/train.csv

Two kinds of flips: to any other intent, and to one of the three intents with the most similar words, as a tired
labeller would. The file's own label errors count as false alarms, so precision is a lower bound.

recall, precision   of the findings "probable label error" (warnings and hints)
warning_precision   of the warnings alone
auroc               how well the self-confidence of a row tells flipped from unflipped
seconds             the whole check, encoding included
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from home import Rows, entries
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from helpdesk.learning.data_check.check import check_data, read_data
from helpdesk.learning.data_check.findings import WARNING
from helpdesk.learning.data_check.label_checks import label_quality, out_of_sample
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records.database import open_database
from helpdesk.records.faq import store_entries
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import temporary_settings
from helpdesk.text import normalise


def main() -> None:
    """Flip, check, print one JSON object a kind."""
    arguments = _arguments()
    rows = read_labelled(arguments.train)
    for kind in ("any", "similar"):
        found = run(rows, kind=kind, share=arguments.share, seed=arguments.seed)
        print(json.dumps({"flips": kind, "share": arguments.share, "seed": arguments.seed, **found}), flush=True)


def run(rows: Rows, *, kind: str, share: float, seed: int) -> dict[str, Any]:
    """One check of the rows with a share of the labels flipped."""
    noisy, flipped = flip(rows, kind=kind, share=share, seed=seed)
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        settings = temporary_settings(Path(folder), seed=seed)
        database = open_database(settings)
        list(set_up(settings, database, starter_faq=False, progress=Bars()))
        with database.write() as session:
            store_entries(session, entries(noisy), author="benchmark")
        checkup = check_data(settings, database, progress=Bars())
        with Bars() as progress:
            data = read_data(settings, database, progress=progress)
        database.close()
    wrong = {row.id for row in data.dataset.train if (row.text, row.intent) in flipped}
    found = [finding for finding in checkup.findings if finding.check == "probable label error"]
    named = {row for finding in found for row in finding.rows}
    sure = {row for finding in found if finding.severity == WARNING for row in finding.rows}
    quality = label_quality(data, out_of_sample(data, seed=seed))
    return {
        "rows": len(data.dataset.train),
        "flipped": len(wrong),
        "named": len(named),
        "recall": round(len(named & wrong) / len(wrong), 3),
        "precision": round(len(named & wrong) / max(1, len(named)), 3),
        "warning_precision": round(len(sure & wrong) / max(1, len(sure)), 3),
        "auroc": round(float(roc_auc_score([row.id in wrong for row in data.dataset.train], -quality)), 4),
        "seconds": checkup.seconds,
        "checks": checkup.as_dict()["checks"],
    }


def flip(rows: Rows, *, kind: str, share: float, seed: int) -> tuple[list[tuple[str, str]], set[tuple[str, str]]]:
    """The rows with a share of their labels changed, and the (normalised text, wrong intent) pairs."""
    random = np.random.default_rng(seed)
    intents = sorted({intent for _, intent in rows})
    others = _similar(rows, intents) if kind == "similar" else None
    noisy, flipped = list(rows), set()
    for number in random.choice(len(rows), size=round(share * len(rows)), replace=False):
        text, intent = rows[number]
        own = intents.index(intent)
        choices = [n for n in range(len(intents)) if n != own] if others is None else others[own].tolist()
        wrong = intents[int(random.choice(choices))]
        noisy[number] = (text, wrong)
        flipped.add((normalise(text), wrong))
    return noisy, flipped


def _similar(rows: Rows, intents: Sequence[str]) -> NDArray[np.int64]:
    """Per intent the three others whose rows use the most similar words [intents, 3]."""
    joined = [" ".join(text for text, intent in rows if intent == wanted) for wanted in intents]
    words = TfidfVectorizer(sublinear_tf=True).fit_transform(joined)
    similarities = (words @ words.T).toarray()
    np.fill_diagonal(similarities, -1.0)
    order: NDArray[np.int64] = np.argsort(-similarities, axis=1)[:, :3]
    return order


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--share", type=float, default=0.05, help="share of the labels to flip")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
