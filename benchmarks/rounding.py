"""What do 8-bit weights cost in accuracy? The encoder of a home's version, rounded and exact, on rows it never saw.

    python benchmarks/accuracy.py --train ../shared/data/banking77/train_10.csv \\
        --test ../shared/data/banking77/test.csv --keep tuned
    python benchmarks/rounding.py --home tuned --pool ../shared/data/banking77/train.csv

The graphs are exported from the same weights and encode phrasings and messages alike; the scorer's head and centroids
are fitted on each, its other weights stay.

none, blocks, channels  share of the pool's rows, phrasings left out, whose intent comes first
..._lost                percentage points
..._differ              share of the rows on which it names another intent than exact weights do
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from accuracy import open_serving
from numpy.typing import NDArray

from helpdesk.learning.calibration.scorer_fit import refit
from helpdesk.learning.calibration.unseen import score_unseen
from helpdesk.learning.data.dataset import Dataset, read_dataset
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.learning.training.rounding import Rounding
from helpdesk.matching.bundle import ENCODER, Bundle
from helpdesk.matching.encoder import Encoder
from helpdesk.records.database import open_database
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import temporary_settings
from helpdesk.text import normalise


def main() -> None:
    """Export twice, rank twice, print."""
    arguments = _arguments()
    settings = temporary_settings(arguments.home)
    database = open_database(settings)
    with database.read() as session:
        dataset = read_dataset(session)
    bundle = open_serving(settings, database)
    database.close()
    learnt = set(dataset.texts)
    pool = [(normalise(text), intent) for text, intent in read_labelled(arguments.pool)]
    pool = [(text, intent) for text, intent in pool if text not in learnt]
    texts = [text for text, _ in pool]
    truth = np.array([dataset.intents.index(intent) for _, intent in pool])
    best = {rounding: rank(bundle, dataset, texts, rounding=rounding) for rounding in Rounding}
    shares = {rounding: float((found == truth).mean()) for rounding, found in best.items()}
    result: dict[str, float] = {rounding: round(share, 4) for rounding, share in shares.items()}
    for rounding in (Rounding.BLOCKS, Rounding.CHANNELS):
        result[f"{rounding}_lost"] = round(100 * (shares[Rounding.NONE] - shares[rounding]), 2)
        result[f"{rounding}_differ"] = round(float((best[rounding] != best[Rounding.NONE]).mean()), 4)
    result["rows"] = len(pool)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<16} {value}" for name, value in result.items()))


def rank(bundle: Bundle, dataset: Dataset, texts: Sequence[str], *, rounding: Rounding) -> NDArray[np.int64]:
    """The best intent of each normalised text by the version's network, its weights rounded so."""
    with tempfile.TemporaryDirectory() as folder:
        save_serving_files(load_base(str(bundle.path / ENCODER), threads=2), Path(folder), rounding=rounding)
        encoder = Encoder(Path(folder), threads=2)
        indexed, vectors = encoder.encode(dataset.texts), encoder.encode(texts)
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    scorer = refit(bundle.scorer, indexed, intents, np.empty((0, encoder.dim), dtype=np.float32))
    scored = score_unseen(scorer, vectors, indexed=indexed, intents=intents)
    return np.array([int(np.argmax(scores.confidence)) for scores in scored])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="a home that accuracy.py --keep left")
    parser.add_argument("--pool", type=Path, required=True, help="CSV with more rows of the same intents")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
