"""Where things are, and how the service runs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from helpdesk.settings.lists import listed
from helpdesk.settings.origins import allowed_origin


class InstallationSettings(BaseSettings, defer_build=True):
    """Home, database, encoder, web server."""

    home: Path = Field(Path("var"), description="Folder of the database, the bundles, the reports and the secret key")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL, e.g. `postgresql://user@host/db`; empty: SQLite in the home folder"
    )
    bundle_store: str | None = Field(
        None,
        description="Where several hosts share the bundles, as an fsspec address: `s3://bucket/folder`, "
        "`file:///mnt/helpdesk`; empty: in the home folder alone",
    )
    tenants: Path | None = Field(
        None,
        description="Folder with a home for each of many tenants that one service answers for, told by the first part "
        "of the host name: `shop.help.example.org` is the home `shop`; empty: one home, `HELPDESK_HOME`",
    )
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        "NORMAL",
        description="`NORMAL` survives a killed process, `FULL` a power cut too (one fsync a message)",
    )
    database_timeout: float = Field(
        5.0,
        gt=0,
        description="Seconds to wait for a locked or unreachable database before a 503 reply; on PostgreSQL also the "
        "limit for the statements of a request that take longer than half a second, together",
    )
    base_model: str = Field(
        "all-MiniLM-L6-v2",
        description="Encoder that fine-tuning starts from: a sentence-transformers name or a local path",
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs login cookies; empty: a random key is kept in the home folder"
    )
    session_idle_hours: float = Field(
        8.0, gt=0, le=8760, description="Hours after which a login that nobody used has ended"
    )
    session_hours: float = Field(24.0, gt=0, le=8760, description="Hours after which a login has ended, used or not")
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
        (),
        description="Comma-separated origins whose pages may call the API: exact ones, or `https://*.example.org` "
        "for every host below example.org; empty: same origin only",
    )
    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated origins whose pages may show the chat page in a frame, e.g. "
        "`https://*.example.com`; empty: the allowed origins",
    )
    require_key: bool = Field(False, description="Refuse requests to the API without a key or a login")
    chat_page_key: SecretStr | None = Field(
        None,
        description="Key of a site with which visitors use the chat page and `/demo` where keys are required; empty: "
        "these pages are off for them",
    )
    https_only: bool = Field(False, description="Send the login cookie over TLS only (set it behind TLS)")

    _origins = field_validator("allowed_origins", "frame_ancestors", mode="before")(listed)

    @field_validator("chat_page_key")
    @classmethod
    def _is_key_of_site(cls, value: SecretStr | None) -> SecretStr | None:
        """The page shows it to everybody: with a program's key it would give that one away."""
        if value is not None and not value.get_secret_value().startswith("site_"):
            raise ValueError("expected the key of a site, site_...; `helpdesk key add NAME --origin ...` makes one")
        return value

    @field_validator("allowed_origins", "frame_ancestors")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(allowed_origin, value)))

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        if self.database_url is None:
            return f"sqlite:///{self.home.resolve() / 'helpdesk.db'}"
        return self.database_url.get_secret_value()

    @property
    def framing_origins(self) -> tuple[str, ...]:
        """Whose pages may show the chat page in a frame."""
        return self.frame_ancestors or self.allowed_origins

    @property
    def bundles(self) -> Path:
        """The folder that holds one sealed directory a version."""
        return self.home.resolve() / "bundles"
