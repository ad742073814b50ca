"""`helpdesk golden`, as people run it."""

import pytest
from click.testing import CliRunner, Result

from helpdesk.cli.main import cli
from helpdesk.errors import HelpdeskError
from helpdesk.settings import Settings


def golden(settings: Settings, *words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, ("golden", *words), env={"HELPDESK_HOME": str(settings.home)})


def test_promises_are_added_listed_and_removed(settings: Settings) -> None:
    """An answer that must come, and a text that must get none."""
    said = golden(settings, "add", "VPN is down", "--answer", "vpn").output
    golden(settings, "add", "what is your \u202e salary", "--never")

    assert said == "golden phrase 1: 'VPN is down' is always answered with vpn\n"
    assert golden(settings, "list").output.splitlines() == [
        "   1  always answered with vpn: VPN is down",
        "   2  never answered: what is your \\u202e salary",
    ]
    assert golden(settings, "remove", "1").output == "golden phrase 1 is removed\n"
    assert "VPN" not in golden(settings, "list").output


@pytest.mark.parametrize("promise", [(), ("--never", "--answer", "vpn")])
def test_a_promise_is_one_of_two_kinds(settings: Settings, promise: tuple[str, ...]) -> None:
    """Neither or both is not understood."""
    result = golden(settings, "add", "hello", *promise)

    assert result.exit_code == 2
    assert "expected one of" in result.output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("add", "hello", "--answer", "wlan"), "wlan"),
        (("add", "VPN is  down!", "--never"), "already"),
        (("remove", "9"), "no golden phrase 9"),
    ],
)
def test_what_cannot_be_done_is_explained(settings: Settings, words: tuple[str, ...], problem: str) -> None:
    """An unknown FAQ, a text twice, a number that is gone."""
    golden(settings, "add", "vpn is down", "--answer", "vpn")
    error = golden(settings, *words).exception

    assert isinstance(error, HelpdeskError)
    assert problem in str(error)
