"""What only a simulation does to a night: candidates that are broken on purpose, and a gate that lets all pass."""

import json
from pathlib import Path

from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.verdict import Verdict
from helpdesk.matching import bundle as layout


def promote_always(case: Case) -> Verdict:
    """A gate that objects to nothing."""
    return Verdict(True, ("there is no gate",), case.comparison, replay=case.replay)


def break_candidate(candidate: Candidate) -> None:
    """Swap the intents of a candidate that was just sealed."""
    swap_intents(candidate.directory)


def swap_intents(directory: Path) -> None:
    """Give each intent of a sealed bundle the next one's name, in what it decides and what it measured."""
    phrasings = json.loads((directory / layout.PHRASINGS).read_text())
    names = phrasings["intents"]
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    phrasings["intents"] = [following[name] for name in names]
    evaluation = json.loads((directory / layout.EVALUATION).read_text())
    for row in evaluation["rows"].values():
        row[1] = following[row[1]]
    (directory / layout.PHRASINGS).write_text(json.dumps(phrasings))
    (directory / layout.EVALUATION).write_text(json.dumps(evaluation))
    reseal(directory)


def reseal(directory: Path) -> None:
    """Seal a bundle again after its files were changed."""
    facts = layout.read_manifest(directory)
    (directory / layout.MANIFEST).unlink()
    layout.seal(
        directory, {k: v for k, v in facts.items() if k not in ("format", "files", "content_hash", layout.SEAL)}
    )
