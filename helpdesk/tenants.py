"""Many homes in one service: each tenant has an application, a database and a key of its own, and is told by the host.

Nothing is shared but the code and encoders of equal hash, so no query can show one tenant what is another's.
"""

import contextvars
import json
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from helpdesk.app import close_app, create_app
from helpdesk.errors import ConflictError, HelpdeskError
from helpdesk.home import SECRET_KEY, belongings, open_home, secret_key, tenant_homes
from helpdesk.serving.memory import give_back_memory
from helpdesk.settings import Settings, load_settings, settings_of_home
from helpdesk.threads import start_thread

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)
TENANTS_SECONDS: Final = 5.0  # between looks for new homes, and between tries to open those that do not
REQUEST_PATIENCE: Final = 1.0  # seconds that a request waits while another one opens its tenant
_CLOSED = "this tenant cannot be served at the moment; the log says why"
_READY = "/readyz"


@dataclass
class _Tenant:
    """One tenant of this process: its application once it is open, and why it is not."""

    home: Path
    place: tuple[int, int] | None  # which folder it is, whatever it is called
    application: Any = None  # what `create_app` made
    owns: frozenset[str] = frozenset()  # its secret key and its database, which nobody else may have
    problem: str | None = None
    opening: threading.Lock = field(default_factory=threading.Lock)

    def named(self, work: Callable[..., object], *arguments: object) -> None:
        """Work whose log lines name this tenant, and not the request that happens to come first."""

        def run() -> None:
            structlog.contextvars.bind_contextvars(tenant=self.home.name)
            work(*arguments)

        contextvars.Context().run(run)


class Tenants:
    """The applications of one process. Make it after the fork; each tenant is opened by the first who asks for it, and
    by itself soon after the start, since deliveries and deadlines wait for nobody's request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants: dict[str, _Tenant] = {}
        self._claiming = threading.Lock()
        self._stop = threading.Event()
        self._look()

    def start(self) -> None:
        """Open all of them, and whatever is added later, in a thread."""
        start_thread(self._follow, name="open-tenants")

    def stop(self) -> None:
        """Look for no more."""
        self._stop.set()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request by the application of its tenant."""
        tenant = self._tenants.get(_first_label(environ.get("HTTP_HOST", "")))
        if tenant is None:
            return self._answer_for_nobody(environ, start_response)
        if tenant.application is None and tenant.problem is None:
            self._try(tenant, patience=REQUEST_PATIENCE)
        application = tenant.application
        if application is None:
            return _tell(start_response, "503 Service Unavailable", {"detail": _CLOSED})
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    def _follow(self) -> None:
        while True:
            closed = [tenant for tenant in self._tenants.values() if tenant.application is None]
            for tenant in closed:
                self._try(tenant)
            if any(tenant.application is not None for tenant in closed):
                give_back_memory()
            if self._stop.wait(TENANTS_SECONDS):
                return
            try:
                self._look()
            except (HelpdeskError, OSError) as error:
                log.warning("no look for new tenants: %s", error)

    def _look(self) -> None:
        found = {name: _Tenant(home, _place(home)) for name, home in tenant_homes(self._settings).items()}
        before = self._tenants
        same = {name for name, tenant in found.items() if name in before and before[name].place == tenant.place}
        self._tenants = {name: before[name] if name in same else tenant for name, tenant in found.items()}
        for name in before.keys() - same:
            self._close(before[name])

    def _close(self, tenant: _Tenant) -> None:
        """Of a home that is gone, or another one than before: nothing is sent for it any more."""
        with tenant.opening:
            if tenant.application is not None:
                tenant.named(close_app, tenant.application)
                tenant.application = None
            tenant.problem, tenant.owns = "its home is gone", frozenset()
        tenant.named(log.info, "tenant %s is closed", tenant.home.name)

    def _try(self, tenant: _Tenant, *, patience: float = -1) -> None:
        """Open a tenant, unless somebody else is opening it for longer than `patience` (seconds; -1: wait)."""
        if not tenant.opening.acquire(timeout=patience):
            return
        try:
            if tenant.application is None and self._tenants.get(tenant.home.name) is tenant:
                tenant.named(self._open_or_tell, tenant)
        finally:
            tenant.opening.release()

    def _open_or_tell(self, tenant: _Tenant) -> None:
        try:
            tenant.application = self._open(tenant)
            tenant.problem = None
            log.info("tenant %s is open", tenant.home.name)
        except Exception as error:
            tenant.owns = frozenset()
            if str(error) != tenant.problem:
                known = isinstance(error, HelpdeskError)
                log.error("tenant %s does not open: %s", tenant.home.name, error, exc_info=not known)
            tenant.problem = str(error)

    def _open(self, tenant: _Tenant) -> Any:
        settings = settings_of_home(tenant.home)
        with closing(open_home(settings)) as database:
            owned = belongings(settings, database) | {secret_key(settings)}
        self._claim(tenant, owned)
        return create_app(settings, tenant=tenant.home.name)

    def _claim(self, tenant: _Tenant, owns: frozenset[str]) -> None:
        """Raise ConflictError when the home is a copy: a login there would count here, or both would share messages."""
        with self._claiming:
            for name, other in self._tenants.items():
                if other is not tenant and other.owns & owns:
                    raise ConflictError(
                        f"tenant {name} has the same secret key or database; in a copy of a home, delete {SECRET_KEY} "
                        "and what its .env says of the database"
                    )
            tenant.owns = owns

    def _answer_for_nobody(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """`/readyz` of the process, for what stands in front of it; no name of a tenant is told."""
        if environ.get("PATH_INFO") != _READY:
            return _tell(start_response, "404 Not Found", {"detail": "no tenant has this host name"})
        tenants = list(self._tenants.values())
        opened = sum(tenant.application is not None for tenant in tenants)
        failed = sum(tenant.problem is not None for tenant in tenants)
        ready = opened + failed == len(tenants)
        status = "200 OK" if ready else "503 Service Unavailable"
        return _tell(start_response, status, {"tenants": len(tenants), "open": opened, "failed": failed})


def create_tenants() -> Tenants:
    """The tenants of the folder in the settings. Raises BadInputError when it is no folder."""
    tenants = Tenants(load_settings())
    tenants.start()
    return tenants


def _place(home: Path) -> tuple[int, int] | None:
    try:
        found = home.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _first_label(host: str) -> str:
    return host.partition(":")[0].partition(".")[0].lower()


def _tell(start_response: "StartResponse", status: str, body: dict[str, object]) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status.startswith("503"):
        headers.append(("Retry-After", "2"))
    start_response(status, headers)
    return [json.dumps(body).encode() + b"\n"]
