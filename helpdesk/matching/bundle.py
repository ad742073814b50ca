"""A sealed bundle on disk: one directory that holds everything a version needs to decide.

encoder/         sentence-transformers layout, with ctranslate2/ or onnx/, tokenizer.json, helpdesk_encoder.json
phrasings.json   what row i of the vectors is: its id, its text's key, its intent; the keys of out-of-scope texts
exact.json       text key -> intent: every known text, held-out ones included, unless several intents have it
vectors.npy      unit vectors [count, dim] of float32
index.bin        their HNSW graph
scorer.npz       arrays of the scorer
thresholds.json  answer and clarify
evaluation.json  out-of-fold results; the next night compares its candidates with them
robustness.json  how it does on messages typed differently and by different people; for reading only
embedding_cache/ the embedding cache: vectors of every text that was encoded for building, one file an encoder
reliability.svg  how often confidence was right, out of fold; for people
manifest.json    written last: format, sizes and sha256 of all the above, and how it was made; content_hash is one
                 hash over all files, the same for two builds from the same rows; seal is the manifest's own hash
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from helpdesk.errors import BundleError
from helpdesk.matching.ambiguous import SharedWords
from helpdesk.matching.decide import Thresholds
from helpdesk.matching.encoder import ENCODER_FILES, Encoder, encoder_names, open_encoder, sha256
from helpdesk.matching.index import Index, Vectors, open_index
from helpdesk.matching.scorer import Scorer
from helpdesk.matching.spelling import Speller
from helpdesk.threads import SYNTAX_TREES

FORMAT = 3
MANIFEST = "manifest.json"
PHRASINGS = "phrasings.json"
EXACT = "exact.json"
VECTORS = "vectors.npy"
INDEX = "index.bin"
SCORER = "scorer.npz"
THRESHOLDS = "thresholds.json"
EVALUATION = "evaluation.json"
ROBUSTNESS = "robustness.json"
RELIABILITY = "reliability.svg"
ENCODER = "encoder"
SEAL = "seal"
GRAPH = "graph_serves"  # whether HNSW found what exact search finds when the bundle was built; older ones do not say
_REQUIRED = (PHRASINGS, EXACT, VECTORS, INDEX, SCORER, THRESHOLDS, EVALUATION)
READ_WHEN_SERVING = frozenset(_REQUIRED) - {EVALUATION} | {f"{ENCODER}/{name.as_posix()}" for name in ENCODER_FILES}


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. Everything in it belongs together and is never changed.

    words: of the phrasings; shared_words: words and pairs of words that several intents have, and which; settled: the
    intents that are about matters not wanted any more, as cancelling is; languages: codes of those that the phrasings
    are in or the encoder knows, none where that was not measured; names: former name -> that of today, of intents that
    were renamed since.
    """

    path: Path
    manifest: dict[str, Any]
    intents: tuple[str, ...]
    phrasing_ids: tuple[str, ...]
    phrasing_keys: tuple[str, ...]
    out_of_scope_keys: tuple[str, ...]
    words: tuple[str, ...]
    shared_words: SharedWords
    settled: frozenset[str]
    languages: frozenset[str]
    intent_of_row: "np.ndarray[tuple[int], np.dtype[np.int32]]"
    exact: dict[str, str]
    encoder: Encoder
    index: Index
    vectors: Vectors
    scorer: Scorer
    thresholds: Thresholds

    @cached_property
    def speller(self) -> Speller:
        """What mends typing errors towards the words of the phrasings and of the encoder."""
        return Speller(self.words, self.encoder.words)

    names: Mapping[str, str] = field(default_factory=dict)

    def edited(self, **changes: Any) -> "Bundle":
        """The same with other rows, scorer or texts; what mends typing errors stays as it is."""
        changed = replace(self, **changes)
        changed.__dict__["speller"] = self.speller
        return changed

    def renamed(self, names: Mapping[str, str]) -> "Bundle":
        """The same with the names of today for intents that were called otherwise; merged ones have the same name."""
        if not names.keys() & {*self.intents, *self.exact.values()}:
            return self
        return replace(
            self,
            intents=tuple(names.get(intent, intent) for intent in self.intents),
            shared_words={
                key: tuple(dict.fromkeys(names.get(intent, intent) for intent in having))
                for key, having in self.shared_words.items()
            },
            settled=frozenset(names.get(intent, intent) for intent in self.settled),
            exact={key: names.get(intent, intent) for key, intent in self.exact.items()},
            names={**self.names, **names},
        )

    @cached_property
    def distinct(self) -> tuple[tuple[str, ...], "np.ndarray[tuple[int], np.dtype[np.intp]]"]:
        """The names of the intents, each once, and which of them each intent has."""
        names = tuple(dict.fromkeys(self.intents))
        position = {name: number for number, name in enumerate(names)}
        return names, np.array([position[intent] for intent in self.intents], dtype=np.intp)

    @cached_property
    def having(self) -> dict[str, tuple[str, ...]]:
        """Text key -> the intents that have the text as a phrasing; labelled messages are none."""
        found: dict[str, set[str]] = {}
        for row, key, intent in zip(self.phrasing_ids, self.phrasing_keys, self.intent_of_row, strict=True):
            if row.startswith("phrasing:"):
                found.setdefault(key, set()).add(self.intents[intent])
        return {key: tuple(sorted(intents)) for key, intents in found.items()}


