"""Which languages a bundle knows: those of its phrasings, and those that its encoder brings together with them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import odd
import pytest
from desks import open_desk
from faqs import Embedder
from homes import LENIENT, copy_home, make_home

from helpdesk.learning.bundles.known_languages import known_languages
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune
from helpdesk.matching.languages import languages
from helpdesk.matching.networks import Vectors
from helpdesk.settings import Settings, load_settings

ENGLISH = ["how do i reset my password", "where can i get a new laptop"]
GERMAN = ["wie setze ich mein passwort zurück", "wo bekomme ich einen neuen laptop"]
LEARNT = ("en", "de", "fr", "es")


def by_meaning(texts: Sequence[str]) -> Vectors:
    """An encoder that knows every language: what says the same has the same vector."""
    meaning = {
        sentence: number
        for language in languages().by_code.values()
        for number, sentence in enumerate(language.sentences)
    }
    return np.eye(10, dtype=np.float32)[[meaning[text] for text in texts]]


def by_text(texts: Sequence[str]) -> Vectors:
    """An encoder that knows no two texts to mean the same."""
    return np.random.default_rng(0).normal(size=(len(texts), 64)).astype(np.float32)


def test_languages_of_the_phrasings_are_known_whatever_the_encoder() -> None:
    """Their own phrasings answer."""
    assert known_languages(ENGLISH, by_text) == ["en"]
    assert known_languages([*ENGLISH, *GERMAN], by_text) == ["de", "en"]


def test_languages_that_the_encoder_brings_together_are_known() -> None:
    """All of them, to one that does so."""
    assert known_languages(GERMAN, by_meaning) == sorted(languages().by_code)


def test_nothing_is_said_where_the_phrasings_cannot_be_told() -> None:
    """Keywords alone are in no language."""
    assert known_languages(["vpn", "wifi", "printer"], by_meaning) == []


@pytest.mark.slow
def test_the_packaged_encoder_knows_english_alone(embedder: Embedder) -> None:
    """So German messages to an English FAQ are in another language, and English ones to a German FAQ."""
    assert known_languages(ENGLISH, embedder.encode) == ["en"]
    assert known_languages(GERMAN, embedder.encode) == ["de"]


@pytest.mark.slow
def test_a_multilingual_base_model_makes_its_languages_known(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> None:
    """A tiny one that learnt four, over the odd messages in three of them: none is in an unknown language."""
    model = load_base(str(tiny_base), threads=1)
    texts = [sentence for code in LEARNT for sentence in languages().by_code[code].sentences]
    plan = TrainingPlan(steps=150, intents=10, learning_rate=3e-3, kept=1.0)
    fine_tune(model, texts, intents=[*range(10)] * len(LEARNT), plan=plan, seed=0, progress=lambda *_: None)
    model.save_pretrained(str(tmp_path / "multilingual"), create_model_card=False)
    settings = load_settings(home=tmp_path / "home", base_model=str(tmp_path / "multilingual"), **LENIENT)
    make_home(settings)
    plain = copy_home(tiny_home, tmp_path / "plain")
    before, after = (_reasons_of_odd_messages(each) for each in (plain, settings))

    assert before["language"] > 0
    assert after["language"] == 0
    assert after.total() == before.total() == 120


def _reasons_of_odd_messages(settings: Settings) -> Counter[str]:
    desk = open_desk(settings)
    judged = [(row, desk.match(row.text)[0]) for row in odd.read("odd_messages_other.csv")]
    desk.database.close()
    assert set(odd.figures(judged, group="language")["groups"]) == {"de", "fr", "es"}
    return Counter(decision.reason for _, decision in judged)
