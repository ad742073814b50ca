"""A bundle is what was sealed, or it does not open."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpdesk.errors import BundleError
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.matcher import Additions, Matcher
from helpdesk.text import normalise, text_key


@pytest.fixture
def folder(small_home: Path, tmp_path: Path) -> Path:
    """A sealed bundle that may be damaged."""
    (sealed,) = (small_home / "bundles").iterdir()
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
     "encoder/onnx/model.onnx", "encoder/tokenizer.json", "encoder/model.safetensors"],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_file_is_refused_before_it_is_used(folder: Path, name: str, damage: str) -> None:
    """Whatever file, whatever damage: a named error that says which file."""
    path = folder / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x10
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes(raw), "truncate": bytes(raw[:-7]), "empty": b""}[damage])

    with pytest.raises(BundleError, match=name):
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


def test_vectors_of_another_width_are_refused(folder: Path) -> None:
    """Before they reach native code."""
    vectors = np.load(folder / layout.VECTORS)[:, :100]
    np.save(folder / layout.VECTORS, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    reseal(folder)

    with pytest.raises(BundleError, match="expected 25 x 384"):
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
    additions = Additions({text_key(text): "badge"}, bundle.encoder.encode([text]), ("badge",), ("phrasing:99",))
    match = Matcher(bundle).match

    assert match("My badge does not open the door!", additions=additions).reason == "exact"
    assert match("my badge doesn't open the door", additions=additions).reason == "new_phrasing"
    assert match("what is the capital of peru", additions=additions).kind == "fallback"


def test_a_text_that_staff_called_out_of_scope_is_not_answered(folder: Path) -> None:
    """The exact table knows what is none of the FAQs."""
    exact = json.loads((folder / layout.EXACT).read_text())
    exact[text_key("printer not working")] = ""
    (folder / layout.EXACT).write_text(json.dumps(exact))
    reseal(folder)

    decision = Matcher(open_bundle(folder)).match("printer not working")

    assert (decision.kind, decision.reason) == ("fallback", "known_out_of_scope")
