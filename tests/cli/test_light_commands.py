"""A command that looks something up does not wait for what it has no use for."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOOKING = "from helpdesk.home import open_home; from helpdesk.settings import load_settings; load_settings()"
DECIDING = f"{LOOKING}; import helpdesk.serving.live, helpdesk.serving.match_service"
HEAVY = {"flask", "limits", "markdown_it", "openpyxl", "phonenumbers", "rich", "torch", "yaml"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "unneeded"),
    [(LOOKING, HEAVY | {"ctranslate2", "numpy", "onnxruntime", "rapidfuzz"}), (DECIDING, HEAVY)],
    ids=["look something up", "match"],
)
def test_what_is_not_needed_is_not_loaded(statement: str, unneeded: set[str]) -> None:
    """In an installation that changed no setting."""
    probe = f"{statement}; import sys; print(sorted({unneeded} & set(sys.modules)))"

    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)

    assert output.stdout.strip() == "[]"
