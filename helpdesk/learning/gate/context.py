"""A night's context: everything that speaks for and against its candidates, gathered once, and the verdicts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from helpdesk.errors import BundleError
from helpdesk.learning.bundles.build import CONTRACT, Candidate
from helpdesk.learning.calibration.measurement import read_measurement
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.gate.case import SILENCE_LEVEL, Case, Coverage, Golden, Limits
from helpdesk.learning.gate.evaluation import held_out, out_of_fold, read_evaluation
from helpdesk.learning.gate.historical_best import NIGHTS_COMPARED, HistoricalBest, choose_historical_best
from helpdesk.learning.gate.paired_tests import Outcomes
from helpdesk.learning.gate.relabelling import relabelled
from helpdesk.learning.gate.replay import Replay, ReplayTraffic, compare_decisions, read_traffic
from helpdesk.learning.gate.smoke_checks import measure_cost
from helpdesk.matching.bundle import Bundle, encoder_hash, open_bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Vectors
from helpdesk.matching.matcher import Matcher
from helpdesk.records import golden, versions
from helpdesk.records.candidate_report import CandidateReport
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.exclusions import Exclusion, rows_left_out
from helpdesk.records.golden import GoldenPhrase
from helpdesk.records.names import current_names
from helpdesk.records.tables import Version
from helpdesk.settings import Settings
from helpdesk.stats.multiple_testing import SIGNIFICANCE_LEVEL

log = logging.getLogger(__name__)
ROWS_LEVEL = SIGNIFICANCE_LEVEL - SILENCE_LEVEL  # the night's false alarms of all tests on labelled rows
SHARES = {"refreshed": 0.75, "retrained": 0.25}  # of them; an encoder that gains nothing is refused without a test


@dataclass(frozen=True)
class _Earlier:
    """How a version that served lately does on today's rows, and how it was measured out of fold."""

    measured: tuple[int, int] | None
    held_out: Outcomes
    out_of_fold: Outcomes


@dataclass
class GateContext:
    """The incumbent and everything its candidates, `tries` of them, are held against. Use `gather_context`."""

    settings: Settings
    dataset: Dataset
    incumbent: Bundle
    incumbent_id: int
    traffic: ReplayTraffic
    phrases: Sequence[GoldenPhrase]
    earlier: Mapping[int, Path]
    best_coverage: float
    tries: int
    names: Mapping[str, str]
    _held: dict[str, Vectors] = field(default_factory=dict)

    def outcomes(self, bundle: Bundle) -> Outcomes:
        """A bundle on the rows it never learnt, as it was measured itself."""
        return {**out_of_fold(read_evaluation(bundle), self.dataset), **self.held_out(bundle)}

    def held_out(self, bundle: Bundle) -> Outcomes:
        """A bundle on the held-out labels, encoded once for every encoder."""
        name = encoder_hash(bundle.manifest)
        if name not in self._held:
            self._held[name] = bundle.encoder.encode([row.text for row in self.dataset.holdout])
        return held_out(bundle, self.dataset, vectors=self._held[name])

    @property
    def best_versions(self) -> tuple[int, ...]:
        """The versions that did best of late, which must be kept to hold later candidates against."""
        return self._historical_best(self.outcomes(self.incumbent), self.incumbent.path).versions

    def refreshed(self, candidate: Candidate, opened: Bundle) -> Case:
        """New phrasings under the encoder in service, against the incumbent."""
        budgets = (self.settings.flip_budget_refreshed, self.settings.change_budget_refreshed)
        return self._case(candidate, opened, before=self.outcomes(self.incumbent), budgets=budgets)

    def retrained(self, candidate: Candidate, opened: Bundle, *, standing: Outcomes) -> Case:
        """A new encoder, against what would serve otherwise, measured on the same parts of the rows."""
        budgets = (self.settings.flip_budget_retrained, self.settings.change_budget_retrained)
        return replace(self._case(candidate, opened, before=standing, budgets=budgets), needs_gain=True)

    def _case(self, candidate: Candidate, opened: Bundle, *, before: Outcomes, budgets: tuple[float, float]) -> Case:
        """Under another contract than the incumbent's fewer answers are what the operator asked for."""
        settings, share = self.settings, self._share(candidate)
        same_contract = self.incumbent.manifest.get(CONTRACT) in (None, opened.manifest.get(CONTRACT))
        return Case(
            before=before,
            after=self.outcomes(opened),
            best=self._historical_best(before, opened.path).outcomes,
            known=frozenset(self.incumbent.phrasing_ids),
            limits=Limits(
                flips=budgets[0],
                changes=budgets[1] if same_contract else 1.0,
                gap=settings.fairness_max_gap,
                slowdown=settings.max_slowdown,
                growth=settings.max_growth,
            ),
            level=ROWS_LEVEL * share,
            silence_level=SILENCE_LEVEL * share,
            replay=self._replay(opened),
            coverage=self._coverage(candidate) if same_contract else None,
            golden=self._golden(opened),
            slices=candidate.report.fairness,
            relabelled=relabelled(self.incumbent, self.dataset, read_evaluation(opened)),
            cost=measure_cost(opened, self.incumbent, texts=self.dataset.texts),
        )

    def _coverage(self, candidate: Candidate) -> Coverage | None:
        before, after = report_of_bundle(self.incumbent).thresholds, candidate.report.thresholds
        return Coverage(before, after, self.best_coverage) if before and after else None

    def _share(self, candidate: Candidate) -> float:
        return SHARES[candidate.kind] if self.tries > 1 else 1.0

    def _replay(self, opened: Bundle) -> Replay:
        asked, left_out = self.traffic.asked, self.traffic.left_out
        return compare_decisions(asked, self._served, self.traffic.decide(opened), left_out=left_out)

    @cached_property
    def _served(self) -> list[Decision]:
        return self.traffic.decide(self.incumbent)

    def _golden(self, opened: Bundle) -> list[Golden]:
        """Golden phrases of published entries; the others wait until their entry is back."""
        published = self.dataset.questions.keys()
        phrases = [phrase for phrase in self.phrases if phrase.intent is None or phrase.intent in published]
        texts = [phrase.text for phrase in phrases]
        before, after = (Matcher(b).match_all(texts, published=published) for b in (self.incumbent, opened))
        return [Golden(*found) for found in zip(phrases, before, after, strict=True)]

    def _historical_best(self, base: Outcomes, measured_as: Path) -> HistoricalBest:
        """Out-of-fold results count for versions that were measured as the candidate is; held-out labels always."""
        measured = _measured(measured_as)
        others = {
            version: {**(found.out_of_fold if found.measured == measured else {}), **found.held_out}
            for version, found in self._earlier.items()
        }
        return choose_historical_best(base, others, incumbent_id=self.incumbent_id)

    @cached_property
    def _earlier(self) -> dict[int, _Earlier]:
        """Opened one after the other: a handful of encoders at once would need much memory."""
        found = {}
        for version, path in self.earlier.items():
            try:
                bundle = open_bundle(path, threads=self.settings.train_threads).renamed(self.names)
                stored = out_of_fold(read_evaluation(bundle), self.dataset)
                found[version] = _Earlier(_measured(path), self.held_out(bundle), stored)
            except BundleError as error:
                log.warning("version %s is not compared with: %s", version, error)
        return found


