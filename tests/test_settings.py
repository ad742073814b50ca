"""Settings are one table, and the reference shows it as it is."""

from pathlib import Path

import pytest

from helpdesk.errors import BadInputError
from helpdesk.settings import Settings, load_settings

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def test_the_reference_lists_every_setting_with_its_default() -> None:
    """A setting that is added, dropped or changed must be so in docs/reference/settings.md too."""
    rows = [
        f"| `HELPDESK_{name.upper()}` | {shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]

    listed = [line for line in REFERENCE.read_text().splitlines() if line.startswith("| `HELPDESK_")]
    assert listed == rows


def shown(default: object) -> str:
    """A default as the reference writes it."""
    return "" if default is None or default == () else f"`{default}`"


def test_a_bad_value_is_named_with_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads which variable is wrong and why."""
    monkeypatch.setenv("HELPDESK_WORKERS", "many")

    with pytest.raises(BadInputError, match=r"HELPDESK_WORKERS='many'.*integer"):
        load_settings()


def test_origins_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins are written the way people write lists in an environment."""
    monkeypatch.setenv("HELPDESK_ALLOWED_ORIGINS", "https://a.example, https://b.example")

    assert load_settings().allowed_origins == ("https://a.example", "https://b.example")