def seal(directory: Path, facts: dict[str, Any]) -> str:
    """Write the manifest over every file in the directory and force all of it to disk. Returns the content hash."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        files[path.relative_to(directory).as_posix()] = {"size": path.stat().st_size, "sha256": sha256(path)}
        fsync(path)
    content = json.loads(json.dumps({"format": FORMAT, **facts, "files": files, "content_hash": _digest(files)}))
    manifest = directory / MANIFEST
    manifest.write_text(json.dumps(content | {SEAL: _seal(content)}, indent=1, sort_keys=True))
    fsync(manifest)
    for folder in (*(p for p in directory.rglob("*") if p.is_dir()), directory):
        fsync(folder)
    return str(content["content_hash"])


def publish(building: Path, final: Path) -> None:
    """Give a sealed directory its final name, durably."""
    if final.exists():
        raise BundleError(f"{final} exists already")
    os.rename(building, final)
    fsync(final.parent)


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest alone. Raises BundleError when it is missing, unreadable or of another format."""
    manifest = _stored_manifest(directory)
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{directory.name} is not of bundle format {FORMAT}; `helpdesk retrain` builds one that is")
    return manifest


def read_older_manifest(directory: Path) -> dict[str, Any] | None:
    """The manifest of a bundle that an older helpdesk built and this one does not open; None of any other."""
    manifest = _stored_manifest(directory)
    stored = manifest.get("format")
    return manifest if isinstance(stored, int) and stored < FORMAT else None


