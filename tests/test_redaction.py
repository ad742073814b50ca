"""Redaction: how well it finds what is personal on marked messages, and what it must leave alone."""

import re
from dataclasses import replace
from pathlib import Path
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redaction_set import read_marked, score

from helpdesk.errors import BadInputError
from helpdesk.redaction import Redactor, make_redactor
from helpdesk.redaction.own_patterns import OwnPattern
from helpdesk.settings import load_settings

REDACT = Redactor(("US", "GB", "DE"))


def test_precision_and_recall() -> None:
    """On more than 450 marked messages, half of which hold nothing personal."""
    messages = read_marked()
    scores, mistakes = score(REDACT, messages)
    for kind, found in scores.items():
        print(f"{kind:<7} precision {found.precision:.3f}  recall {found.recall:.3f}  of {found.right + found.missed}")

    assert len(messages) >= 450
    assert scores["all"].precision >= 0.98, mistakes
    assert scores["all"].recall >= 0.98, mistakes
    assert min(found.recall for found in scores.values()) >= 0.95, mistakes


PIECES = (
    *("ann@example.com", "ann at example dot com", "S12345", "192.168.1.15", "fe80::", "https://u:p4ss@h.example"),
    *("+49 30 123456", "030 1234567", "4111 1111 1111", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"),
    *("my password is ", "password: hunter22", 'pin "1 2"', "token sk-abcdefghijklmnopqrstuvwx", "secret: "),
    *("call ", "my number is ", "card ", "order ", "version ", "[email]", "[secret]", "[phone]", "[staff]"),
    *(
        "my passwords are ",
        "hunter2",
        " and ",
        "dragon99",
        " is my password",
        "password:\n",
        "'s ",
        "1 2 3 4",
        "_PASSWORD=",
    ),
    *(
        "12/25",
        "07700 900123",
        "+44 20 7946 0958",
        "x12",
        "2024-05-01",
        "\u00a0",
        "\u2011",
        " (at) ",
        "12 000 000",
        "PO ",
    ),
    *(" ", "  ", ", ", ". ", "\n", "-", ":", "@", "=", "+", "(", "]", "'", '"', "/", "1", "a"),
)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text("0123 ax.-@:", max_size=4), max_size=10).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    """What is stored may pass once more: a redelivery, an import of an export."""
    redact = replace(REDACT, own=(OwnPattern("staff", re.compile(r"S\d{5}|secret")),))
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("I am lee@example.com, call +44 7911 123456.", "I am [email], call [phone]."),
        ("password: hunter22, card 4111 1111 1111 1111", "password: [secret], card [card]"),
        ("error 0x80070005 on 10.0.19045 at 192.168.1.15", "error 0x80070005 on 10.0.19045 at [ip]"),
        ("refund to DE89 3704 0044 0532 0130 00 please", "refund to [iban] please"),
        ("my password is [secret]", "my password is [secret]"),
        ("my password is [secret]: [phone], 4111 1111 1111", "my password is [secret]: [phone], 4111 1111 1111"),
        ("my passwords are hunter2, dragon99 and cat7", "my passwords are [secret], [secret] and [secret]"),
        ("my pin number is 1 2 3 4, thanks", "my pin number is [secret], thanks"),
        ("4111\u00a01111\u00a01111\u00a01111 12/25", "[card] 12/25"),
        ("from fe80::ann@example.com", "from [ip][email]"),
        ("https://admin:geheim@example.com/x", "https://[secret]@example.com/x"),
    ],
)
def test_a_placeholder_says_what_stood_there(text: str, redacted: str) -> None:
    """The rest of the message stays as it was typed."""
    assert REDACT(text) == redacted


SLOW = (  # what many patterns begin with, and what none of them ends with
    *(
        "1 ",
        "0 ",
        "00 ",
        "01 01 ",
        "12-",
        "1.",
        "07700 900123 ",
        "415 555 2671 a",
        "+44 7700 900123 ",
        "4111 1111 1111 111 ",
    ),
    *("DE89 ", "de89a", "2024-05-01 ", "a::", "1.2.3.", "@ a ", "a@", "a @ b dot ", "a at b dot ", "(at)", "://a:"),
    *(
        "password ",
        "password is ",
        "my my pin ",
        "is my password ",
        "pin: 1-",
        "-pin:1-1",
        "pin '",
        "pin is a b c ",
        "a1 and ",
    ),
    *("eyJ-", "SG.a", "-----BEGIN ", "'", '"', " ", "\n", "a1"),
)


MOST_GROWTH = 5.0


