"""Settings are one table, and the reference shows it as it is."""

from pathlib import Path

import pytest

from helpdesk.errors import BadInputError
from helpdesk.settings import Settings, load_settings, temporary_environment, temporary_settings
from helpdesk.settings.origins import allows

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
    if isinstance(default, tuple):
        default = ",".join(default) or None
    return "" if default is None else f"`{default}`"


def test_a_bad_value_is_named_with_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads which variable is wrong and why."""
    monkeypatch.setenv("HELPDESK_WORKERS", "many")

    with pytest.raises(BadInputError, match=r"HELPDESK_WORKERS='many'.*integer"):
        load_settings()


def test_origins_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins are written the way people write lists in an environment."""
    monkeypatch.setenv("HELPDESK_ALLOWED_ORIGINS", "https://a.example, https://b.example")

    assert load_settings().allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("empty", ["", "  "])
def test_a_setting_that_is_there_but_empty_means_its_default(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one, in the environment and in the file; the environment comes first with an empty value too."""
    names = [f"HELPDESK_{name.upper()}" for name in Settings.model_fields]
    monkeypatch.chdir(tmp_path)
    for name in names:
        monkeypatch.delenv(name, raising=False)
    default = load_settings()
    (tmp_path / ".env").write_text("".join(f"{name}={empty}\n" for name in names))
    assert load_settings() == default

    (tmp_path / ".env").write_text("HELPDESK_WORKERS=7\nHELPDESK_DATABASE_URL=postgresql://u@host/db\n")
    assert (load_settings().workers, load_settings().database) == (7, "postgresql://u@host/db")
    for name in names:
        monkeypatch.setenv(name, empty)
    assert load_settings() == default


HOSTILE = {
    "HELPDESK_HOME": "/nowhere/configured",
    "HELPDESK_DATABASE_URL": "sqlite:////nowhere/configured.db",
    "HELPDESK_SECRET_KEY": "theirs",
    "HELPDESK_NOTIFY_SECRET": "",
    "HELPDESK_NOTIFY_URL": "no address",
    "HELPDESK_WORKERS": "7",
}


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_temporary_home_is_nobodys(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured of an installation is ignored, everything else holds; in a child process too."""
    monkeypatch.chdir(tmp_path)
    for name, value in HOSTILE.items():
        monkeypatch.delenv(name, raising=False)
        if place == "environment":
            monkeypatch.setenv(name, value)
    if place == "file":
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in HOSTILE.items()))
    expected = (tmp_path / "own", f"sqlite:///{tmp_path / 'own' / 'helpdesk.db'}", None, None, 7)

    found = temporary_settings(tmp_path / "own")
    assert (found.home, found.database, found.secret_key, found.notify_url, found.workers) == expected
    for name, value in temporary_environment(tmp_path / "own").items():
        monkeypatch.setenv(name, value)
    assert load_settings() == found


@pytest.mark.parametrize("raw", [b"HELPDESK_FALLBACK_TEXT=\xe4\n"])
def test_an_env_file_that_is_no_text_is_named(raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, not a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(raw)

    with pytest.raises(BadInputError, match=r"\.env is not UTF-8 at byte 23"):
        load_settings()


def test_no_group_of_settings_replaces_a_check_of_another() -> None:
    """All groups are one class: two checks of one name would leave only one of them."""
    checks = [vars(group)["__pydantic_decorators__"].field_validators for group in Settings.__bases__]
    defined = [name for found in checks for name in found]

    assert len(defined) == len(set(defined))


HALF = [
    ({"mail_to": "a@example.org"}, "HELPDESK_MAIL_TO.*HELPDESK_SMTP_HOST and HELPDESK_MAIL_FROM"),
    ({"mail_to": "a@example.org, nobody"}, "expected an address such as"),
    ({"mail_from": "a@b.org\nBcc: c@d.org"}, "HELPDESK_MAIL_FROM.*expected an address"),
    ({"handover_webhook_url": "https://a.example/"}, "HELPDESK_HANDOVER_WEBHOOK_SECRET"),
    ({"handover_webhook_secret": "hunter2"}, "base64 of at least 24 bytes"),
    ({"zammad_url": "https://a.example"}, "HELPDESK_ZAMMAD_TOKEN and HELPDESK_ZAMMAD_CUSTOMER"),
    ({"freescout_url": "ftp://a.example"}, "HELPDESK_FREESCOUT_URL.*http or https"),
    ({"chatwoot_url": "https://a.example", "chatwoot_token": "hunter2"}, "HELPDESK_CHATWOOT_SECRET or"),
    ({"slack_signing_secret": "hunter2"}, "HELPDESK_SLACK_TOKEN"),
    ({"chat_page_key": "hd_hunter2"}, r"HELPDESK_CHAT_PAGE_KEY=\*\*\*: expected the key of a site"),
]
MAILS = {"smtp_host": "mail", "mail_from": "a@b.org", "mail_to": "c@d.org", "smtp_user": "u"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *HALF,
        (MAILS, "both HELPDESK_SMTP_USER and HELPDESK_SMTP_PASSWORD"),
        (MAILS | {"smtp_password": "hunter2", "smtp_security": "none"}, "no password in the clear"),
    ],
)
def test_half_a_receiver_is_refused_with_what_is_missing(given: dict[str, str], expected: str) -> None:
    """At the start, by the names of the variables; secrets are not repeated."""
    with pytest.raises(BadInputError, match=expected) as refused:
        load_settings(**given)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("https://Shop.example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://*.example.org", "https://*.example.org"),
    ],
)
def test_allowed_origins_are_as_browsers_write_them(given: str, allowed: str) -> None:
    """Lower case, without the port that goes without saying; one form stands for many hosts."""
    assert load_settings(allowed_origins=(given,)).allowed_origins == (allowed,)


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "https://*",
        "https://*.org",
        "https://shop.*",
        "https://shop*.example.org",
        "https://.*",
        "https://shop.example/",
        "shop.example",
        "ftp://shop.example",
        "null",
        "https://müller.example",
        "https://a.example\nhttps://b.example",
    ],
)
def test_what_would_let_others_in_is_no_origin(given: str) -> None:
    """Refused at the start, with what was expected."""
    with pytest.raises(BadInputError, match=r"HELPDESK_ALLOWED_ORIGINS=.*expected"):
        load_settings(allowed_origins=(given,))


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("https://shop.example", True),
        ("https://example.org", False),
        ("http://a.example.org", False),
        ("https://a.example.org:8443", False),
        ("https://aexample.org", False),
        ("https://a.example.org.evil.example", False),
        ("https://evil.example/.example.org", False),
        ("https://shopxexample", False),
        ("null", False),
    ],
)
def test_a_wildcard_is_every_host_below(origin: str, is_allowed: bool) -> None:
    """And none beside, whatever the origin is made of."""
    assert allows(("https://*.example.org", "https://shop.example"), origin) == is_allowed
