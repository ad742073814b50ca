"""How well messages in other languages are told from English ones: false alarms, recognition, time.

    python benchmarks/foreign.py [--folder DATA]

English alone counts as known. False alarms are counted on the starter FAQ's phrasings and, with --folder, on the first
3,000 rows of `banking77/train.csv` and the `val` part of `clinc150/data_full.json`; recognition on
`training_data/odd_messages_other.csv`.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from odd import read

from helpdesk.matching.languages import languages
from helpdesk.matching.reading import matter
from helpdesk.settings import resource
from helpdesk.text import normalise

KNOWN: Final = ("en",)


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a folder with banking77 and clinc150")
    folder = parser.parse_args().folder
    print("| English texts | texts | called foreign |\n|---|---|---|")
    english = {"starter FAQ": _column(resource("training_data") / "faq.csv", "phrasing")}
    if folder is not None:
        english["BANKING77, first 3,000"] = _column(folder / "banking77" / "train.csv", "text")[:3000]
        clinc = json.loads((folder / "clinc150" / "data_full.json").read_text())
        english["CLINC150, val"] = [text for part in ("val", "oos_val") for text, _ in clinc[part]]
    for name, texts in english.items():
        print(f"| {name} | {len(texts)} | {sum(told is not None for told in _told(texts))} |")
    print("\n| language | messages | recognised | told as another |\n|---|---|---|---|")
    rows = read("odd_messages_other.csv")
    for language in dict.fromkeys(row.language for row in rows):
        told = _told(row.text for row in rows if row.language == language)
        others = sum(code not in (None, language) for code in told)
        print(f"| {language} | {len(told)} | {100 * told.count(language) / len(told):.0f}% | {others} |")
    texts = [normalise(text) for text in english["starter FAQ"]]
    started = time.process_time()
    for text in texts:
        languages().tell(text, known=KNOWN)
    print(f"\n{1000 * (time.process_time() - started) / len(texts):.3f} ms of processor time a text")


def _told(texts: Iterable[str]) -> list[str | None]:
    return [languages().tell(normalise(matter(text)) or normalise(text), known=KNOWN) for text in texts]


def _column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


if __name__ == "__main__":
    main()
