"""What is kept of people, and for how long."""

from pathlib import Path
from typing import Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from helpdesk.errors import BadInputError
from helpdesk.redaction import Redactor, make_redactor
from helpdesk.redaction.own_patterns import read_patterns, require_fast

_NO_REGION: Final = "none"


class PrivacySettings(BaseSettings, defer_build=True):
    """Redaction and retention."""

    redact: bool = Field(
        True,
        description="Whether e-mail addresses, telephone, card and account numbers, IP addresses and secrets in "
        "messages are replaced before anything is stored",
    )
    redact_regions: str = Field(
        "US,GB,DE",
        validate_default=False,  # the library of telephone numbers takes its time to load
        description="Countries (ISO 3166, separated by commas) whose telephone numbers are known without `+`; `none`: "
        "of no country, so that national numbers are found after words like *call* only",
    )
    redact_patterns: Path | None = Field(
        None,
        description="File with more that is personal: a name and a regular expression a line; what is found becomes "
        "`[name]`; empty: none",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Messages older than this many days are deleted each night, with all that hangs on them; empty: "
        "they stay for ever",
    )

    @field_validator("redact_regions")
    @classmethod
    def _are_regions(cls, value: str) -> str:
        from phonenumbers import SUPPORTED_REGIONS

        regions = [region.strip() for region in value.split(",")]
        if regions == [_NO_REGION]:
            return value.strip()
        for region in regions:
            if region not in SUPPORTED_REGIONS:
                raise ValueError(
                    f"{region!r:.20} is no country with telephone numbers; expected two capital letters for each, "
                    f"such as DE,FR, or {_NO_REGION}"
                )
        return ",".join(regions)

    @field_validator("redact_patterns")
    @classmethod
    def _are_patterns(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                require_fast(read_patterns(value))
            except BadInputError as error:
                raise ValueError(str(error)) from None
        return value

    @property
    def regions(self) -> tuple[str, ...]:
        """The countries of `redact_regions`."""
        return () if self.redact_regions == _NO_REGION else tuple(self.redact_regions.split(","))

    @property
    def redactor(self) -> Redactor:
        """What is applied to everything that customers wrote."""
        return make_redactor(on=self.redact, regions=self.regions, patterns=self.redact_patterns)
