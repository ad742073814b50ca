"""What a night found out, as it is stored: frozen models with a schema version.

A bundle's manifest holds its `CandidateReport`, `versions.report` and the files in `reports/` hold `NightReport`s. Each
is written by `model_dump` and read by `model_validate`, which gives what a report of an older version lacks a default.
Of messages and phrasings a report holds ids, but for the texts of flips.
"""

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from helpdesk.records.candidate_report import CandidateReport, Model, ShareChange

SCHEMA_VERSION = 2  # 1 had none


class DecisionSummary(Model):
    """What a version says to a text."""

    kind: str
    intent: str | None
    confidence: float = 0.0


class FlipReport(Model):
    """A replayed text that two versions decide differently; truth: what staff say it means, "" out of scope."""

    text: str
    text_key: str
    count: int
    before: DecisionSummary
    after: DecisionSummary
    message_id: int | None = None
    truth: str | None = None


class ReplayReport(Model):
    """Recent messages decided again; shares are of messages (see `learning/gate/replay.py`)."""

    messages: int
    distinct: int
    cap: int = 0
    changed_share: float = 0.0
    accepted_more: float = 0.0
    accepted_less: float = 0.0
    unsettled_share: float = 0.0
    coverage_before: float = 0.0
    coverage_after: float = 0.0
    right_to_wrong: int = 0
    gained: int = 0
    flips: tuple[FlipReport, ...] = ()
    right_to_wrong_flips: tuple[FlipReport, ...] = ()


class ObjectionReport(Model):
    """Why a candidate was refused: the rule, the reason in words, the ids of rows that prove it."""

    rule: str
    reason: str
    rows: tuple[str, ...] = ()


class ComparisonReport(Model):
    """A candidate and what would serve otherwise, on the rows both were measured on."""

    rows: int
    incumbent_right: int
    candidate_right: int
    gained: int
    lost: int
    net: int
    p_worse: float
    slices_worse: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    lost_rows: tuple[str, ...] = ()


class VerdictReport(Model):
    """The gate's verdict on one candidate; replay: None when it could not even be opened."""

    promote: bool
    reasons: tuple[str, ...]
    blamed: tuple[str, ...] = ()
    comparison: ComparisonReport | None = None
    objections: tuple[ObjectionReport, ...] = ()
    replay: ReplayReport | None = None


class ShareReport(Model):
    """A share of right rows with its 95% interval, None of no rows."""

    rows: int
    right: int
    share: float | None
    low: float | None
    high: float | None


class DifferenceReport(ShareChange):
    """A version against what it would replace."""

    rows: int
    gained: int
    lost: int


class VersionColumn(Model):
    """One version in the table that shows a night's versions side by side."""

    kind: str
    accuracy: ShareReport
    in_scope: ShareReport
    out_of_scope: ShareReport
    against: str | None = None
    difference: DifferenceReport | None = None
    coverage: float | None = None
    wrong_rate: float | None = None
    calibration_error: float | None = None


class IntentChange(Model):
    """Right rows of one intent before and after, of all its rows; "" is out of scope."""

    intent: str
    rows: int
    before: int
    after: int


class IntentChanges(Model):
    """The intents that gained most and lost most."""

    gains: tuple[IntentChange, ...] = ()
    losses: tuple[IntentChange, ...] = ()


class Confusion(Model):
    """How often rows of an intent were taken for another one, before and after."""

    intent: str
    chosen: str
    before: int
    after: int


class Explanation(Model):
    """Incumbent and candidates side by side; intents and confusions by candidate."""

    versions: tuple[VersionColumn, ...] = Field(validation_alias=AliasChoices("versions", "sides"))
    intents: dict[str, IntentChanges] = Field(default_factory=dict)
    confusions: dict[str, tuple[Confusion, ...]] = Field(default_factory=dict)


class DecisionChange(Model):
    """A row whose decision changes when a source is left out."""

    row: str
    count: int
    before: str
    after: str


