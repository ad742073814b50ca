"""Many homes in one service: each tenant has an application, a database and a key of its own, and is told by the host.

Nothing is shared but the code and encoders of equal hash, so no query can show one tenant what is another's.
"""

import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helpdesk.app import create_app
from helpdesk.errors import ConflictError, HelpdeskError
from helpdesk.home import SECRET_KEY, open_home, secret_key, tenant_homes
from helpdesk.serving.memory import give_back_memory
from helpdesk.settings import Settings, load_settings, settings_of_home

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
TENANTS_SECONDS: Final = 5.0  # between looks for new homes
_READY = "/readyz"


@dataclass
class _Tenant:
    """One tenant of this process: its application once it is open, and why it is not."""

    home: Path
    application: "WSGIApplication | None" = None
    problem: str | None = None
    opening: threading.Lock = field(default_factory=threading.Lock)


class Tenants:
    """The applications of one process. Make it after the fork; each tenant is opened by the first who asks for it, and
    by itself soon after the start, since deliveries and deadlines wait for nobody's request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants: dict[str, _Tenant] = {}
        self._owners: dict[str, str] = {}  # secret key -> tenant
        self._stop = threading.Event()
        self._look()

    def start(self) -> None:
        """Open all of them, and whatever is added later, in a thread."""
        threading.Thread(target=self._follow, name="open-tenants", daemon=True).start()

    def stop(self) -> None:
        """Look for no more."""
        self._stop.set()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request by the application of its tenant."""
        tenant = self._tenants.get(_first_label(environ.get("HTTP_HOST", "")))
        if tenant is None:
            return self._answer_for_nobody(environ, start_response)
        application = self._opened(tenant)
        if application is None:
            return _tell(start_response, "503 Service Unavailable", {"detail": tenant.problem or "not open yet"})
        return application(environ, start_response)

    def _follow(self) -> None:
        while True:
            closed = [tenant for tenant in self._tenants.values() if tenant.application is None]
            if [tenant for tenant in closed if self._opened(tenant) is not None]:
                give_back_memory()
            if self._stop.wait(TENANTS_SECONDS):
                return
            try:
                self._look()
            except (HelpdeskError, OSError) as error:
                log.warning("no look for new tenants: %s", error)

    def _look(self) -> None:
        homes = tenant_homes(self._settings)
        kept = {name: tenant for name, tenant in self._tenants.items() if name in homes}
        self._tenants = kept | {name: _Tenant(home) for name, home in homes.items() if name not in kept}

    def _opened(self, tenant: _Tenant) -> "WSGIApplication | None":
        """The application of a tenant; None where it does not open, which is tried again and keeps nobody else."""
        with tenant.opening:
            if tenant.application is None:
                try:
                    tenant.application = self._open(tenant.home)
                    tenant.problem = None
                    log.info("tenant %s is open", tenant.home.name)
                except Exception as error:
                    known = isinstance(error, HelpdeskError)
                    if tenant.problem is None:
                        log.error("tenant %s does not open: %s", tenant.home.name, error, exc_info=not known)
                    tenant.problem = "this tenant cannot be served at the moment; the log says why"
            return tenant.application

    def _open(self, home: Path) -> "WSGIApplication":
        settings = settings_of_home(home)
        open_home(settings).close()
        owner = self._owners.setdefault(secret_key(settings), home.name)
        if owner != home.name:  # a home that was copied: a login there would count here
            raise ConflictError(f"its secret key is that of tenant {owner}; delete {SECRET_KEY} in one of the homes")
        return create_app(settings, tenant=home.name)

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
