"""A bundle is what was sealed, or it does not open."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from helpdesk.errors import BundleError
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.decide import Thresholds
from helpdesk.matching.encoder import CONFIG, encoder_files
from helpdesk.matching.known_texts import AS_NEAR, Additions
from helpdesk.matching.matcher import Matcher
from helpdesk.matching.reading import sentences
from helpdesk.text import normalise, text_key


@pytest.fixture
def folder(tiny_home: Path, tmp_path: Path) -> Path:
    """A sealed bundle that may be damaged."""
    (sealed,) = (tiny_home / "bundles").iterdir()
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


def reseal(folder: Path) -> None:
    """Write a manifest over changed files, as a faulty build would."""
    facts = json.loads((folder / layout.MANIFEST).read_text())
    (folder / layout.MANIFEST).unlink()
    layout.seal(folder, {name: value for name, value in facts.items() if name not in ("format", "files")})


def test_a_sealed_bundle_opens_and_decides(folder: Path) -> None:
    """All of its parts fit together."""
    decision = Matcher(open_bundle(folder)).match("i have forgotten my password")

    assert decision.ranking[0].intent == "password"
    assert decision.ranking[0].nearest is not None


@pytest.mark.parametrize(
    "name",
    ["vectors.npy", "index.bin", "scorer.npz", "phrasings.json", "exact.json", "thresholds.json", "evaluation.json",
     "network", "encoder/tokenizer.json", "encoder/model.safetensors"],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_file_is_refused_before_it_is_used(folder: Path, name: str, damage: str) -> None:
    """Whatever file, whatever damage: a named error that says which file."""
    path = encoder_files(folder / "encoder")[0] if name == "network" else folder / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x10
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes(raw), "truncate": bytes(raw[:-7]), "empty": b""}[damage])

    with pytest.raises(BundleError, match=path.name):
        open_bundle(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "files": {}}'])
def test_a_manifest_of_another_kind_is_refused(folder: Path, text: str) -> None:
    """Unreadable, foreign, or without its files."""
    (folder / layout.MANIFEST).write_text(text)

    with pytest.raises(BundleError):
        open_bundle(folder)


def test_vectors_of_another_encoder_are_refused(folder: Path) -> None:
    """The most silent failure of the field: an index that does not know its encoder."""
    vectors = np.load(folder / layout.VECTORS)
    np.save(folder / layout.VECTORS, vectors[:, ::-1].copy())
    reseal(folder)

    with pytest.raises(BundleError, match="does not reproduce the stored vectors"):
        open_bundle(folder)


def test_an_encoder_that_fails_on_long_texts_is_refused(folder: Path) -> None:
    """It declares 600 tokens and has 512 positions: the gate hears of it, and not a worker that warms up."""
    config = folder / layout.ENCODER / CONFIG
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_tokens": 600}))
    reseal(folder)

    with pytest.raises(BundleError, match="does not open"):
        open_bundle(folder)


def test_vectors_of_another_width_are_refused(folder: Path) -> None:
    """Before they reach native code."""
    vectors = np.load(folder / layout.VECTORS)[:, :20]
    np.save(folder / layout.VECTORS, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    reseal(folder)

    with pytest.raises(BundleError, match="expected 25 x 32"):
        open_bundle(folder)


def test_a_known_text_is_answered_exactly(folder: Path) -> None:
    """However it is typed; the encoder is not asked."""
    decision = Matcher(open_bundle(folder)).match("  FORGOT my password!! ")

    assert (decision.kind, decision.reason, decision.intent) == ("answer", "exact", "password")


def test_an_unpublished_intent_is_never_chosen(folder: Path) -> None:
    """Not even by its own exact text."""
    decision = Matcher(open_bundle(folder)).match("forgot my password", published={"vpn", "wifi"})

    assert decision.intent != "password"
    assert {ranked.intent for ranked in decision.ranking} == {"vpn", "wifi"}


def test_a_phrasing_added_today_is_matched_at_once(folder: Path) -> None:
    """Exactly, or almost so; further away the bundle decides as before."""
    bundle = open_bundle(folder)
    text = normalise("my badge does not open the door")
    additions = Additions({text_key(text): ("badge",)}, bundle.encoder.encode([text]), (("badge",),), ("phrasing:99",))
    match = Matcher(bundle).match

    assert match("My badge does not open the door!", additions=additions).reason == "exact"
    assert match("my badge did not open the door", additions=additions).reason == "new_phrasing"
    assert match("what is the capital of peru", additions=additions).kind == "fallback"


def test_a_text_that_staff_called_out_of_scope_is_not_answered(folder: Path) -> None:
    """The exact table knows what is none of the FAQs."""
    exact = json.loads((folder / layout.EXACT).read_text())
    exact[text_key("printer not working")] = ""
    (folder / layout.EXACT).write_text(json.dumps(exact))
    reseal(folder)

    decision = Matcher(open_bundle(folder)).match("printer not working")

    assert (decision.kind, decision.reason) == ("fallback", "known_out_of_scope")


@pytest.mark.parametrize(("cosine", "opens"), [(0.9995, True), (0.998, False)])
def test_an_encoder_must_reproduce_the_stored_vectors_closely(folder: Path, cosine: float, opens: bool) -> None:
    """Rounding is forgiven; a model that is nearly the same is another model."""
    vectors = np.load(folder / layout.VECTORS)
    turned = tilted(vectors, cosine)
    np.save(folder / layout.VECTORS, turned)
    reseal(folder)

    if opens:
        assert np.array_equal(open_bundle(folder).vectors, turned)
    else:
        with pytest.raises(BundleError, match="does not reproduce the stored vectors"):
            open_bundle(folder)


def tilted(vectors: NDArray[np.float32], cosine: float) -> NDArray[np.float32]:
    """Unit vectors at this cosine to each of those."""
    aside = np.random.default_rng(0).normal(size=vectors.shape)
    aside -= np.sum(aside * vectors, axis=1, keepdims=True) * vectors
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    turned: NDArray[np.float32] = (cosine * vectors + np.sqrt(1 - cosine**2) * aside).astype(np.float32)
    return turned


def test_a_phrasing_added_today_yields_to_a_nearer_one_of_the_bundle(folder: Path) -> None:
    """However near both are; where they are as near, it asks which one is meant."""
    bundle = open_bundle(folder)
    text = normalise("cannot remember my password")
    vector = bundle.encoder.encode([text])
    ranking = Matcher(bundle).match(text).ranking
    nearest = max(ranked.similarity or 0.0 for ranked in ranking)
    assert 0.92 < nearest < 1 - 1.2 * AS_NEAR

    def reason(similarity: float) -> str:
        additions = Additions({}, tilted(vector, similarity), (("badge",),), ("phrasing:99",))
        return Matcher(bundle).match(text, additions=additions).reason

    assert reason(nearest + 1.2 * AS_NEAR) == "new_phrasing"
    assert reason(nearest + 0.8 * AS_NEAR) == reason(nearest - 0.8 * AS_NEAR) == "shared_text"
    assert reason(nearest - 1.2 * AS_NEAR) not in ("new_phrasing", "shared_text")


def test_two_answers_must_be_as_sure_together_as_one_alone(folder: Path) -> None:
    """Each part is sure enough by itself; both are right less often than either."""
    bundle = open_bundle(folder)
    text = "forgot the password reset\nvpn login not connecting"
    parts = [Matcher(bundle).rank(normalise(part)).confidence for part in sentences(text)]
    both, least = math.prod(parts), min(parts)
    assert both < least < 1

    def reason(level: float) -> str:
        return Matcher(replace(bundle, thresholds=Thresholds(answer=level, clarify=2.0))).match(text).reason

    assert reason(both - 1e-6) == "two_questions"
    assert reason((both + least) / 2) != "two_questions"


def test_bundles_with_the_same_encoder_files_share_the_encoder(folder: Path, tmp_path: Path) -> None:
    """Wherever the files lie, since versions share no file that they answer with."""
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    first, same = (open_bundle(path).encoder for path in (folder, copied))
    facts = copied / "encoder" / "helpdesk_encoder.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"max_tokens": 16}))
    reseal(copied)

    assert same is first
    assert open_bundle(copied).encoder is not first