class DecisionChanges(Model):
    """How many decisions were compared, how many change, and some of them."""

    compared: int
    changed: int
    shown: tuple[DecisionChange, ...] = ()


class ExclusionImpact(Model):
    """What leaving a source's rows out would change, by candidate."""

    without: str
    rows: int
    some_rows: tuple[str, ...] = ()
    changes: dict[str, DecisionChanges] = Field(default_factory=dict)


class TrainingCurve(Model):
    """Metrics on rows held aside, measured after so many steps while an encoder was trained."""

    steps: tuple[int, ...]
    metrics: dict[str, tuple[float | None, ...]]
    held: dict[str, int]
    seconds: float = 0.0


class TrainingReport(BaseModel):
    """How the encoders of a night were trained: their curves by stage, and the plan's own facts."""

    model_config = ConfigDict(frozen=True, extra="allow")

    curves: dict[str, TrainingCurve] = Field(default_factory=dict)

    def lines(self) -> list[str]:
        """One line a training: each metric at the start and at the end."""
        found = []
        for stage, curve in self.curves.items():
            if curve.metrics:
                moves = ", ".join(f"{kind} {values[0]} -> {values[-1]}" for kind, values in curve.metrics.items())
                found.append(f"{stage}: {moves}, {curve.steps[-1]} steps")
        return found


class NightReport(Model):
    """What a night did. `promoted` is the new version's id, None when the incumbent stays.

    verdict: `promoted`, `kept` or `failed`, then with the error; impact: what leaving rows out would change.
    """

    schema_version: int = 1
    started: str
    rows: int = 0
    holdout: int = 0
    incumbent: int | None = None
    promoted: int | None = None
    promoted_kind: str | None = None
    dry_run: bool = False
    verdicts: dict[str, VerdictReport] = Field(default_factory=dict)
    candidates: dict[str, CandidateReport] = Field(default_factory=dict)
    training: TrainingReport = TrainingReport()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    verdict: str = "kept"
    error: str | None = None
    impact: ExclusionImpact | None = Field(default=None, validation_alias=AliasChoices("impact", "difference"))
    explanation: Explanation | None = None

    def as_json(self) -> dict[str, Any]:
        """For a file, a column or standard output."""
        return self.model_dump(mode="json")

    def as_text(self) -> str:
        """For people."""
        lines = [f"learnt from {self.rows:,} rows, {self.holdout} held-out labels, {self.seconds:.0f} s"]
        for kind, verdict in self.verdicts.items():
            word = "promote" if verdict.promote else "refuse"
            lines.append(f"{kind}: {word}: {'; '.join(verdict.reasons)}")
            if verdict.blamed:
                lines.append(f"  the labels to look at: {', '.join(verdict.blamed)}")
        lines += [*self.training.lines(), *(f"warning: {warning}" for warning in self.warnings)]
        built = self.candidates.get(self.promoted_kind or "")
        if built is not None and built.thresholds is not None and (needed := built.thresholds.rows_needed):
            lines.append(f"no direct answers yet: about {needed} more labelled messages would allow the first")
        return "\n".join([*lines, self._ending()])

    def build_times(self) -> list[str]:
        """One line a candidate that was judged: how long the stages of building it took."""
        return [
            f"{kind} was built in {sum(built.seconds.values()):.0f} s by the clock: "
            + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in built.seconds.items())
            for kind, built in self.candidates.items()
            if built.seconds
        ]

    def summary(self) -> str:
        """For people, in one paragraph."""
        return f"{self.verdict.capitalize()}. " + ". ".join(line.strip() for line in self.as_text().splitlines()) + "."

    def _ending(self) -> str:
        if self.error is not None:
            done = f"version {self.promoted} is in service" if self.promoted else "nothing was promoted"
            return f"failed, {done}: {self.error}"
        if self.promoted is not None:
            return f"version {self.promoted} ({self.promoted_kind}) is in service"
        return "dry run: nothing was promoted" if self.dry_run else f"version {self.incumbent} stays in service"
