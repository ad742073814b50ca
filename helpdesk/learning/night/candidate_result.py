"""One candidate tried: built, opened, judged; what speaks against it for good is a refusal in words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from helpdesk.errors import BundleError, BusyError, ConflictError
from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.gate.context import Judged
from helpdesk.learning.gate.side_by_side import Side
from helpdesk.learning.gate.smoke_checks import UnsoundError
from helpdesk.learning.gate.verdict import Objection, refuse
from helpdesk.learning.night.report import NightReport
from helpdesk.matching.bundle import Bundle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tried:
    """A candidate that opened, and the verdict on it."""

    candidate: Candidate
    bundle: Bundle
    judged: Judged
    side: Side

    @property
    def promote(self) -> bool:
        return self.judged.verdict.promote


def tried(report: NightReport, sides: list[Side], kind: str, attempt: Callable[[], Tried]) -> Tried | None:
    """Build and judge a candidate and note the verdict; None when what was built cannot serve at all."""
    try:
        found = attempt()
    except UnsoundError as error:
        report.verdicts[kind] = refuse(error.objection).as_dict()
        return None
    except BundleError as error:
        report.verdicts[kind] = refuse(Objection("broken", f"it cannot serve: {error}")).as_dict()
        return None
    report.candidates[kind] = found.candidate.report
    report.verdicts[kind] = found.judged.as_dict()
    sides.append(found.side)
    return found


@contextmanager
def failure_spared(report: NightReport, kind: str, *, spared: bool) -> Iterator[None]:
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
        report.verdicts[kind] = refuse(Objection("failed", reason)).as_dict()
        report.warnings.append(f"{kind}: {reason}")


def hold_of(serving: int) -> str:
    """Why nights promote nothing while a rollback stands, and what ends that."""
    return (
        f"version {serving} serves because of a rollback, so nights promote nothing until "
        f"`helpdesk versions promote {serving}` (or any other version)"
    )


def hold(judged: Judged, reason: str) -> Judged:
    """The verdict while a rollback stands: what no rule objects to does not go live either."""
    if not judged.verdict.promote:
        return judged
    objection = Objection("rolled_back", reason)
    return replace(judged, verdict=replace(judged.verdict, promote=False, reasons=(reason,), objections=(objection,)))
