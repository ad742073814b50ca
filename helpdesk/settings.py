"""Every setting, from the environment (`HELPDESK_...`) or a `.env` file. The README's table is tested against it.

A setting that is there but empty means its default; the environment comes before the file, also with an empty value.
"""

import base64
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from helpdesk.errors import BadInputError

_PACKAGE = Path(__file__).resolve().parent
_PREFIX = "HELPDESK_"
_ONE_INSTALLATION = ("database_url", "secret_key", "notify_secret", "notify_url")  # beside `home`


class Settings(BaseSettings):
    """One table of settings; descriptions are what `helpdesk config` and the README show."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path("var"), description="Folder of the database, the bundles and the secret key")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL, e.g. `postgresql://user@host/db`; empty: SQLite in the home folder"
    )
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        "NORMAL",
        description="`NORMAL` survives a killed process, `FULL` a power cut too (one fsync a message)",
    )
    database_timeout: float = Field(
        5.0,
        gt=0,
        description="Seconds to wait for a locked or absent database before a 503; on PostgreSQL also for one "
        "statement of a request",
    )
    base_model: str = Field(
        "all-MiniLM-L6-v2",
        description="Encoder that fine-tuning starts from: a sentence-transformers name or a local path",
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs login cookies; empty: a random one kept in the home folder"
    )
    host: str = Field("127.0.0.1", description="Address that `helpdesk serve` listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port that `helpdesk serve` listens on")
    workers: int = Field(2, ge=1, description="Web processes")
    threads: int = Field(4, ge=1, description="Threads of each web process")
    encoder_threads: int = Field(1, ge=1, description="Native threads of the encoder in each web process")
    vector_cache: int = Field(4096, ge=0, description="Distinct recent texts whose vectors a process keeps")
    poll_seconds: float = Field(
        0.5, gt=0, le=2.0, description="How often a process looks for a promotion or an edited FAQ"
    )
    max_message_chars: int = Field(2000, ge=1, le=20000, description="Longest message accepted")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins whose pages may call the webhook; empty: same origin only"
    )
    https_only: bool = Field(False, description="Send the login cookie over TLS only (set it behind TLS)")
    max_wrong_rate: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="The error-rate contract: at most this share of direct answers wrong ...",
    )
    assurance: float = Field(0.90, ge=0.5, lt=1, description="... with this much assurance")
    clarify_level: float = Field(
        0.8, ge=0.5, lt=1, description="How often the choices of a clarifying question must hold the right one"
    )
    review_below: float = Field(
        0.8, ge=0, le=1, description="Direct answers below this confidence join the labelling queue too"
    )
    holdout_share: float = Field(
        0.3, ge=0, le=0.9, description="Share of labelled message groups held out for good, to measure on"
    )
    audit_rate: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of all messages drawn at random into the audit sample, whatever was decided",
    )
    audit_per_night: float = Field(
        5.0, ge=0, description="With little traffic the share is raised so that about this many a day are drawn"
    )
    fairness_max_gap: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Largest difference in accuracy or answer rate between the two sides of a fairness slice that a "
        "new version may show; empty: differences are reported only",
    )
    replay_days: int = Field(
        30, ge=0, description="A new version decides the messages of this many days again before it may serve; 0: none"
    )
    flip_budget_refreshed: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of right labelled rows that new phrasings may turn wrong, whatever they gain",
    )
    flip_budget_retrained: float = Field(0.2, gt=0, le=1, description="The same for a new encoder")
    change_budget_refreshed: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Share of replayed messages that may lose their answer or get another one by new phrasings",
    )
    change_budget_retrained: float = Field(0.4, gt=0, le=1, description="The same by a new encoder")
    max_slowdown: float = Field(
        3.0, ge=1, description="A new encoder may take this many times as long for a message as the one in service"
    )
    max_growth: float = Field(
        3.0, ge=1, description="A new version may be this many times as large as the one in service"
    )
    train_minutes: float = Field(60.0, gt=0, description="Budget of one nightly fine-tuning, in minutes")
    train_threads: int = Field(2, ge=1, description="Native threads of the nightly job")
    train_memory_mb: int | None = Field(
        None, ge=256, description="The nightly job gives up when it holds more memory than this; empty: no limit"
    )
    seed: int = Field(0, ge=0, description="Seed of the nightly job")
    notify_secret: SecretStr | None = Field(
        None, description="Signs what `notify_url` is told (Standard Webhooks): base64 of at least 24 bytes"
    )
    notify_url: SecretStr | None = Field(
        None, description="Address that is told how each night ended, in one paragraph; empty: nobody is"
    )
    clarify_text: str = Field("Which of these do you mean?", description="Said before the choices")
    none_text: str = Field("None of these", description="The last choice of a clarifying question")
    fallback_text: str = Field(
        "I am not sure I can answer that. I have passed your message on to a colleague.",
        description="Said when the bot does not know",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(o.strip() for o in value.split(",") if o.strip()) if isinstance(value, str) else value

    @field_validator("notify_secret")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(_decoded(value)) < 24:
            raise ValueError("expected base64 of at least 24 bytes, e.g. from `openssl rand -base64 32`")
        return value

    @field_validator("notify_url")
    @classmethod
    def _is_signed(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        address = value.get_secret_value()
        if not cls._is_address(address):
            raise ValueError("expected an http or https address")
        if not address.isascii() or not address.isprintable() or " " in address:
            raise ValueError("expected an address of printable ASCII letters without blanks")
        if info.data.get("notify_secret") is None:
            raise ValueError("needs a good HELPDESK_NOTIFY_SECRET too: what is sent is signed")
        return value

    @staticmethod
    def _is_address(address: str) -> bool:
        """Whether a web address can be called; whoever calls it must not name parts of it in a message."""
        parts = urlsplit(address)
        try:
            known = parts.port is None or parts.port > 0
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and bool(parts.hostname) and known

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is None:
            return f"sqlite:///{self.home.resolve() / 'helpdesk.db'}"
        return self.database_url.get_secret_value()

    @property
    def bundles(self) -> Path:
        """The folder that holds one sealed directory a version."""
        return self.home.resolve() / "bundles"


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises BadInputError that names each bad setting, its value and what was expected."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = (
            f"{_variable(str(e['loc'][0]))}={_shown(str(e['loc'][0]), e['input'])}: {e['msg']}" for e in error.errors()
        )
        raise BadInputError("bad settings: " + "; ".join(lines)) from None


def temporary_settings(home: Path, **overrides: object) -> Settings:
    """Settings of a home that nobody configured: what the environment and `.env` say of an installation is ignored.

    That is home, database, secret key and notification. Raises BadInputError as `load_settings` does.
    """
    return load_settings(home=home, **dict.fromkeys(_ONE_INSTALLATION), **overrides)


def temporary_environment(home: Path) -> dict[str, str]:
    """Variables under which a child process reads `temporary_settings`, whatever its `.env` says."""
    return {_variable("home"): str(home)} | {_variable(name): "" for name in _ONE_INSTALLATION}


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _shown(name: str, value: object) -> str:
    """A refused value as a message may repeat it: a secret never."""
    field = Settings.model_fields.get(name)
    return "***" if field is not None and SecretStr in get_args(field.annotation) else repr(value)


def _decoded(secret: SecretStr) -> bytes:
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""


def resource(name: str) -> Path:
    """A folder that ships beside the code: `migrations` or `training_data` (inside the package in a wheel)."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
