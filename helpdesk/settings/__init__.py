"""Every setting, from the environment (`HELPDESK_...`) or a `.env` file; docs/reference/settings.md lists them.

A setting that is set but empty has its default. The environment takes precedence over the file, even with an empty
value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsConfigDict

from helpdesk.errors import BadInputError
from helpdesk.settings.channels import ChannelSettings
from helpdesk.settings.contract import ContractSettings
from helpdesk.settings.handover import HandoverSettings
from helpdesk.settings.installation import InstallationSettings
from helpdesk.settings.night import NightSettings
from helpdesk.settings.privacy import PrivacySettings
from helpdesk.settings.protection import ProtectionSettings
from helpdesk.settings.receivers import ReceiverSettings
from helpdesk.settings.words import LANGUAGES, WordSettings

__all__ = [
    "LANGUAGES",
    "Settings",
    "environment_of_home",
    "load_settings",
    "resource",
    "settings_of_home",
    "temporary_environment",
    "temporary_settings",
]

_PACKAGE = Path(__file__).resolve().parent.parent
_PREFIX = "HELPDESK_"
_RECEIVERS = ("mail_to", "handover_webhook_url", "zammad_url", "freescout_url")
_CHANNELS = ("chatwoot_url", "slack_signing_secret", "mattermost_token", "teams_secret")
_OWN_FILE = ".env"
_NEVER_OWN = {"HELPDESK_HOME", "HELPDESK_TENANTS"}
_ONE_INSTALLATION = (  # beside `home`
    *("tenants", "database_url", "bundle_store", "secret_key", "notify_secret", "notify_url"),
    *_RECEIVERS,
    *_CHANNELS,
)


class Settings(
    ChannelSettings,
    ReceiverSettings,
    HandoverSettings,
    PrivacySettings,
    ProtectionSettings,
    WordSettings,
    NightSettings,
    ContractSettings,
    InstallationSettings,
):
    """One table of settings; `helpdesk config` and docs/reference/settings.md show the descriptions."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True)

    def receivers_of(self, channel: str) -> tuple[str, ...]:
        """The receivers of a case of a channel: Chatwoot's own cases go to its people too."""
        own = ("chatwoot",) if channel == "chatwoot" and self.chatwoot_url else ()
        return (*own, *self.receivers)

    def reaches_people(self, channel: str) -> bool:
        """Whether somebody is told when a conversation of a channel is handed over."""
        return self.inbox or bool(self.receivers_of(channel))

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if not (isinstance(value, str) and not value.strip())}


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises BadInputError that names each bad setting, its value and what was expected."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise BadInputError(f".env is not UTF-8 at byte {error.start}; expected a text file in UTF-8") from None
    except ValidationError as error:
        raise BadInputError("bad settings: " + "; ".join(map(_fault, error.errors()))) from None


def temporary_settings(home: Path, **overrides: object) -> Settings:
    """Settings of a home that nobody configured: what the environment and `.env` say of an installation is ignored.

    That is home, tenants, database, secret key, notification, receivers of cases and chats of other systems.
    Raises BadInputError as `load_settings` does.
    """
    return load_settings(home=home, **(dict.fromkeys(_ONE_INSTALLATION) | overrides))


def temporary_environment(home: Path) -> dict[str, str]:
    """Variables under which a child process reads `temporary_settings`, whatever its `.env` says."""
    return {_variable("home"): str(home)} | {_variable(name): "" for name in _ONE_INSTALLATION}


def settings_of_home(home: Path) -> Settings:
    """Settings of one of many homes: the environment's, then those of the `.env` file in it, then those of the file in
    the working directory.

    What is of one installation, as in `temporary_settings`, counts only where the home's own file says it. Raises
    BadInputError as `load_settings` does.
    """
    own = _own_file(home)
    given = {name: own.get(_variable(name)) for name in _ONE_INSTALLATION}
    return load_settings(_env_file=(_OWN_FILE, home / _OWN_FILE), home=home, **(given | {"tenants": None}))


def _own_file(home: Path) -> dict[str, str]:
    path = home / _OWN_FILE
    try:
        return {name: value or "" for name, value in dotenv_values(path).items()}
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 at byte {error.start}; expected a text file in UTF-8") from None


def environment_of_home(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables under which a command for one of many homes reads `settings_of_home`, wherever it runs."""
    own = _own_file(home)
    of_one = temporary_environment(home)
    return own | dict(environment) | of_one | {name: own[name] for name in of_one.keys() & own.keys() - _NEVER_OWN}


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _fault(error: ErrorDetails) -> str:
    """One refused setting: its variable, its value and what was expected."""
    name = str(error["loc"][0])
    return f"{_variable(name)}={_shown(name, error['input'])}: {error['msg'].removeprefix('Value error, ')}"


def _shown(name: str, value: object) -> str:
    """A refused value as a message may repeat it: a secret never."""
    field = Settings.model_fields.get(name)
    return "***" if field is not None and SecretStr in get_args(field.annotation) else repr(value)


def resource(name: str) -> Path:
    """A folder that ships beside the code: `migrations` or `training_data` (inside the package in a wheel)."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
