"""What strangers may do: how often, through which proxies, and what counts as demand."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

UNLIMITED = "none"


class ProtectionSettings(BaseSettings, defer_build=True):
    """Limits, proxies, floods, logs. The limits that nobody changed are not parsed: the library takes its time."""

    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies of yours in front, each of which adds to `X-Forwarded-For`: so many of its entries are "
        "believed; 0: none is",
    )
    limit_session: str = Field(
        "60/minute",
        validate_default=False,
        description="Messages of one sender; `none`: no limit. Several limits are separated by `;`",
    )
    limit_address: str = Field(
        "600/minute",
        validate_default=False,
        description="Messages, matches and searches from one address (of IPv6 one /64 network) without a key; not for "
        "the machine itself, which a proxy may be",
    )
    limit_key: str = Field(
        "6000/minute", validate_default=False, description="Messages, matches and searches with one API key"
    )
    limit_login: str = Field(
        "30/minute",
        validate_default=False,
        description="Logins, new passwords and uses of one-time links from one address, right ones too",
    )
    limit_store: SecretStr | None = Field(
        None,
        description="Where the web processes share their counts: e.g. `redis://host/0` or `valkey://host/0`; empty: in "
        "the database",
    )
    demand_per_hour: int = Field(
        30,
        ge=1,
        description="Questions of one sender in an hour that count as demand; more of them do not enter the labelling "
        "queue, nor does the same text again",
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Log lines as `json`, one object each, or as `text` for people"
    )

    @field_validator("limit_session", "limit_address", "limit_key", "limit_login")
    @classmethod
    def _is_limit(cls, value: str) -> str:
        if value != UNLIMITED:
            from limits import parse_many

            try:
                parse_many(value)
            except ValueError:
                raise ValueError("expected e.g. 60/minute, 10 per second;100 per hour, or none") from None
        return value
