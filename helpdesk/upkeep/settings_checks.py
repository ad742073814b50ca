"""What the doctor looks at in the settings: contradictions, and whether the base model can be loaded."""

import difflib
import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path

from helpdesk.learning.training.base_model import resolve_base
from helpdesk.serving.replies import read_replies
from helpdesk.settings import Settings
from helpdesk.upkeep.faults import Fault, error, warning

_PREFIX = "HELPDESK_"
_SHORTEST_KEY = 32  # characters


def check_settings(settings: Settings) -> Iterator[Fault]:
    """Settings that are unknown, contradict each other, or have no effect."""
    known = [f"{_PREFIX}{name.upper()}" for name in type(settings).model_fields]
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield warning(
                f"{name} is no setting", remedy=f"did you mean {near[0]}?" if near else "see `helpdesk config`"
            )
    if not settings.https_only and not _is_loopback(settings.host):
        yield warning(
            f"HELPDESK_HOST is {settings.host} without HELPDESK_HTTPS_ONLY: logins may cross the network in the clear",
            remedy="put a proxy with TLS in front, listen on 127.0.0.1 and set HELPDESK_HTTPS_ONLY=true",
        )
    if settings.database_url is not None and not settings.database.startswith("sqlite"):
        if settings.sqlite_synchronous == "FULL":
            yield warning(
                "HELPDESK_SQLITE_SYNCHRONOUS is set, and the database is PostgreSQL", remedy="unset it: it does nothing"
            )
    elif settings.workers > 8:
        yield warning(
            f"{settings.workers} processes write to one SQLite file", remedy="use PostgreSQL, or fewer HELPDESK_WORKERS"
        )
    if settings.secret_key is not None and len(settings.secret_key.get_secret_value()) < _SHORTEST_KEY:
        yield error(
            f"HELPDESK_SECRET_KEY is shorter than {_SHORTEST_KEY} characters", remedy="`openssl rand -hex 32` makes one"
        )
    if not settings.redact:
        yield warning(
            "HELPDESK_REDACT is off: addresses, numbers and passwords in messages are stored as they are typed",
            remedy="unset it; if it was for order numbers, HELPDESK_REDACT_REGIONS=none leaves national numbers alone",
        )
    for origin in settings.allowed_origins:
        if "*" in origin:
            yield warning(f"HELPDESK_ALLOWED_ORIGINS lets {origin} in", remedy="name each origin in full")
    yield from _check_times(settings)
    read_replies(settings)


def _check_times(settings: Settings) -> Iterator[Fault]:
    """A time within which another one would have to fall."""
    if settings.session_idle_hours > settings.session_hours:
        yield warning(
            f"HELPDESK_SESSION_IDLE_HOURS ({settings.session_idle_hours:g}) is more than HELPDESK_SESSION_HOURS "
            f"({settings.session_hours:g}), so it never ends a login",
            remedy="make it less, or unset it",
        )
    if settings.retention_days is not None and settings.retention_days < settings.replay_days:
        yield warning(
            f"messages are deleted after {settings.retention_days} days, and nights would replay those of "
            f"{settings.replay_days}",
            remedy="set HELPDESK_REPLAY_DAYS to HELPDESK_RETENTION_DAYS or less",
        )


def check_model(settings: Settings) -> Iterator[Fault]:
    """The base model is on this machine, so that nights need no network."""
    name = settings.base_model
    where = Path(resolve_base(name))
    if where.is_dir():
        if not any(where.glob("*.safetensors")):
            yield error(
                f"{where} has no safetensors weights", remedy="save it as safetensors; other weights are not read"
            )
        return
    if _is_cached(name):
        return
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        yield error(
            f"the base model {name} is not on this machine, and HF_HUB_OFFLINE is set",
            remedy="name a local folder in HELPDESK_BASE_MODEL, or fetch the model once without HF_HUB_OFFLINE",
        )
        return
    yield warning(
        f"the base model {name} is not on this machine: the next fine-tuning fetches it",
        remedy="name a local folder in HELPDESK_BASE_MODEL",
    )


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    names = (name,) if "/" in name else (f"sentence-transformers/{name}", name)
    return any(isinstance(try_to_load_from_cache(each, "config.json"), str) for each in names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
