"""The data check: what is wrong with the FAQ and its phrasings, and what to do about it."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from helpdesk.learning.calibration.measurement import read_measurement
from helpdesk.learning.calibration.out_of_fold import Progress
from helpdesk.learning.data.dataset import Dataset, read_dataset
from helpdesk.learning.data_check.findings import SEVERITIES, Data, Finding, Published
from helpdesk.learning.data_check.label_checks import check_labels
from helpdesk.learning.data_check.text_checks import check_texts
from helpdesk.learning.installed import require_training
from helpdesk.matching.bundle import ENCODER, PHRASINGS, open_bundle
from helpdesk.matching.encoder import Encoder, TokenLimit
from helpdesk.matching.index import Vectors
from helpdesk.progress import Reporter
from helpdesk.records.database import Database
from helpdesk.records.faq import list_intents
from helpdesk.records.versions import current
from helpdesk.settings import Settings
from helpdesk.text import text_key


@dataclass(frozen=True)
class Checkup:
    """All findings, the most severe first, how much was examined, and a hash of it."""

    findings: tuple[Finding, ...]
    entries: int
    phrasings: int
    seconds: float
    rows_hash: str

    def count(self, severity: str) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "entries": self.entries,
            "phrasings": self.phrasings,
            "seconds": self.seconds,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "checks": dict(Counter(finding.check for finding in self.findings)),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def check_data(settings: Settings, database: Database, *, progress: Reporter) -> Checkup:
    """Examine the published FAQ and the labels that train. Changes nothing. Raises BadInputError below two entries."""
    require_training()
    started = time.monotonic()
    with progress as report:
        data = read_data(settings, database, progress=report)
        report("checking texts", 0, 1)
        findings = list(check_texts(data))
        report("checking labels", 0, 1)
        findings += check_labels(data, seed=settings.seed)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    seconds = round(time.monotonic() - started, 1)
    return Checkup(tuple(findings), len(data.entries), len(data.dataset.train), seconds, data.dataset.rows_hash)


def read_data(settings: Settings, database: Database, *, progress: Progress) -> Data:
    """Entries, rows and their vectors.

    A fine-tuned encoder has learnt the labels, wrong ones too, so the rows are embedded by the version in service only
    while that is the base model; its stored vectors are used where the texts are the same.
    """
    with database.read() as session:
        dataset = read_dataset(session)
        published = list_intents(session, published_only=True)
        entries = tuple(Published(intent.slug, intent.question, intent.answer) for intent in published)
        serving = current(session)
    bundle = None if serving is None else settings.bundles / serving.directory
    if bundle is not None and read_measurement(bundle) is None:
        short = dataset.shortened(TokenLimit.of(bundle / ENCODER).is_cut)
        vectors = _bundle_vectors(bundle, short, settings, progress=progress)
    else:
        short, vectors = _base_vectors(dataset, settings, progress=progress)
    read = {row.id for row in short.train}
    return Data(entries, short, vectors, tuple(row for row in dataset.train if row.id not in read))


def _bundle_vectors(directory: Path, dataset: Dataset, settings: Settings, *, progress: Progress) -> Vectors:
    bundle = open_bundle(directory, threads=settings.train_threads)
    keys = json.loads((directory / PHRASINGS).read_text())["keys"]
    row_of = {key: row for row, key in enumerate(keys)}
    known = [row_of.get(text_key(text)) for text in dataset.texts]
    vectors = np.empty((len(known), bundle.encoder.dim), dtype=np.float32)
    stored = [number for number, row in enumerate(known) if row is not None]
    fresh = [number for number, row in enumerate(known) if row is None]
    vectors[stored] = bundle.vectors[[row for row in known if row is not None]]
    vectors[fresh] = _encode(bundle.encoder, [dataset.texts[number] for number in fresh], progress=progress)
    return vectors


def _base_vectors(dataset: Dataset, settings: Settings, *, progress: Progress) -> tuple[Dataset, Vectors]:
    from helpdesk.learning.training.base_model import load_base
    from helpdesk.learning.training.onnx_export import save_serving_files
    from helpdesk.learning.training.rounding import Rounding

    with TemporaryDirectory(prefix="helpdesk-check-") as folder:
        base = load_base(settings.base_model, threads=settings.train_threads)
        save_serving_files(base, Path(folder), rounding=Rounding.CHANNELS)
        encoder = Encoder(Path(folder), threads=settings.train_threads)
        short = dataset.shortened(encoder.is_cut)
        return short, _encode(encoder, short.texts, progress=progress)


def _encode(encoder: Encoder, texts: list[str], *, progress: Progress) -> Vectors:
    return encoder.encode(texts, progress=lambda done, total: progress("encoding", done, total))
