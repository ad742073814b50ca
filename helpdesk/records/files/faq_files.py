"""One door for FAQ files of every kind: what a file is, is told by its content and its suffix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records.files.csv_files import BadRows, read_bytes, read_columns, read_rows, read_text
from helpdesk.records.files.decoding import decode
from helpdesk.records.files.faq_json import read_json
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.files.faq_tables import read_table
from helpdesk.records.files.grids import read_grid
from helpdesk.records.files.rasa_files import PARTS, read_rasa, read_yaml
from helpdesk.records.files.xlsx_files import is_xlsx, read_xlsx

YAML_SUFFIXES: Final = (".yml", ".yaml")
LINES_SUFFIXES: Final = (".jsonl", ".ndjson")
FAQ_SUFFIXES: Final = (".xlsx", ".json", *LINES_SUFFIXES, *YAML_SUFFIXES)  # of files that hold nothing but a FAQ
_MAX_FILES = 200  # of a folder
_SAVE_AS: Final = "save it as CSV UTF-8 or .xlsx"
_OTHERS: Final = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"PK\x03\x04": "a zip archive or a document, not an Excel workbook",
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture, not the text of a FAQ",
    b"\xff\xd8\xff": "a picture, not the text of a FAQ",
    b"GIF8": "a picture, not the text of a FAQ",
}


@dataclass(frozen=True)
class NamedFile:
    """A file as it was given: its name, which tells its kind where the content does not, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class ReadAs:
    """How a text file is to be read; what is empty is found out."""

    encoding: str = ""
    separator: str = ""


def read_faq(*paths: Path, read_as: ReadAs = ReadAs()) -> FaqFile:
    """Read a FAQ from a file, or from the files or the folder of a Rasa assistant. Raises BadInputError."""
    files = [NamedFile(str(found), read_bytes(found)) for path in paths for found in _files(path)]
    return read_faq_files(files, read_as=read_as)


def read_faq_files(files: Sequence[NamedFile], *, read_as: ReadAs = ReadAs()) -> FaqFile:
    """Read a FAQ from the bytes of one file, or of the several files of a Rasa assistant.

    Raises BadInputError, which names the file, for what cannot be read.
    """
    if not files:
        raise BadInputError("no file given; expected a CSV, .xlsx, JSON or Rasa file")
    if all(_suffix(file) in YAML_SUFFIXES for file in files):
        return _read_rasa(files, read_as)
    if len(files) > 1:
        names = ", ".join(Path(file.name).name for file in files)
        raise BadInputError(f"{len(files)} files given ({names:.200}); several make sense of Rasa's .yml files only")
    try:
        return _read_one(files[0], read_as)
    except BadInputError as error:
        raise BadInputError(f"{files[0].name}: {error}") from None


def read_labelled(path: Path) -> list[tuple[str, str]]:
    """The (text, intent) rows of a bare labelled CSV (`text,intent` or `text,category`), in file order."""
    text, bad, rows = read_text(path), BadRows(), []
    columns = read_columns(text)
    label = next((name for name in ("intent", "category") if name in columns), None)
    if label is None or "text" not in columns:
        raise BadInputError(f"columns {columns} found; expected text,intent or text,category")
    for line, cells in read_rows(text, bad):
        row = (cells["text"] or "", (cells[label] or "").strip())
        rows.append(row)
        if not all(row):
            bad.append((line, "empty text or intent"))
    if bad:
        raise BadRowsError(bad)
    return rows


def _read_one(file: NamedFile, read_as: ReadAs) -> FaqFile:
    if not file.data.strip():
        raise BadInputError("the file is empty")
    if is_xlsx(file.data):
        return read_table(read_xlsx(file.data))
    for start, kind in _OTHERS.items():
        if file.data.startswith(start):
            raise BadInputError(f"{kind}; {_SAVE_AS}")
    text, encoding = decode(file.data, read_as.encoding)
    if "\x00" in text:
        raise BadInputError(f"a program's file, no text; {_SAVE_AS}")
    if _suffix(file) in LINES_SUFFIXES:
        return replace(read_json(text, lines=True), encoding=encoding)
    if _suffix(file) == ".json" or (_suffix(file) != ".csv" and text.lstrip()[:1] in ("{", "[")):
        return replace(read_json(text), encoding=encoding)
    return read_table(read_grid(text, read_as.separator), encoding=encoding)


def _read_rasa(files: Sequence[NamedFile], read_as: ReadAs) -> FaqFile:
    """Files of a folder that are none of an assistant's training, such as `config.yml`, are passed over."""
    documents: list[dict[str, Any]] = []
    others: list[str] = []
    for file in files:
        try:
            document = read_yaml(decode(file.data, read_as.encoding)[0])
        except BadInputError as error:
            raise BadInputError(f"{file.name}: {error}") from None
        if set(PARTS) & set(document):
            documents.append(document)
        else:
            others.append(f"file {Path(file.name).name}")
    found = read_rasa(documents)
    return replace(found, ignored=(*found.ignored, *others))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in YAML_SUFFIXES and file.is_file())
    if not found or len(found) > _MAX_FILES:
        raise BadInputError(
            f"{path} is a folder with {len(found):,} .yml files; expected a file, or a folder of a Rasa assistant"
        )
    return found


def _suffix(file: NamedFile) -> str:
    return Path(file.name).suffix.lower()
