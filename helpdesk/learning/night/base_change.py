"""What a run does when `HELPDESK_BASE_MODEL` is not what the encoder in service came from, in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from helpdesk.errors import BadInputError
from helpdesk.learning.training.base_model import resolve_base
from helpdesk.matching.encoder import TOKENIZER

CASED = (
    "the base model {name!r} tells capitals from small letters, but is given everything in small letters, phrasings "
    "and messages alike: what capitals tell it is lost"
)


def base_before(manifest: Mapping[str, Any], name: str) -> str | None:
    """The base model that a bundle's encoder came from; None when it is the same as `name`, or not recorded."""
    before = manifest.get("base_model")
    return None if before is None or _same(str(before), name) else str(before)


def on_base_change(before: str, name: str, *, version: int, finetune: bool) -> str:
    """One line about a night."""
    serving = f"HELPDESK_BASE_MODEL is {name!r}, but the encoder of version {version} came from {before!r}"
    if not finetune:
        return f"{serving}: without fine-tuning it stays; the next run that fine-tunes starts from {name!r}"
    return (
        f"{serving}: this night fine-tunes from {name!r} and compares the result with what serves; "
        "the old encoder stays until the gate prefers the new one"
    )


def sees_capitals(encoder: Path) -> bool:
    """Whether the tokenizer in an encoder folder tells capitals from small letters."""
    tokenizer = Tokenizer.from_file(str(encoder / TOKENIZER))
    return bool(tokenizer.encode("the end").ids != tokenizer.encode("THE END").ids)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return resolve_base(one) == resolve_base(other)
    except BadInputError:  # a folder that is gone
        return False
