"""What the making of one bundle found out: the models of its report (see `night_report.py`)."""

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, ser_json_inf_nan="null")


class Levels(Model):
    """Fitted thresholds, see `matching.decide.Thresholds`."""

    answer: float
    clarify: float


class ThresholdsReport(Model):
    """Thresholds with what they gave on the rows they were fitted on (see `learning/calibration/risk_control.py`)."""

    thresholds: Levels
    coverage: float
    answered: int
    wrong_rate: float | None = None
    bound: float | None = None
    rows_needed: int | None = 0
    coverage_in_reach: float | None = None
    asked: float | None = None
    held: float | None = None
    out_of_scope_share: float | None = None
    out_of_scope_rows: int | None = None
    out_of_scope_source: str | None = None


class ScorerReport(Model):
    """The fitted scorer: how right and how calibrated it is out of fold, its weights by name."""

    measured_rows: int = 0
    out_of_fold_accuracy: dict[str, float] = {}
    expected_calibration_error: float | None = None
    intent_weights: dict[str, float] = Field(
        default={}, validation_alias=AliasChoices("intent_weights", "view_weights")
    )
    scope_weights: dict[str, float] = Field(default={}, validation_alias=AliasChoices("scope_weights", "sign_weights"))
    out_of_scope: int = 0
    out_of_scope_used: int = 0


class ShareChange(Model):
    """A share before and after on the same messages, with the interval of the change."""

    before: float
    after: float
    change: float
    low: float
    high: float


class SliceReport(Model):
    """One fairness slice."""

    slice: str
    sides: tuple[str, str]
    pairs: int
    answer_rate: ShareChange
    accuracy: ShareChange
    verdict: Literal["weak", "ok"]


class RobustnessReport(Model):
    """What changes by kind of perturbation: name -> change of accuracy and of answer rate."""

    messages: int = 0
    changes: dict[str, dict[str, float]] = {}


class CandidateReport(Model):
    """What the making of one bundle found out.

    relabel_requests: labels that an encoder which never saw them is sure to be something else; contract: allowed share
    of wrong answers and assurance; seconds: of each stage of the build, by the clock, not in the bundle.
    """

    scorer: ScorerReport = ScorerReport()
    thresholds: ThresholdsReport | None = None
    robustness: RobustnessReport = RobustnessReport()
    fairness: tuple[SliceReport, ...] = ()
    unfamiliar_below: float | None = None
    relabel_requests: tuple[str, ...] = Field(
        default=(), validation_alias=AliasChoices("relabel_requests", "second_looks")
    )
    content_hash: str | None = None
    contract: tuple[float, float] | None = None
    seconds: dict[str, float] = {}