def growth(text: str) -> float:
    """How many times longer 20,000 characters take at once than in ten pieces: 1 where time grows with the length, 10
    where it grows with its square. Less than a hundredth of a second is nothing."""
    text = (text * 20_000)[:20_000]
    before = process_time()
    for start in range(0, len(text), 2_000):
        REDACT(text[start : start + 2_000])
    between = process_time()
    REDACT(text)
    return (process_time() - between) / max(0.01, between - before)


@pytest.mark.parametrize("piece", SLOW)
def test_a_long_message_takes_no_time(piece: str) -> None:
    """Time grows with the length of a text, whatever it repeats."""
    assert growth(piece) < MOST_GROWTH
    assert growth(f"password {piece * 1000}") < MOST_GROWTH


def test_a_long_random_message_takes_no_time() -> None:
    """Of digits, spaces, letters, `@` and quotes, in all kinds of mixture."""
    random = Random(3)
    for letters in ("0123456789", "0123456789 ", "abc 0123456789", "ab1 @.\"'-:", "abcdef0123456789: @\"'.-()+/"):
        assert growth("".join(random.choices(letters, k=20_000))) < MOST_GROWTH, letters


def test_operators_have_patterns_of_their_own(tmp_path: Path) -> None:
    """A line of the file is a name and a regular expression; they go before ours."""
    file = tmp_path / "patterns"
    file.write_text("# our people\n\nstaff-number \\bS\\d{5}\\b\nmember M-[0-9]+@club\\.example\n")
    redact = make_redactor(on=True, regions=(), patterns=file)

    assert redact("I am S12345, M-77@club.example") == "I am [staff-number], [member]"
    assert redact("my pin is 99-S12345-zz") == "my pin is [secret][staff-number][secret]"
    assert make_redactor(on=False, regions=(), patterns=file)("S12345 a@example.com") == "S12345 a@example.com"


@pytest.mark.parametrize("line", ["staff", "Staff S\\d+", "staff S(", "staff S*"])
def test_a_bad_pattern_is_refused_with_its_line(line: str, tmp_path: Path) -> None:
    """Before anything is served."""
    file = tmp_path / "patterns"
    file.write_text(f"ok A\\d\n{line}\n")
    with pytest.raises(BadInputError, match="patterns, line 2"):
        load_settings(redact_patterns=file)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", r"(\w+ ?)*;", r"POL-[A-Z]{2}(\d+)+$", "(?:x|xx)+y", "(([a-z])+.)+[A-Z]", "([^ ]+)+@"]
)
def test_a_pattern_that_would_hang_is_refused(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried elsewhere, so that the trial ends; the fault names it."""
    monkeypatch.setattr("helpdesk.redaction.pattern_trial._PATIENCE", 2)
    file = tmp_path / "patterns"
    file.write_text(f"fine A\\d{{5}}\nevil {pattern}\n")

    with pytest.raises(BadInputError, match=r"HELPDESK_REDACT_PATTERNS=.*pattern evil takes too long"):
        load_settings(redact_patterns=file)


def test_ordinary_patterns_pass_the_trial(tmp_path: Path) -> None:
    """Among them those that a message of digits or spaces slows down a little."""
    file = tmp_path / "patterns"
    expressions = (
        r"\bS\d{5}\b",
        r"\d+-\d+",
        r"(?:[\w-]+\.)+club",
        r"(?i)kunde\s*:?\s*\w+",
        r"[^\W\d]+\s+\d+$",
        "(?<=no )[1-9]+",
    )
    file.write_text("\n".join(f"own{number} {expression}" for number, expression in enumerate(expressions)))

    assert len(load_settings(redact_patterns=file).redactor.own) == len(expressions)


def test_unknown_countries_are_refused() -> None:
    """Numbers of a country that does not exist would never be found."""
    with pytest.raises(BadInputError, match="'XX' is no country"):
        load_settings(redact_regions="US,XX")
    with pytest.raises(BadInputError, match="'none' is no country"):
        load_settings(redact_regions="US,none")


@pytest.mark.parametrize(("regions", "redacted"), [("", "[phone] or [phone]"), ("none", "020 7946 0018 or [phone]")])
def test_national_numbers_can_be_left_alone(regions: str, redacted: str) -> None:
    """Empty is the default, as with every setting; international numbers are found all the same."""
    redact = load_settings(redact_regions=regions).redactor

    assert redact("020 7946 0018 or +44 7911 123456") == redacted
    assert redact("call 020 7946 0018") == "call [phone]"
