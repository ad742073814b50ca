"""gunicorn: how it is called, and becoming it."""

import errno
import gc
import os
import socket
import sys
from typing import Any, NoReturn

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.home import PRIVATE, secret_key
from helpdesk.serving.handoff import describe_handover
from helpdesk.settings import Settings
from helpdesk.threads import cap_native_threads


def exec_server(settings: Settings) -> NoReturn:
    """Become gunicorn. Its master loads the code and no application: networks do not survive a fork.

    Raises ConflictError when something else listens on the port, BadInputError for an address that is not ours.
    """
    if settings.tenants is None:
        secret_key(settings)
    require_port(settings)
    url = f"http://{_address(settings)}"
    if settings.tenants is None:
        print(f"chat page       {url}/\nlabelling page  {url}/desk", flush=True)  # noqa: T201
        print(f"hand-over       {describe_handover(settings)}", flush=True)  # noqa: T201
    cap_native_threads(settings.encoder_threads)
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *gunicorn_arguments(settings)])  # noqa: S606 - no shell is wanted


def require_port(settings: Settings) -> None:
    """Raise ConflictError or BadInputError when gunicorn could not listen; it would say so many times over."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise ConflictError(
                f"port {settings.port} is in use; stop what listens there or set HELPDESK_PORT"
            ) from None
        if number in (errno.EACCES, errno.EPERM):
            raise BadInputError(f"this user may not listen on port {settings.port}; set HELPDESK_PORT") from None
        raise BadInputError(f"HELPDESK_HOST is {settings.host!r}; expected an address of this machine") from None


def gunicorn_arguments(settings: Settings) -> list[str]:
    """How gunicorn is called."""
    return [
        *("--config", "python:helpdesk.server"),
        *("--bind", _address(settings)),
        *("--worker-class", "helpdesk.web.worker.FairWorker"),
        *("--workers", str(settings.workers)),
        *("--threads", str(settings.threads)),
        *("--worker-connections", "400"),
        *("--umask", str(PRIVATE)),
        *("--timeout", "60"),
        *("--graceful-timeout", "30"),
        *("--keep-alive", "15"),
        *("--limit-request-line", "4094"),
        "--no-control-socket",
        "helpdesk.app:create_app()" if settings.tenants is None else "helpdesk.tenants:create_tenants()",
    ]


def when_ready(_: Any) -> None:
    """What gunicorn's master does before it forks: load the code, which workers then share, and which one that replaces
    another need not load.

    Neither a network, whose runtime begins threads, nor a connection survives a fork: each worker has its
    own.
    """
    import helpdesk.app  # noqa: F401

    gc.freeze()  # or each collection would write into the shared pages


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"
