"""A night's trial: everything that speaks for and against its candidates, gathered once, and the verdicts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from helpdesk.errors import BundleError
from helpdesk.learning.bundles.build import CONTRACT, Candidate
from helpdesk.learning.calibration.measurement import read_measurement
from helpdesk.learning.data.dataset import Snapshot
from helpdesk.learning.gate.evaluation import held_out, out_of_fold, read_evaluation
from helpdesk.learning.gate.fairness_rule import fairness_objections
from helpdesk.learning.gate.historical_best import NIGHTS, Champion, choose_champion
from helpdesk.learning.gate.paired_tests import Outcomes
from helpdesk.learning.gate.relabelling import contradicted_changes, relabelled
from helpdesk.learning.gate.replay import Replay, Traffic, compare_decisions, read_traffic
from helpdesk.learning.gate.smoke_checks import larger, slower
from helpdesk.learning.gate.traffic_rules import (
    SILENCE_LEVEL,
    broken_promises,
    silenced_intents,
    too_little_coverage,
    too_many_changes,
)
from helpdesk.learning.gate.verdict import Evidence, Objection, Verdict, judge_refreshed, judge_retrained
from helpdesk.matching.bundle import Bundle, encoder_hash, open_bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Vectors
from helpdesk.matching.matcher import Matcher
from helpdesk.records import golden, versions
from helpdesk.records.base import now
from helpdesk.records.database import Database
from helpdesk.records.exclusions import Exclusion, rows_left_out
from helpdesk.records.golden import GoldenPhrase
from helpdesk.records.running_tables import Version
from helpdesk.settings import Settings
from helpdesk.stats.multiple_testing import LEVEL

log = logging.getLogger(__name__)
ROWS_LEVEL = LEVEL - SILENCE_LEVEL  # the night's false alarms of all tests on labelled rows
SHARES = {"refreshed": 0.75, "retrained": 0.25}  # of them; an encoder that gains nothing is refused without a test


@dataclass(frozen=True)
class Judged:
    """A verdict, and what the candidate would change for people."""

    verdict: Verdict
    replay: Replay

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return self.verdict.as_dict() | {"replay": self.replay.as_dict()}


@dataclass(frozen=True)
class _Earlier:
    """How a version that served lately does on today's rows, and how it was measured out of fold."""

    measured: tuple[int, int] | None
    held_out: Outcomes
    out_of_fold: Outcomes


