"""The labelled sets of the comparison, by name: BANKING77 full, 10- and 5-shot, CLINC150 full and 10-shot.

CLINC150 comes without a few-shot split. The first ten rows of each intent in file order are alike, as neighbours there
often are, and teach less than ten drawn from all hundred; both are measured.
"""

import random
from pathlib import Path
from typing import Final

from accuracy import Rows, read_clinc

from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.files.labelled_sets import first_of_each

DRAWN: Final = "-drawn"
TITLES: Final = {
    "banking77": "BANKING77 full",
    "banking77-10": "BANKING77 10-shot",
    "banking77-5": "BANKING77 5-shot",
    "clinc150": "CLINC150 full",
    "clinc150-10": "CLINC150 10-shot",
    "clinc150-10-drawn": "CLINC150 10-shot, drawn",
}


def load(name: str, folder: Path) -> tuple[Rows, Rows]:
    """Training and test rows (text, intent); CLINC150's few-shot rows are the first of each intent in file order, or of
    an order that is drawn once and for all."""
    corpus, _, shots = name.removesuffix(DRAWN).partition("-")
    if corpus == "clinc150":
        train, test = read_clinc(folder / corpus / "data_full.json")
        if name.endswith(DRAWN):
            train = random.Random(0).sample(train, len(train))
        return (first_of_each(train, int(shots)) if shots else train), test
    train_file = f"train_{shots}.csv" if shots else "train.csv"
    return read_labelled(folder / corpus / train_file), read_labelled(folder / corpus / "test.csv")


def is_few_shot(name: str) -> bool:
    """Whether the set has a handful of rows an intent."""
    return "-" in name
