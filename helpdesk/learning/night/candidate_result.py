"""One candidate: built, opened, judged; what speaks against it for good is a refusal in words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from helpdesk.errors import BundleError, BusyError, ConflictError
from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.gate.rules import Objection, Rule
from helpdesk.learning.gate.side_by_side import Column
from helpdesk.learning.gate.smoke_checks import SmokeCheckError
from helpdesk.learning.gate.verdict import Verdict, refuse
from helpdesk.learning.night.report import NightLog
from helpdesk.matching.bundle import Bundle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CandidateResult:
    """A candidate that opened, and the verdict on it."""

    candidate: Candidate
    bundle: Bundle
    verdict: Verdict
    column: Column


def attempt(night: NightLog, kind: str, build: Callable[[], CandidateResult]) -> CandidateResult | None:
    """Build and judge a candidate and note the verdict; None when what was built cannot serve at all."""
    try:
        found = build()
    except SmokeCheckError as error:
        night.verdicts[kind] = refuse(error.objection).report()
        return None
    except BundleError as error:
        night.verdicts[kind] = refuse(Objection(Rule.BROKEN, f"it cannot serve: {error}")).report()
        return None
    night.candidates[kind] = found.candidate.report
    night.verdicts[kind] = found.verdict.report()
    night.columns.append(found.column)
    return found


@contextmanager
def failure_spared(night: NightLog, kind: str, *, spared: bool) -> Iterator[None]:
    """With `spared` an error of this candidate is a refusal and a warning: another one is good enough to go live."""
    try:
        yield
    except (BusyError, ConflictError):
        raise
    except Exception as error:
        if not spared:
            raise
        log.exception("the %s candidate failed", kind)
        reason = f"it failed: {type(error).__name__}: {error}"
        night.verdicts[kind] = refuse(Objection(Rule.FAILED, reason)).report()
        night.warnings.append(f"{kind}: {reason}")


def rollback_objection(serving: int) -> Objection:
    """Why nights promote nothing while a rollback stands, and what ends that."""
    reason = (
        f"version {serving} serves because of a rollback, so nights promote nothing until "
        f"`helpdesk versions promote {serving}` (or any other version)"
    )
    return Objection(Rule.ROLLED_BACK, reason)
