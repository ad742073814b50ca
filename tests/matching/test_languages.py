"""Which language a message is in: told by letters and function words, and never where it may be a known one."""

import csv

import pytest

from helpdesk.matching.languages import languages
from helpdesk.settings import resource
from helpdesk.text import normalise


def told(text: str, *known: str) -> str | None:
    """The language of a message that none of the known ones is."""
    return languages().tell(normalise(text), known=known)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ich habe seit gestern keinen Zugriff auf die Ablage", "de"),
        ("Je ne peux plus ouvrir ma boîte depuis hier", "fr"),
        ("No puedo abrir mi correo desde ayer", "es"),
        ("Da ieri non riesco ad aprire la mia posta", "it"),
        ("Desde ontem não consigo abrir o meu correio", "pt"),
        ("Sinds gisteren kan ik mijn mail niet openen", "nl"),
        ("Od wczoraj nie mogę otworzyć poczty", "pl"),
        ("Dünden beri postamı açamıyorum, ne yapmam lazım", "tr"),
        ("Jag kan inte öppna min post sedan i går", "sv"),
        ("Jeg kan ikke åbne min post siden i går", "da"),
        ("Со вчерашнего дня не открывается почта", "ru"),
        ("昨日からメールが開けません", "ja"),
        ("邮件打不开了", "zh"),
        ("لا أستطيع فتح بريدي", "ar"),
    ],
)
def test_other_languages_are_told(text: str, language: str) -> None:
    """By their most usual words, or by their script."""
    assert told(text, "en") == language
    assert told(text, "en", language) != language


@pytest.mark.parametrize(
    "text",
    [
        "vpn",
        "passwort vergessen",
        "drucker kaputt bitte",
        "the laptop of Jürgen Müller von der Heide is broken",
        "what does the message 'das ist nicht gut' mean when it is shown on the screen",
        "my frined cant acces teh shard foldr ni the offce",
        "la la la",
        "h e l o o o w w",
        "café on the road el camino",
        "café reservation for el camino",
        "λ is shown where I typed the letter l",
        "12 34 56",
        "",
    ],
)
def test_what_may_be_english_is_none(text: str) -> None:
    """One or two words, names, quoted words, typing errors, sounds."""
    assert told(text, "en") is None


def test_what_has_letters_of_a_known_script_is_none() -> None:
    """Japanese is written with Chinese characters, too."""
    text = "電子書類送信不可です"

    assert told(text, "en") == "zh"
    assert told(text, "en", "ja") is None


def test_accents_may_be_missing() -> None:
    """Many people leave them out."""
    assert told("je ne peux pas acceder a ma boite, elle a ete bloquee", "en") == "fr"


def test_no_phrasing_of_the_starter_faq_is_foreign() -> None:
    """False alarms would send people away who can be helped."""
    with (resource("training_data") / "faq.csv").open(encoding="utf-8", newline="") as file:
        phrasings = [normalise(row["phrasing"]) for row in csv.DictReader(file)]

    assert [text for text in phrasings if told(text, "en")] == []
    assert languages().usual(phrasings) == ["en"]


def test_the_usual_languages_are_those_of_many_phrasings() -> None:
    """One in twenty; the most frequent first."""
    english = ["how do i reset my password"] * 40
    german = ["wie setze ich mein passwort zurück"] * 3

    assert languages().usual([*english, *german]) == ["en", "de"]
    assert languages().usual([*english, german[0]]) == ["en"]
    assert languages().usual(["vpn", "wifi"]) == []


def test_every_language_says_the_same() -> None:
    """An encoder is asked with those sentences."""
    counts = {code: len(language.sentences) for code, language in languages().by_code.items()}

    assert set(counts.values()) == {10}
    assert all(language.words or language.scripts for language in languages().by_code.values())