def gather_context(
    settings: Settings,
    database: Database,
    dataset: Dataset,
    incumbent: Bundle,
    incumbent_id: int,
    *,
    without: Exclusion | None,
    tries: int,
) -> GateContext:
    """Read what candidates will be held against: recent messages, golden phrases, the versions of the last nights.

    without: what the dataset leaves out on purpose; tries: how many candidates there will be, which share the night's
    false alarms.
    """
    published = dataset.questions.keys()
    with database.read() as session:
        traffic = read_traffic(
            session,
            home=settings.home,
            days=settings.replay_days,
            meanings=dataset.exact,
            published=published,
            without=rows_left_out(session, without),
        )
        phrases = golden.read(session)
        names = current_names(session)
        served = versions.served_since(session, now() - timedelta(days=NIGHTS_COMPARED))
        best = _best_coverage([versions.find_version(session, version) for version in served], contract_of(settings))
    earlier = {version: settings.bundles / name for version, name in served.items() if version != incumbent_id}
    on_disk = {version: path for version, path in earlier.items() if path.is_dir()}
    return GateContext(
        settings, dataset, incumbent, incumbent_id, traffic, phrases, on_disk, best, max(1, tries), names
    )


def _best_coverage(served: Sequence[Version], contract: Sequence[float]) -> float:
    """The highest measured share of direct answers among versions that served under a contract; 0 without one."""
    reports = [versions.report_of(version) for version in served]
    fitted = [found.thresholds for found in reports if found.contract == tuple(contract)]
    return max((found.coverage for found in fitted if found), default=0.0)


def report_of_bundle(bundle: Bundle) -> CandidateReport:
    """What the making of a sealed bundle found out."""
    return CandidateReport.model_validate(bundle.manifest.get("report", {}))


def contract_of(settings: Settings) -> list[float]:
    """The error-rate contract a bundle is built under, for its manifest."""
    return [settings.max_wrong_rate, settings.assurance]


def _measured(directory: Path) -> tuple[int, int] | None:
    found = read_measurement(directory)
    return None if found is None else (found.folds, len(found.encoders))
