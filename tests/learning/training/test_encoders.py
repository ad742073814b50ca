"""Any sentence-transformers model can be exported, served without torch and fine-tuned."""

import json
import pickle
import shutil
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import tiny_model, tiny_multilingual

from helpdesk.errors import BadInputError, BundleError
from helpdesk.learning.data.dataset import Row
from helpdesk.learning.data.splits import stable_folds
from helpdesk.learning.training.base_model import left_out_tokens, load_base, resolve_base
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune, plan_training, tokens
from helpdesk.learning.training.onnx_export import save_encoder, save_serving_files
from helpdesk.learning.training.rounding import Rounding, round_encoder, rounding_of
from helpdesk.matching.bundle import READ_WHEN_SERVING
from helpdesk.matching.encoder import WARMING, Encoder, VectorCache, encoder_files
from helpdesk.matching.languages import languages
from helpdesk.matching.networks import CHANNELS, MODEL
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.slow

TEXTS = ["hello", "my printer is on fire", "x " * 200, "straße und umlaute", ""]


@pytest.fixture(scope="module", params=["distilbert", "mpnet", "all-MiniLM-L6-v2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "SentenceTransformer":
    """Three architectures; two are random and have no pooling config. Copy it to change it."""
    name = request.param
    if name != "all-MiniLM-L6-v2":
        name = str(tiny_model(tmp_path_factory.mktemp("tiny"), name))
    return load_base(name, threads=2)


@pytest.fixture(scope="module")
def exported(model: "SentenceTransformer", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What serves it, with exact weights. Copy it to change it."""
    folder = tmp_path_factory.mktemp("exported")
    save_encoder(model, folder)
    return folder


def test_the_graph_is_what_the_library_computes(model: "SentenceTransformer", exported: Path) -> None:
    """Same vectors alone and with others, for short, long, foreign and empty texts."""
    assert rounding_of(exported) is Rounding.NONE
    encoder = Encoder(exported)
    expected = model.encode(TEXTS, normalize_embeddings=True)

    assert np.allclose(encoder.encode(TEXTS), expected, atol=2e-4)
    assert np.allclose(np.concatenate([encoder.encode([text]) for text in TEXTS]), expected, atol=2e-4)


@pytest.mark.parametrize(("rounding", "alike"), [(Rounding.BLOCKS, 0.995), (Rounding.CHANNELS, 0.97)])
def test_rounded_weights_keep_the_vectors_and_company_changes_nothing(
    model: "SentenceTransformer", exported: Path, tmp_path: Path, rounding: Rounding, alike: float
) -> None:
    """What is served points where the library's vector points, and a text gives the same numbers whatever else is
    encoded with it. The table of words is rounded too, which is half of the packaged model."""
    shutil.copytree(exported, tmp_path / "encoder")
    if rounding is Rounding.CHANNELS and model[0].auto_model.config.model_type == "mpnet":  # type: ignore[union-attr]
        assert not round_encoder(model, tmp_path / "encoder", rounding)  # CTranslate2 does not know it
        assert rounding_of(tmp_path / "encoder") is Rounding.NONE
        assert not (tmp_path / "encoder" / CHANNELS).exists()
        return
    assert round_encoder(model, tmp_path / "encoder", rounding)
    encoder = Encoder(tmp_path / "encoder")
    together = encoder.encode(TEXTS)

    assert rounding_of(tmp_path / "encoder") is rounding
    weights = max(path.stat().st_size for path in encoder_files(tmp_path / "encoder") if path.suffix != ".json")
    assert weights < 0.3 * (exported / MODEL).stat().st_size
    assert np.all(np.sum(together * model.encode(TEXTS, normalize_embeddings=True), axis=1) > alike)
    assert np.array_equal(np.concatenate([encoder.encode([text]) for text in TEXTS]), together)


def test_an_encoder_is_saved_rounded_as_asked(tiny_base: Path, tmp_path: Path) -> None:
    """Exact unless something else is said."""
    save_encoder(load_base(str(tiny_base), threads=1), tmp_path / "encoder", rounding=Rounding.CHANNELS)

    assert rounding_of(tmp_path / "encoder") is Rounding.CHANNELS
    assert (tmp_path / "encoder" / CHANNELS).is_dir()
    assert not (tmp_path / "encoder" / MODEL).exists()
    served = {path.relative_to(tmp_path).as_posix() for path in encoder_files(tmp_path / "encoder")}
    assert served <= READ_WHEN_SERVING
    assert len(served) == 5


def special(folder: Path, tmp_path: Path, change: str) -> Path:
    """A base model of an unusual shape, saved as its author would."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    model = load_base(str(folder), threads=1)
    match change:
        case "multilingual":
            sentences = [text for language in languages().by_code.values() for text in language.sentences]
            model = load_base(str(tiny_multilingual(tmp_path / "pieces", sentences)), threads=1)
        case "truncated":
            model.truncate_dim = 8
        case "prompt":
            model.prompts, model.default_prompt_name = {"query": "query: "}, "query"
        case "prompt left out":
            model.prompts, model.default_prompt_name = {"query": "answer this question: "}, "query"
            model.set_pooling_include_prompt(False)
        case "dense":
            model.append(modules.Dense(32, 16))
        case "normalised":
            model.append(modules.Normalize())
        case "first token" | "last token" | "max":
            mode = {"first token": "cls", "last token": "lasttoken", "max": "max"}[change]
            model = SentenceTransformer(modules=[model[0], modules.Pooling(32, pooling_mode=mode)], device="cpu")
        case _:
            raise ValueError(change)
    model.save_pretrained(str(tmp_path / "special"), create_model_card=False)
    return tmp_path / "special"


SHAPES = (
    "multilingual",
    "truncated",
    "prompt",
    "prompt left out",
    "dense",
    "normalised",
    "first token",
    "last token",
    "max",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_models_of_other_shapes_are_served_as_the_library_computes_them(
    tiny_base: Path, tmp_path: Path, shape: str
) -> None:
    """To a cosine of 1.00000, alone and in a batch, and once more after fine-tuning's way through the files."""
    model = load_base(str(special(tiny_base, tmp_path, shape)), threads=1)
    save_encoder(model, tmp_path / "encoder")
    encoder = Encoder(tmp_path / "encoder")
    expected = model.encode(TEXTS, normalize_embeddings=True)
    again = load_base(str(tmp_path / "encoder"), threads=1).encode(TEXTS, normalize_embeddings=True)

    assert expected.shape[1] == encoder.dim == {"truncated": 8, "dense": 16}.get(shape, 32)
    assert np.sum(encoder.encode(TEXTS) * expected, axis=1).min() > 0.999995
    assert np.sum(np.concatenate([encoder.encode([t]) for t in TEXTS]) * expected, axis=1).min() > 0.999995
    assert np.allclose(again, expected, atol=1e-5)


def test_a_prompt_that_pooling_leaves_out_changes_the_vector(tiny_base: Path, tmp_path: Path) -> None:
    """Otherwise the test above would hold whatever is done with it."""
    left_out = load_base(str(special(tiny_base, tmp_path, "prompt left out")), threads=1)
    pooled = load_base(str(tmp_path / "special"), threads=1)
    pooled.set_pooling_include_prompt(True)

    assert left_out_tokens(left_out) > 1
    assert left_out_tokens(pooled) == 0
    assert not np.allclose(left_out.encode(TEXTS), pooled.encode(TEXTS), atol=1e-3)


@pytest.mark.parametrize("shape", ["truncated", "prompt", "prompt left out"])
def test_what_is_trained_is_what_is_served(tiny_base: Path, tmp_path: Path, shape: str) -> None:
    """The prompt before every text, and the first numbers of a vector alone."""
    model = load_base(str(special(tiny_base, tmp_path, shape)), threads=1).eval()
    import torch

    with torch.no_grad():
        vectors = model(tokens(model, ["a red cat"]))["sentence_embedding"][:, : model.truncate_dim]
    trained = torch.nn.functional.normalize(vectors, dim=-1).numpy()

    assert np.allclose(trained, model.encode(["a red cat"], normalize_embeddings=True), atol=1e-5)
    before = margin(model)
    after = margin(tuned(tmp_path / "special"))
    assert after > before


def test_a_model_without_a_transformer_is_refused_by_name(tmp_path: Path) -> None:
    """In one line that says what is expected."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = load_base("all-MiniLM-L6-v2", threads=1).tokenizer
    static = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu")
    static.save_pretrained(str(tmp_path / "static"), create_model_card=False)

    with pytest.raises(BadInputError, match=r"begins with a StaticEmbedding module.*expected .* a Transformer"):
        load_base(str(tmp_path / "static"), threads=1)


def test_an_exported_encoder_is_a_sentence_transformers_model(model: "SentenceTransformer", exported: Path) -> None:
    """Anyone can load it with that library."""
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(exported), device="cpu")

    assert np.allclose(loaded.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "w")


@pytest.mark.parametrize("place", [".", "2_Dense"])
def test_weights_that_are_a_pickle_are_refused_unopened(tiny_base: Path, tmp_path: Path, place: str) -> None:
    """Of the transformer and of a layer above it."""
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    (folder / place).mkdir(exist_ok=True)
    for weights in (folder / place).glob("*.safetensors"):
        weights.unlink()
    (folder / place / "pytorch_model.bin").write_bytes(pickle.dumps(Planted(str(tmp_path / "ran"))))

    with pytest.raises(BadInputError, match=r"pytorch_model.bin is a pickle.*expected weights as safetensors"):
        load_base(str(folder), threads=1)
    assert not (tmp_path / "ran").exists()


def test_the_packaged_model_is_the_published_one() -> None:
    """Its weights are verified by hash before use."""
    assert (Path(resolve_base("all-MiniLM-L6-v2")) / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["/no/such/folder", "./neither"])
def test_a_folder_that_is_not_there_is_named(name: str) -> None:
    """Not mistaken for a name on the hub."""
    with pytest.raises(BadInputError, match="is not a folder"):
        resolve_base(name)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_cannot_be_rounded_by_channels_stays_exact(tiny_base: Path, tmp_path: Path, shape: str) -> None:
    """CTranslate2 ends before the pooling: a mean and the first word are done here, all else is the graph's."""
    model = load_base(str(special(tiny_base, tmp_path, shape)), threads=1)
    save_encoder(model, tmp_path / "encoder", rounding=Rounding.CHANNELS)
    expected = model.encode(TEXTS, normalize_embeddings=True)
    found = Encoder(tmp_path / "encoder").encode(TEXTS)
    again = load_base(str(tmp_path / "encoder"), threads=1).encode(TEXTS, normalize_embeddings=True)

    by_channels = shape not in ("prompt left out", "dense", "last token", "max")
    assert rounding_of(tmp_path / "encoder") is (Rounding.CHANNELS if by_channels else Rounding.NONE)
    assert np.sum(found * expected, axis=1).min() > 0.97
    assert np.sum(again * expected, axis=1).min() > 0.999995


@pytest.mark.parametrize("architecture", ["Bert", "Roberta", "Camembert"])
def test_architectures_that_are_rounded_by_channels(architecture: str, tiny_base: Path, tmp_path: Path) -> None:
    """As today's transformers saves them."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(tiny_base))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=len(tokenizer), pad_token_id=0 if architecture == "Bert" else 1, **sizes
    )
    getattr(transformers, f"{architecture}Model")(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(str(tmp_path / "model"))
    model = load_base(str(tmp_path / "model"), threads=1)
    model.max_seq_length = 300
    save_encoder(model, tmp_path / "encoder", rounding=Rounding.CHANNELS)

    assert rounding_of(tmp_path / "encoder") is Rounding.CHANNELS
    expected = model.encode(TEXTS, normalize_embeddings=True)
    assert np.sum(Encoder(tmp_path / "encoder").encode(TEXTS) * expected, axis=1).min() > 0.97


def test_broken_weights_are_noticed(model: "SentenceTransformer", tmp_path: Path) -> None:
    """NaN weights never become a bundle."""
    import torch

    broken = deepcopy(model)
    with torch.no_grad():
        for parameter in broken.parameters():
            parameter.fill_(float("nan"))

    with pytest.raises(BundleError):
        save_encoder(broken, tmp_path / "encoder")


def declares(base: Path, folder: Path, tokens: int) -> Path:
    """The same model saved as if it read so many tokens."""
    shutil.copytree(base, folder)
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        path = folder / name
        facts = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(facts | {key: tokens}))
    return folder


def test_a_model_reads_no_more_tokens_than_it_has_positions(tmp_path: Path) -> None:
    """One that declares 512 and has 128 is served with 128: the text at which a worker warms up has a vector."""
    base = tiny_model(tmp_path / "tiny", "distilbert", positions=128)
    model = load_base(str(declares(base, tmp_path / "declared", 512)), threads=1)
    save_encoder(model, tmp_path / "encoder")
    encoder = Encoder(tmp_path / "encoder")

    assert model.max_seq_length == 128
    assert encoder.is_cut("warm " * 200)
    assert encoder.encode(WARMING).shape == (2, 32)


def test_a_model_that_fails_on_long_texts_is_refused_when_it_is_built(tmp_path: Path) -> None:
    """Some architectures need a few of their positions for themselves: one sentence that says so, and no bundle."""
    base = tiny_model(tmp_path / "tiny", "mpnet", positions=128)
    model = load_base(str(declares(base, tmp_path / "declared", 512)), threads=1)

    with pytest.raises(BadInputError, match="declares 128 tokens, and fails on a text that is as long"):
        save_encoder(model, tmp_path / "encoder")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_weights_of_half_precision_are_served_in_full(tiny_base: Path, tmp_path: Path, precision: str) -> None:
    """ONNX Runtime has no such operators on a processor; the vectors are those of the same weights in float32."""
    import torch

    half = load_base(str(tiny_base), threads=1).to(getattr(torch, precision))
    half.save_pretrained(str(tmp_path / "half"), create_model_card=False)
    model = load_base(str(tmp_path / "half"), threads=1)
    save_encoder(model, tmp_path / "encoder")

    expected = half.float().encode(TEXTS, normalize_embeddings=True)
    assert np.sum(Encoder(tmp_path / "encoder").encode(TEXTS) * expected, axis=1).min() > 0.9999


@pytest.mark.parametrize("damage", ["cut short", "empty", "a page of a website"])
def test_damaged_weights_are_named(tiny_base: Path, tmp_path: Path, damage: str) -> None:
    """In one sentence, as `init`, `retrain` and `data check` say it."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "damaged"))
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes({"cut short": whole[:-1000], "empty": b""}.get(damage, b"<html>not found</html>" * 50))

    with pytest.raises(BadInputError, match=r"the weights of .* are damaged or cut short") as refused:
        load_base(str(folder), threads=1)

    assert "\n" not in str(refused.value)


def test_the_cache_gives_back_what_was_encoded(tiny_base: Path, tmp_path: Path) -> None:
    """The same vector object for a recent text; old ones are dropped."""
    save_encoder(load_base(str(tiny_base), threads=1), tmp_path / "encoder")
    cache = VectorCache(Encoder(tmp_path / "encoder"), size=2)
    first = cache.encode_one("one")

    assert cache.encode_one("one") is first
    cache.encode_one("two")
    cache.encode_one("three")
    assert cache.encode_one("one") is not first
    assert np.allclose(cache.encode_one("one"), first)


SUBJECTS = ("red ball", "blue car", "green tree", "black cat")
ROWS = [(f"{verb} the {subject} {place}", n) for n, subject in enumerate(SUBJECTS) for verb in ("see", "find", "buy")
        for place in ("now", "today", "outside")]  # fmt: skip


def margin(model: "SentenceTransformer") -> float:
    """Mean similarity within intents minus that between them."""
    vectors = model.encode([text for text, _ in ROWS], normalize_embeddings=True)
    same = np.equal.outer([n for _, n in ROWS], [n for _, n in ROWS])
    similarity = vectors @ vectors.T
    return float(similarity[same].mean() - similarity[~same].mean())


def tuned(folder: Path, seed: int = 0) -> "SentenceTransformer":
    """A tiny model after a short training."""
    model = load_base(str(folder), threads=2)
    plan = TrainingPlan(steps=15, intents=4, learning_rate=2e-3)
    intents = [n for _, n in ROWS]
    fine_tune(model, [text for text, _ in ROWS], intents=intents, plan=plan, seed=seed, progress=lambda *_: None)
    return model


def test_training_draws_an_intents_phrasings_together(tiny_base: Path) -> None:
    """That is what it is for."""
    assert margin(tuned(tiny_base)) > margin(load_base(str(tiny_base), threads=2)) + 0.05


def test_the_same_seed_gives_the_same_weights(tiny_base: Path) -> None:
    """And another seed others."""
    one, same, other = (tuned(tiny_base, seed).encode(["a red cat"]) for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_two_phrasings_of_an_intent_are_never_negatives(tiny_base: Path) -> None:
    """With one intent alone there is nothing to push apart: the loss is the least there can be."""
    from helpdesk.learning.training.finetune import _loss, _vectors

    vectors = _vectors(load_base(str(tiny_base), threads=1), [["same words"] * 4]).detach()
    together = float(_loss(vectors, [0, 0, 0, 0], 0.05))
    apart = float(_loss(vectors, [0, 0, 1, 1], 0.05))

    assert together == pytest.approx(np.log(3), abs=1e-3)
    assert apart == pytest.approx(together, abs=1e-3)


def test_the_plan_depends_on_size_and_budget_alone() -> None:
    """As many visits a row whatever the size, a lower rate for few intents; never over the budget's steps."""
    few, many = plan_training(770, 77), plan_training(10_000, 77)

    assert few.steps * few.intents * 2 / 770 == pytest.approx(many.steps * many.intents * 2 / 10_000, rel=0.05)
    assert many.kept < few.kept
    assert plan_training(770, 4).learning_rate < few.learning_rate
    assert plan_training(770, 77, max_steps=20).steps == 20
    assert plan_training(770, 77, brief=True).steps == few.steps * 3 // 4
    assert plan_training(770, 77, brief=True).learning_rate == pytest.approx(few.learning_rate * 4 / 3)
    assert plan_training(12, 3).intents == 3


def test_parts_keep_groups_and_known_texts_in_place() -> None:
    """Near-duplicates share a part; a text never changes its part; a newcomer joins its group."""
    rows = [Row(f"phrasing:{n}", f"text {n}", "a" if n < 10 else "b") for n in range(20)]
    keys = [text_key(row.text) for row in rows]
    groups = [n // 2 for n in range(20)]
    first = stable_folds(rows, groups, folds=2)
    later = stable_folds([*rows, Row("label:1", "text x", "a")], [*groups, 0], folds=2, known=first)

    assert all(first[keys[n]] == first[keys[n + 1]] for n in range(0, 20, 2))
    assert sorted(first.values()).count(0) == 10
    assert {key: later[key] for key in first} == first
    assert later[text_key("text x")] == first[keys[0]]


def test_a_text_that_is_labelled_anew_keeps_its_part() -> None:
    """The encoder that measures it never learnt it, whatever it means today, and after a time without any meaning."""
    rows = [Row(f"label:{n}", f"text {n}", "a" if n < 10 else "b") for n in range(20)]
    first = stable_folds(rows, range(20), folds=4)
    away = stable_folds(rows[10:], range(10), folds=4, known=first)
    moved = [Row(f"label:{n + 20}", f"text {n}", "b") for n in range(10)]

    assert stable_folds([*rows[10:], *moved], range(20), folds=4, known=away) == first


@pytest.mark.parametrize("rounding", [Rounding.BLOCKS, Rounding.CHANNELS])
def test_weights_that_rounding_would_spoil_stay_as_they_are(
    tiny_base: Path, tmp_path: Path, rounding: Rounding
) -> None:
    """Each row holds one huge weight for an input that is always nothing: in 8 bits all its others would be nothing."""
    import torch

    model = load_base(str(tiny_base), threads=1)
    network: Any = model[0].auto_model
    with torch.no_grad():
        network.embeddings.LayerNorm.weight[0] = network.embeddings.LayerNorm.bias[0] = 0.0
        projection = network.transformer.layer[0].attention.v_lin.weight
        projection.mul_(200.0)[:, 0] = 1e6
    save_serving_files(model, tmp_path / "encoder", rounding=rounding)

    assert rounding_of(tmp_path / "encoder") is Rounding.NONE
    assert np.allclose(
        Encoder(tmp_path / "encoder").encode(TEXTS), model.encode(TEXTS, normalize_embeddings=True), atol=1e-3
    )
