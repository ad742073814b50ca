"""The commands of docs/how-to/use-the-api.md, typed in their order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from fuzz_api import serving

from helpdesk.app import create_app
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "use-the-api.md"
FAILING = 'curl() { command curl --fail-with-body "$@"; echo; }'


def script(address: str) -> str:
    """What the guide says to type, for a server at another address; a refused request ends it."""
    lines = [line[4:] for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    typed = "\n".join(lines).replace("localhost:8000", address.removeprefix("http://"))
    return f"set -eu -o pipefail\n{FAILING}\n{typed}\n"


@pytest.mark.parametrize("require_key", [False, True])
def test_the_commands_of_the_guide_work(settings: Settings, live: LiveMatcher, require_key: bool) -> None:
    """In an open and in a closed API; each gives what the guide says."""
    app: Flask = create_app(settings.model_copy(update={"require_key": require_key}), live=live)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with serving(app) as address:
        done = subprocess.run(
            ["bash", "-c", script(address)],
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": path, "HELPDESK_HOME": str(settings.home)},
            timeout=120,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Open the self-service page.") >= 3
    assert re.search(r"^site_\S+$", done.stdout, re.MULTILINE)
    assert '"next":"/api/v1/faqs?after=password&limit=2"' in done.stdout
    assert done.stdout.strip().endswith("304")