@dataclass
class Trial:
    """The incumbent and everything its candidates, `tries` of them, are held against. Use `open_trial`."""

    settings: Settings
    snapshot: Snapshot
    incumbent: Bundle
    incumbent_id: int
    traffic: Traffic
    phrases: Sequence[GoldenPhrase]
    earlier: Mapping[int, Path]
    best_coverage: float
    tries: int
    _held: dict[str, Vectors] = field(default_factory=dict)

    def outcomes(self, bundle: Bundle) -> Outcomes:
        """A bundle on the rows it never learnt, as it was measured itself."""
        return {**out_of_fold(read_evaluation(bundle), self.snapshot), **self.held_out(bundle)}

    def held_out(self, bundle: Bundle) -> Outcomes:
        """A bundle on the held-out labels, encoded once for every encoder."""
        name = encoder_hash(bundle.manifest)
        if name not in self._held:
            self._held[name] = bundle.encoder.encode([row.text for row in self.snapshot.holdout])
        return held_out(bundle, self.snapshot, vectors=self._held[name])

    @property
    def champions(self) -> tuple[int, ...]:
        """The versions that did best of late, which must be kept to hold later candidates against."""
        return self._champion(self.outcomes(self.incumbent), self.incumbent.path).versions

    def refreshed(self, candidate: Candidate, opened: Bundle) -> Judged:
        """New phrasings under the encoder in service, against the incumbent."""
        before, replay = self.outcomes(self.incumbent), self._replay(opened)
        evidence = Evidence(
            best=self._champion(before, opened.path).outcomes,
            flip_budget=self.settings.flip_budget_refreshed,
            objections=self._objections(candidate, opened, replay, budget=self.settings.change_budget_refreshed),
            level=ROWS_LEVEL * self._share(candidate),
        )
        known = self.incumbent.phrasing_ids
        verdict = judge_refreshed(before, self.outcomes(opened), known=known, evidence=evidence)
        return Judged(verdict, replay)

    def retrained(self, candidate: Candidate, opened: Bundle, *, standing: Outcomes) -> Judged:
        """A new encoder, against what would serve otherwise, measured on the same parts of the rows."""
        replay = self._replay(opened)
        evidence = Evidence(
            best=self._champion(standing, opened.path).outcomes,
            flip_budget=self.settings.flip_budget_retrained,
            objections=self._objections(candidate, opened, replay, budget=self.settings.change_budget_retrained),
            level=ROWS_LEVEL * self._share(candidate),
        )
        verdict = judge_retrained(standing, self.outcomes(opened), evidence=evidence)
        return Judged(verdict, replay)

    def _objections(
        self, candidate: Candidate, opened: Bundle, replay: Replay, *, budget: float
    ) -> tuple[Objection, ...]:
        """What the rules say that do not look at labelled rows.

        Under another contract than the incumbent's fewer answers are what the operator asked for.
        """
        texts = self.snapshot.texts
        found = slower(opened, self.incumbent, texts=texts, bound=self.settings.max_slowdown)
        found += larger(opened, self.incumbent, bound=self.settings.max_growth)
        found += self._broken_promises(opened)
        found += fairness_objections(candidate.report["fairness"], self.settings.fairness_max_gap)
        found += contradicted_changes(relabelled(self.incumbent, self.snapshot, read_evaluation(opened)))
        found += silenced_intents(replay, level=SILENCE_LEVEL * self._share(candidate))
        if self.incumbent.manifest.get(CONTRACT) in (None, opened.manifest.get(CONTRACT)):
            before = self.incumbent.manifest["report"]["thresholds"]
            found += too_little_coverage(before, candidate.report["thresholds"], replay, best=self.best_coverage)
            found += too_many_changes(replay, budget=budget)
        return tuple(found)

    def _share(self, candidate: Candidate) -> float:
        return SHARES[candidate.kind] if self.tries > 1 else 1.0

    def _replay(self, opened: Bundle) -> Replay:
        asked, left_out = self.traffic.asked, self.traffic.left_out
        return compare_decisions(asked, self._served, self.traffic.decide(opened), left_out=left_out)

    @cached_property
    def _served(self) -> list[Decision]:
        return self.traffic.decide(self.incumbent)

    def _broken_promises(self, opened: Bundle) -> list[Objection]:
        texts, published = [phrase.text for phrase in self.phrases], self.snapshot.questions.keys()
        before, after = (Matcher(b).match_all(texts, published=published) for b in (self.incumbent, opened))
        return broken_promises(self.phrases, before, after, published=published)

    def _champion(self, base: Outcomes, measured_as: Path) -> Champion:
        """Out-of-fold results count for versions that were measured as the candidate is; held-out labels always."""
        measured = _measured(measured_as)
        others = {
            version: {**(found.out_of_fold if found.measured == measured else {}), **found.held_out}
            for version, found in self._earlier.items()
        }
        return choose_champion(base, others, incumbent_id=self.incumbent_id)

    @cached_property
    def _earlier(self) -> dict[int, _Earlier]:
        """Opened one after the other: a handful of encoders at once would need much memory."""
        found = {}
        for version, path in self.earlier.items():
            try:
                bundle = open_bundle(path, threads=self.settings.train_threads)
                stored = out_of_fold(read_evaluation(bundle), self.snapshot)
                found[version] = _Earlier(_measured(path), self.held_out(bundle), stored)
            except BundleError as error:
                log.warning("version %s is not compared with: %s", version, error)
        return found


def open_trial(
    settings: Settings,
    database: Database,
    snapshot: Snapshot,
    incumbent: Bundle,
    incumbent_id: int,
    *,
    without: Exclusion | None,
    tries: int,
) -> Trial:
    """Read what candidates will be held against: recent messages, golden phrases, the versions of the last nights.

    without: what the snapshot leaves out on purpose; tries: how many candidates there will be, which share the night's
    false alarms.
    """
    published = snapshot.questions.keys()
    with database.read() as session:
        traffic = read_traffic(
            session,
            home=settings.home,
            days=settings.replay_days,
            meanings=snapshot.exact,
            published=published,
            without=rows_left_out(session, without),
        )
        phrases = golden.read(session)
        served = versions.served_since(session, now() - timedelta(days=NIGHTS))
        best = _best_coverage([versions.find_version(session, version) for version in served], contract_of(settings))
    earlier = {version: settings.bundles / name for version, name in served.items() if version != incumbent_id}
    on_disk = {version: path for version, path in earlier.items() if path.is_dir()}
    return Trial(settings, snapshot, incumbent, incumbent_id, traffic, phrases, on_disk, best, max(1, tries))


def _best_coverage(served: Sequence[Version], contract: Sequence[float]) -> float:
    """The highest measured share of direct answers among versions that served under a contract; 0 without one."""
    reports = [version.report.get("candidates", {}).get(version.kind, {}) for version in served]
    return max((found["thresholds"]["coverage"] for found in reports if found.get(CONTRACT) == contract), default=0.0)


def contract_of(settings: Settings) -> list[float]:
    """The error-rate contract a bundle is built under, for its manifest."""
    return [settings.max_wrong_rate, settings.assurance]


def _measured(directory: Path) -> tuple[int, int] | None:
    found = read_measurement(directory)
    return None if found is None else (found.parts, len(found.encoders))
