"""The console commands, run as people run them."""

import os
import subprocess
import sys
from pathlib import Path

HELPDESK = [str(Path(sys.executable).with_name("helpdesk"))]


def run(home: Path, *words: str, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a home; its exit code must be `code`."""
    environment = os.environ | {"HELPDESK_HOME": str(home), "HELPDESK_MAX_WRONG_RATE": "0.2"} | more
    environment |= {"HELPDESK_ASSURANCE": "0.5", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([*HELPDESK, *words], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done