def _stored_manifest(directory: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{directory.name} has no readable manifest: {error}") from None
    if not isinstance(manifest, dict):
        raise BundleError(f"{directory.name} has no readable manifest: expected an object")
    return manifest


def encoder_hash(manifest: Mapping[str, Any]) -> str:
    """One hash over the files that turn texts into vectors; bundles with the same hash give the same vectors."""
    return _digest(_encoder_content(manifest))


def _encoder_content(manifest: Mapping[str, Any]) -> list[str]:
    files = manifest["files"]
    names = encoder_names(lambda name: f"{ENCODER}/{name.as_posix()}" in files)
    return [files[f"{ENCODER}/{name.as_posix()}"]["sha256"] for name in names]


def sealed_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of any format, which is what was sealed. Raises BundleError."""
    manifest = _stored_manifest(directory)
    if manifest.get(SEAL) != _seal(manifest):
        raise BundleError(f"{directory.name}: {MANIFEST} is not what was sealed (its own hash differs)")
    return manifest


def damage(directory: Path, name: str, expected: Mapping[str, Any]) -> str | None:
    """What is wrong with a file of a bundle; expected: its line in the manifest."""
    path = directory / name
    try:
        if not path.is_file() or path.stat().st_size != expected["size"]:
            return f"{name} is missing or not {expected['size']} bytes long"
        if sha256(path) != expected["sha256"]:
            return f"{name} is not the file that was sealed (sha256 differs)"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    return None


def verify(directory: Path, *, whole: bool = True) -> dict[str, Any]:
    """Check files against the manifest; no native code has touched one yet. Returns the manifest.

    whole: those too that only nights and people read.
    """
    read_manifest(directory)
    manifest = sealed_manifest(directory)
    files = manifest.get("files", {})
    missing = [name for name in _REQUIRED if name not in files]
    if missing:
        raise BundleError(f"{directory.name}: the manifest lacks {', '.join(missing)}")
    for name, expected in files.items():
        if (whole or name in READ_WHEN_SERVING) and (wrong := damage(directory, name, expected)):
            raise BundleError(f"{directory.name}: {wrong}")
    return manifest


def open_bundle(directory: Path, *, threads: int = 1, whole: bool = True, warm: bool = True) -> Bundle:
    """Verify, open and self-test a bundle. Raises BundleError when it must not be used.

    whole: check also what is not read to decide, which nights build upon: it is most of the bytes; warm: read a text as
    long as a worker ever will, too.
    """
    manifest = verify(directory, whole=whole)
    try:
        bundle = _open(directory, manifest, threads)
        _self_test(bundle)
        if warm:
            bundle.encoder.warm()
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"{directory.name} does not open: {type(error).__name__}: {error}") from error
    return bundle


def _open(directory: Path, manifest: dict[str, Any], threads: int) -> Bundle:
    phrasings = json.loads((directory / PHRASINGS).read_text())
    with SYNTAX_TREES:  # workers share the pages
        vectors = np.asarray(np.load(directory / VECTORS, mmap_mode="r", allow_pickle=False))
    encoder = open_encoder(directory / ENCODER, threads=threads, content=_encoder_content(manifest))
    if vectors.shape != (len(phrasings["ids"]), encoder.dim):
        raise BundleError(f"vectors of shape {vectors.shape}; expected {len(phrasings['ids'])} x {encoder.dim}")
    intent_of_row = np.array(phrasings["intent_of_row"], dtype=np.int32)
    return Bundle(
        path=directory,
        manifest=manifest,
        intents=tuple(phrasings["intents"]),
        phrasing_ids=tuple(phrasings["ids"]),
        phrasing_keys=tuple(phrasings["keys"]),
        out_of_scope_keys=tuple(phrasings["outside"]),
        words=tuple(phrasings.get("words", ())),  # bundles built before have none
        shared_words={key: tuple(intents) for key, intents in phrasings.get("shared_words", {}).items()},
        settled=frozenset(phrasings.get("settled", ())),
        languages=frozenset(phrasings.get("languages", ())),
        intent_of_row=intent_of_row,
        exact=json.loads((directory / EXACT).read_text()),
        encoder=encoder,
        index=open_index(vectors, directory / INDEX, intents=intent_of_row, judged=manifest.get(GRAPH)),
        vectors=vectors,
        scorer=Scorer.load(directory / SCORER),
        thresholds=Thresholds(**json.loads((directory / THRESHOLDS).read_text())),
    )


def _self_test(bundle: Bundle) -> None:
    """Encode the probe texts and compare with their stored vectors. Raises BundleError when vectors differ."""
    probes = bundle.manifest["probes"]
    if not probes:
        raise BundleError(f"{bundle.path.name} has no probe texts to test itself with")
    vectors = bundle.encoder.encode([probe["text"] for probe in probes])
    similarity = np.sum(vectors * bundle.vectors[[probe["row"] for probe in probes]], axis=1)
    if not np.all(similarity > 0.999):
        raise BundleError(f"{bundle.path.name}: the encoder does not reproduce the stored vectors")


def _seal(manifest: dict[str, Any]) -> str:
    return _digest({name: value for name, value in manifest.items() if name != SEAL})


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def fsync(path: Path) -> None:
    """Force a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
