"""The nightly job: what a candidate may change and cost, and who is told."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from helpdesk.settings.addresses import check_web_address
from helpdesk.settings.secrets import check_signing_key


class NightSettings(BaseSettings, defer_build=True):
    """Budgets, limits, notification."""

    replay_days: int = Field(
        30,
        ge=0,
        description="A candidate decides the messages of this many days again before it may be promoted; 0: none",
    )
    flip_budget_refreshed: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the rows now right that a refreshed candidate may get wrong, whatever it gains",
    )
    flip_budget_retrained: float = Field(0.2, gt=0, le=1, description="The same for a retrained candidate")
    change_budget_refreshed: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Share of replayed messages whose answer a refreshed candidate may change or drop",
    )
    change_budget_retrained: float = Field(0.4, gt=0, le=1, description="The same for a retrained candidate")
    max_slowdown: float = Field(
        3.0, ge=1, description="How many times as long for a message as the encoder in service a new one may take"
    )
    max_growth: float = Field(
        3.0, ge=1, description="How many times as large as the version in service a new one may be"
    )
    train_minutes: float = Field(60.0, gt=0, description="Time limit of one nightly fine-tuning, in minutes")
    train_threads: int = Field(
        1,
        ge=1,
        description="Native threads of the nightly job; with bfloat16 a second one gains nothing, without it a fifth "
        "of the time",
    )
    train_memory_mb: int | None = Field(
        None, ge=256, description="The nightly job fails when it holds more memory than this, in MB; empty: no limit"
    )
    seed: int = Field(0, ge=0, description="Random seed of the nightly job")
    notify_secret: SecretStr | None = Field(
        None, description="Signs the notification (Standard Webhooks): base64 of at least 24 bytes"
    )
    notify_url: SecretStr | None = Field(
        None, description="Address that gets a POST about how each night ended; empty: none"
    )

    @field_validator("notify_secret")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else check_signing_key(value)

    @field_validator("notify_url")
    @classmethod
    def _is_signed(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        check_web_address(value.get_secret_value())
        if info.data.get("notify_secret") is None:
            raise ValueError("needs a good HELPDESK_NOTIFY_SECRET too: what is sent is signed")
        return value
