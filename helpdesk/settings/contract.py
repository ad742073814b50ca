"""How often an answer may be wrong, and what is measured to know it."""

from pydantic import Field
from pydantic_settings import BaseSettings


class ContractSettings(BaseSettings, defer_build=True):
    """Target error rate, assumptions until there are measurements, samples."""

    max_wrong_rate: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Target error rate of the contract: at most this share of direct answers may be wrong",
    )
    assurance: float = Field(0.90, ge=0.5, lt=1, description="Probability with which the target error rate must hold")
    assumed_out_of_scope: float = Field(
        0.5,
        ge=0,
        le=0.9,
        description="Share of all messages that is taken to be out of scope until the audit sample tells",
    )
    assumed_near: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of these taken to be about matters near to the FAQ's own, until 30 are labelled",
    )
    assumed_rough: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of the FAQ's phrasings taken to be typed with slips, short forms and fillers; labelled "
        "messages count as typed",
    )
    clarify_level: float = Field(
        0.8, ge=0.5, lt=1, description="Share of clarifying questions whose choices must include the right one"
    )
    review_below: float = Field(
        0.8, ge=0, le=1, description="Direct answers with less confidence than this enter the labelling queue too"
    )
    holdout_share: float = Field(
        0.3,
        ge=0,
        le=0.9,
        description="Share of labelled messages that are held out for good to measure on, near-duplicates together",
    )
    audit_rate: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of all messages that is drawn at random into the audit sample, whatever was decided",
    )
    audit_per_night: float = Field(
        5.0,
        ge=0,
        description="With little traffic the audit rate is raised so that about this many messages a day are drawn",
    )
    audit_most: float = Field(
        50.0,
        gt=0,
        description="With much traffic the audit rate is lowered so that about this many messages a day are drawn",
    )
    fairness_max_gap: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Largest allowed difference in accuracy or answer rate between the two groups of a fairness slice; "
        "empty: differences are reported only",
    )
