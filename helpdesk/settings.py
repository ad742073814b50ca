"""Every setting, from the environment (`HELPDESK_...`) or a `.env` file; docs/reference/settings.md lists them.

A setting that is set but empty has its default. The environment takes precedence over the file, even with an empty
value.
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
LANGUAGES = ("en", "de", "fr", "es")  # of the shipped small talk
_ONE_INSTALLATION = ("database_url", "secret_key", "notify_secret", "notify_url")  # beside `home`


class Settings(BaseSettings):
    """One table of settings; `helpdesk config` and docs/reference/settings.md show the descriptions."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path("var"), description="Folder of the database, the bundles, the reports and the secret key")
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
        description="Seconds to wait for a locked or unreachable database before a 503 reply; on PostgreSQL also the "
        "limit for one statement of a request",
    )
    base_model: str = Field(
        "all-MiniLM-L6-v2",
        description="Encoder that fine-tuning starts from: a sentence-transformers name or a local path",
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs login cookies; empty: a random key is kept in the home folder"
    )
    host: str = Field("127.0.0.1", description="Address that `helpdesk serve` listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port that `helpdesk serve` listens on")
    workers: int = Field(2, ge=1, description="Web processes")
    threads: int = Field(4, ge=1, description="Threads of each web process")
    encoder_threads: int = Field(1, ge=1, description="Native threads of the encoder in each web process")
    vector_cache: int = Field(4096, ge=0, description="Number of distinct recent texts whose vectors a process caches")
    poll_seconds: float = Field(
        0.5, gt=0, le=2.0, description="Seconds between looks for a promoted version or an edited FAQ"
    )
    max_message_chars: int = Field(2000, ge=1, le=20000, description="Longest message that is accepted, in characters")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated origins whose pages may call the webhook; empty: same origin only"
    )
    https_only: bool = Field(False, description="Send the login cookie over TLS only (set it behind TLS)")
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
    fairness_max_gap: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Largest allowed difference in accuracy or answer rate between the two groups of a fairness slice; "
        "empty: differences are reported only",
    )
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
    train_threads: int = Field(2, ge=1, description="Native threads of the nightly job")
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
    clarify_text: str = Field(
        "Which of these do you mean?", description="Text before the choices of a clarifying question"
    )
    none_text: str = Field("None of these", description="The last choice of a clarifying question")
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        LANGUAGES,
        description="Comma-separated languages of small talk and of wishes for a person, the most likely one first",
    )
    replies: Path | None = Field(
        None,
        description="CSV file of your own replies to small talk, to wishes for a person "
        "and to other languages, `reason,language,text`; "
        "empty: the shipped ones",
    )
    fallback_text: str = Field(
        "I am not sure I can answer that. I have passed your message on to a colleague.",
        description="Reply when the bot does not know",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("allowed_origins", "languages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(o.strip() for o in value.split(",") if o.strip()) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _are_shipped(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not set(value) <= set(LANGUAGES):
            raise ValueError(f"expected one or more of {', '.join(LANGUAGES)}, separated by commas")
        return tuple(dict.fromkeys(value))

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
    except UnicodeDecodeError as error:
        raise BadInputError(f".env is not UTF-8 at byte {error.start}; expected a text file in UTF-8") from None
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
