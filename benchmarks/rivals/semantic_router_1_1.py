"""semantic-router 1.1: an `IndexedRouter` with its defaults (the mean of the 5 nearest utterances) over a local index.

Nothing is rejected. Its calibrator is left out: it wants labelled messages that are not utterances, every row is an
utterance here, and it changes neither the ranking nor the AUROC. It has no seed.
"""

from collections.abc import Sequence

import torch
from job import Decide, Job, carry_out
from semantic_router import IndexedRouter, Route
from semantic_router.encoders import LocalEncoder


def learn(job: Job) -> Decide:
    """One route an intent."""
    torch.set_num_threads(job.threads)
    utterances: dict[str, list[str]] = {}
    for text, intent in job.train:
        utterances.setdefault(intent, []).append(text)
    routes = [Route(name=intent, utterances=texts) for intent, texts in utterances.items()]
    router = IndexedRouter(encoder=LocalEncoder(name=job.model, device="cpu"), routes=routes)

    def decide(texts: Sequence[str]) -> list[tuple[str, float]]:
        choices = [router(text) for text in texts]
        return [(choice.name, float(choice.confidence)) for choice in choices]

    return decide


if __name__ == "__main__":
    carry_out(learn)
