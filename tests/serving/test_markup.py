"""Links, lists and emphasis in answers: nothing that runs, and nothing else than what was typed."""

import re
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.serving.markup import html, html_of_text, plain

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='https://x.example' onclick=alert(1)>x</a>",
    "<style>*{display:none}</style>",
    "<base href=https://evil.example>",
    "<form action=https://evil.example><input name=p></form>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<math><mtext><img src=x onerror=alert(1)></math>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<<script>script>alert(1)<</script>/script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/desk/people)",
    "[x](blob:https://x.example/1)",
    "[x](https:alert)",
    '[x](https://x.example" onmouseover="alert(1))',
    "[x](https://x.example 'a\" onmouseover=alert(1) b')",
    '[x](<https://x.example" onclick="alert(1)>)',
    "![x](javascript:alert(1))",
    "![x](https://x.example/pixel.png)",
    "<javascript:alert(1)>",
    "<https://x.example/?a=<script>alert(1)</script>>",
    "[<img src=x onerror=alert(1)>](https://x.example)",
    "**<img src=x onerror=alert(1)>**",
    "- <script>alert(1)</script>",
    "[a]: javascript:alert(1)\n[a]",
    "`<script>alert(1)</script>`",
    'https://x.example/"onmouseover=alert(1)',
    "\u202e<script>alert(1)</script>",
]
ALLOWED = re.compile(
    r"</?(?:p|ul|li|strong|em)>|<br>|</(?:ol|a)>|<ol(?: start=\"\d+\")?>|"
    r"<a (?:href=\"(?:https?://|mailto:|tel:)[^\"<>]*\"|target=\"_blank\"|rel=\"noopener nofollow\"| )+>",
    re.IGNORECASE,
)


def tags_left(page: str) -> list[str]:
    """The tags of a page that no answer may have."""
    return re.findall("<[^>]*>?", ALLOWED.sub("", page))


@pytest.mark.parametrize("answer", ATTACKS)
def test_nothing_that_could_run_is_left(answer: str) -> None:
    """Of the tags only those of text are left, and links only to addresses that cannot run."""
    assert tags_left(html(answer)) == []
    assert tags_left(html_of_text(answer).replace("<br>", "")) == []


@given(st.text(st.sampled_from("<>[]()*_-1.\n\"'&;: /abjscript\\:=!`#")))
def test_no_text_leaves_another_tag(answer: str) -> None:
    """Whatever is typed."""
    assert tags_left(html(answer)) == []
    plain(answer)


def test_a_link_is_safe_to_press() -> None:
    """It opens beside the page, which it cannot reach."""
    assert html("[here](https://x.example/a?b=1&c=2)") == (
        '<p><a href="https://x.example/a?b=1&amp;c=2" target="_blank" rel="noopener nofollow">here</a></p>'
    )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Open **Settings**, *now*.", "Open Settings, now."),
        ("See [the page](https://x.example).", "See the page (https://x.example)."),
        ("See [https://x.example](https://x.example).", "See https://x.example."),
        ("Write to [a@b.example](mailto:a@b.example).", "Write to a@b.example."),
        ("- **one**\n- two\n  - [three](tel:+49)", "- one\n- two\n  - three (tel:+49)"),
        ("First **line**\nsecond line", "First line\nsecond line"),
    ],
)
def test_channels_of_text_get_addresses_and_no_stars(answer: str, text: str) -> None:
    """Lists stay as they were typed."""
    assert plain(answer) == text


@pytest.mark.parametrize(
    "answer",
    [
        "Open the self-service page.",
        "5*3*2 = 30, 2 * 3, 2**3**2 and (*) required, (*) optional",
        "my_file_name, __init__ and _x_",
        "C:\\Users\\*.txt and *.csv",
        "# no heading\n> no quote\n    no code\n`no code`\n---\n<b>no tag</b> &amp; &nbsp;",
        "Line one\n\n\nLine two  \n\n 1) a\n 2) b",
        "https://x.example/a_b_c*d",
        "[no link] (https://x.example) [neither](/desk)",
        "",
    ],
)
def test_an_answer_of_before_reads_as_it_always_did(answer: str) -> None:
    """What looks like markup and is none is left alone."""
    assert plain(answer) == answer
    assert "<strong>" not in html(answer)
    assert "<em>" not in html(answer)


@pytest.mark.parametrize("unit", ["http://a", "http://(", "http://a/", "http:// ", "a://", "mailto:a@b.c "])
def test_eight_times_the_text_takes_about_eight_times_as_long(unit: str) -> None:
    """Where the work grew with the square it took sixty times as long. Processor time, the least of three."""

    def seconds(length: int, way: Callable[[str], str]) -> float:
        text, spent = unit * (length // len(unit)), []
        for _ in range(3):
            began = process_time()
            way(text)
            spent.append(process_time() - began)
        return min(spent)

    for way in (html.__wrapped__, plain.__wrapped__):
        assert seconds(40_000, way) < 25 * seconds(5_000, way) + 0.05


def test_an_address_longer_than_browsers_take_is_text() -> None:
    """One that is a little shorter is a link."""
    short, long = (f"https://example.com/{'a' * length}" for length in (1900, 2100))
    assert f'<a href="{short}"' in html(short)
    assert html(f"See {long} now") == f"<p>See {long} now</p>"
    assert plain(long) == long


@pytest.mark.parametrize("before", ["", " ", "(", ".", "-", "é"])
def test_an_address_is_a_link_after_any_mark(before: str) -> None:
    """Not in the middle of a word of ASCII letters."""
    assert '<a href="https://example.com"' in html(f"{before}https://example.com.")
    assert "<a" not in html(f"{before}xhttps://example.com")
