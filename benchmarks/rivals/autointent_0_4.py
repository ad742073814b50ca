"""AutoIntent 0.4: nearest phrasings over the frozen encoder, without the search for the best module. It has no seed.

Its search would try modules that all wait for the same encoder, so it says nothing of how fast a message is decided.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from autointent import Dataset, Pipeline
from job import Decide, Job, carry_out

NEIGHBOURS = 10


def learn(job: Job) -> Decide:
    """One label an intent."""
    torch.set_num_threads(job.threads)
    names = sorted(set(job.intents))
    number = {name: row for row, name in enumerate(names)}
    rows = [{"utterance": text, "label": number[intent]} for text, intent in job.train]
    intents = [{"id": row, "name": name} for row, name in enumerate(names)]
    pipeline = Pipeline.from_optimization_config(_configuration(job))
    pipeline.fit(Dataset.from_dict({"train": rows, "intents": intents}), refit_after=True)

    def decide(texts: Sequence[str]) -> list[tuple[str, float]]:
        found = pipeline.predict_with_metadata(list(texts)).utterances
        return [(names[one.prediction], float(max(one.score))) for one in found]

    return decide


def _configuration(job: Job) -> dict[str, Any]:
    scoring = {"module_name": "knn", "k": [NEIGHBOURS], "weights": ["distance"]}
    nodes = [
        {"node_type": "scoring", "target_metric": "scoring_f1", "search_space": [scoring]},
        {"node_type": "decision", "target_metric": "decision_accuracy", "search_space": [{"module_name": "argmax"}]},
    ]
    return {
        "search_space": nodes,
        "embedder_config": {"model_name": job.model, "device": "cpu"},
        "hpo_config": {"sampler": "random", "n_trials": 1},
        "logging_config": {"project_dir": tempfile.gettempdir()},
        "seed": job.seed + 1,  # it takes no 0
    }


if __name__ == "__main__":
    carry_out(learn)
