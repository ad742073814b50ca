"""What normalising promises to every room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.text import humanise, normalise, slugify, text_key, visible


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  Can't LOG in?! ", "can't log in"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("pass\u200bword\u202e", "password"),
        ("it’s “broken”", "it's \"broken"),
        ("one\n\ntwo\tthree", "one two three"),
        ("Straße", "strasse"),
        ("???", ""),
        ("", ""),
    ],
)
def test_what_people_do_not_mean_is_folded(typed: str, meant: str) -> None:
    """Width, case, invisible characters, spaces and end marks make no difference."""
    assert normalise(typed) == meant


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The result is a fixed point, so that keys computed anywhere agree."""
    once = normalise(text)

    assert normalise(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_normalised_text_can_be_stored_anywhere(text: str) -> None:
    """No NUL, no surrogate, no control character survives, whatever came in."""
    once = normalise(text)

    once.encode("utf-8")
    assert all(c.isprintable() for c in once)


def test_keys_are_short_and_differ_when_texts_do() -> None:
    """A key fits its column whatever the text's length."""
    assert len(text_key("a" * 5000)) == 32
    assert text_key("a") != text_key("b")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("How do I reset my password?", "how_do_i_reset_my_password"),
        ("Reset  Password", "reset_password"),
        ("__reset-PASSWORD", "reset_password"),
        ("Ärger!", "arger"),
        ("Straße", "strasse"),
        ("パスワードのリセット", "パスワードのリセット"),
        ("ﾊﾟｽﾜｰﾄﾞ", "パスワード"),
        ("كلمة المرور", "كلمة_المرور"),
        ("हिन्दी पासवर्ड", "हिन्दी_पासवर्ड"),
        ("비밀번호", "비밀번호"),
        ("Ёлка", "ёлка"),
        ("??", ""),
        ("\u0301", ""),
    ],
)
def test_slugs_are_plain(text: str, slug: str) -> None:
    """Folded words of any script; only Latin letters lose their accents."""
    assert slugify(text) == slug


@given(st.text(max_size=100))
def test_a_slug_is_its_own_slug(text: str) -> None:
    """So that what is exported comes back as the same entry; it fits its column."""
    slug = slugify(text)

    assert slugify(slug) == slug
    assert len(slug) <= 64


def test_long_names_that_begin_alike_have_two_slugs() -> None:
    """Nothing is cut off that tells them apart."""
    assert slugify("word " * 30 + "a") != slugify("word " * 30 + "b")


def test_a_slug_reads_as_words() -> None:
    """Bare labels give a readable question."""
    assert humanise("card_arrival") == "card arrival"


def test_hidden_characters_are_shown_to_people() -> None:
    """Staff see a right-to-left override as its code."""
    assert visible("a\u202eb\x07") == "a\\u202eb\\u0007"
