"""Labelled data sets as files: CSV with `text,intent` or `text,category`, and CLINC150's JSON. Read, never stored."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from helpdesk.errors import BadInputError
from helpdesk.records.files.csv_files import read_text
from helpdesk.records.files.faq_files import read_labelled

Labelled = list[tuple[str, str]]
OOS_NAME = "oos"  # what data sets call messages that belong to no intent
_PARTS = {"train": ("train", "oos_train", "oos_val"), "test": ("test", "oos_test")}


def read_set(path: Path, part: Literal["train", "test"]) -> Labelled:
    """The (text, intent) rows of one part; a CSV file is one part, CLINC150's JSON holds both.

    Raises BadInputError for a file of another form.
    """
    return read_clinc(path, *_PARTS[part]) if path.suffix.lower() == ".json" else read_labelled(path)


def read_clinc(path: Path, *names: str) -> Labelled:
    """The (text, intent) rows of the named lists of CLINC150's JSON, one list after the other."""
    try:
        data = json.loads(read_text(path))
        return [(str(text), str(intent)) for name in names for text, intent in data[name]]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise BadInputError(f"{path}: {error!r}; expected lists {', '.join(names)} of [text, intent]") from None


def first_of_each(rows: Sequence[tuple[str, str]], shots: int) -> Labelled:
    """The first `shots` rows of each intent, in file order."""
    seen: dict[str, int] = {}
    kept = []
    for text, intent in rows:
        seen[intent] = seen.get(intent, 0) + 1
        if seen[intent] <= shots:
            kept.append((text, intent))
    return kept
