"""Feeds every parser of ours what nobody would write: each ends in a value or in its named error, within a second.

    python benchmarks/fuzz_parsers.py                          # ten minutes a parser
    python benchmarks/fuzz_parsers.py --minutes 1 --parser webhook
    python benchmarks/fuzz_parsers.py --list

Guided by the code that an input reaches where atheris is installed (`helpdesk[fuzz]`), else inputs are random. Prints
one line a parser, and what failed as Python writes bytes; exit code 1 when something failed. The seed is printed too.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ValidationError

from helpdesk.channels.signatures import CHATWOOT, STANDARD_WEBHOOKS, is_secret, is_signed
from helpdesk.errors import BadInputError, BundleError
from helpdesk.matching.bundle import MANIFEST, read_manifest
from helpdesk.records.files.example_files import LABELLED, read_examples, recognise
from helpdesk.records.files.faq_files import NamedFile, read_faq_files
from helpdesk.records.files.labelled_sets import read_set
from helpdesk.records.files.xlsx_files import write_xlsx
from helpdesk.redaction import make_redactor
from helpdesk.serving.markup import html, plain
from helpdesk.settings import load_settings
from helpdesk.settings.office_hours import read_office_hours
from helpdesk.text import normalise, slugify, text_key
from helpdesk.upkeep.archive import BACKUP_FORMAT, Contents, opened, writing
from helpdesk.web.api.contract import ApiFeedback, ApiMessage, ApiTexts
from helpdesk.web.api.json_body import parse
from helpdesk.web.api.rasa_contract import RasaMessage

SLOW_SECONDS = 1.0  # of processor time, for an input of LONGEST bytes
LONGEST = 16384  # bytes
_GRACE = 300.0  # seconds, to begin and to end
PARTS = b"[]{}\":,\\\n\r\t \x00\xff\xef\xbb\xbf<>()*_-!#&;.@=%+0123456789eE|'/aZ"
_REDACT = make_redactor(on=True, regions=("DE", "US"), patterns=None)


@dataclass(frozen=True)
class Parser:
    """What reads bytes, what it may raise, and texts that it reads well, from which others are made."""

    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    refuses: tuple[type[Exception], ...] = (BadInputError,)


@dataclass
class Found:
    """What came of one parser: how many inputs, how many were refused, and those that failed."""

    inputs: int = 0
    refused: int = 0
    slowest: float = 0.0  # seconds of processor time
    slowest_input: bytes = b""
    failed: dict[str, bytes] = field(default_factory=dict)  # what went wrong -> the first input with which it did


def main() -> int:
    """Fuzz each parser that is asked for, one process at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each parser")
    parser.add_argument("--parser", choices=[*PARSERS], action="append", help="this one alone; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="the names of the parsers")
    asked = parser.parse_args()
    if asked.list:
        print(*PARSERS, sep="\n")
        return 0
    failed = 0
    for name in asked.parser or PARSERS:
        found = fuzz_parser(name, minutes=asked.minutes, seed=asked.seed)
        failed += bool(found.failed)
        print(
            f"{name:12} {found.inputs:9,} inputs, {found.refused:9,} refused, slowest {found.slowest:.3f} s, "
            f"{len(found.failed)} failed (seed {asked.seed})",
            flush=True,
        )
        for why, data in found.failed.items():
            print(f"    {why}: {data!r:.400}", flush=True)
    return 1 if failed else 0


def fuzz_parser(name: str, *, minutes: float, seed: int) -> Found:
    """Try inputs for a while; one that takes too long has failed."""
    found = _fuzz(name, minutes, seed)
    if found.slowest > SLOW_SECONDS:
        found.failed["too slow"] = found.slowest_input
    return found


def _fuzz(name: str, minutes: float, seed: int) -> Found:
    """Guided in a process of its own, since every function of ours is traced there."""
    if find_spec("atheris") is None:
        found, chance, end = Found(), random.Random(seed), time.monotonic() + minutes * 60
        while time.monotonic() < end:
            attempt(PARSERS[name], changed(chance, PARSERS[name].seeds), found)
        return found
    code = "import atheris\nwith atheris.instrument_imports(include=['helpdesk']):\n    import fuzz_parsers\n"
    command = [sys.executable, "-c", f"{code}fuzz_parsers.be_guided({name!r}, {minutes}, {seed})"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # with the folder of this file
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=minutes * 60 + _GRACE)
    except subprocess.TimeoutExpired:
        return Found(failed={"the process did not end": b""})
    if done.returncode:
        return Found(failed={f"the process ended with {done.returncode}: {done.stderr[-300:]!r}": b""})
    told = json.loads(done.stdout)
    failed = {why: bytes.fromhex(data) for why, data in told["failed"].items()}
    return Found(**told | {"failed": failed, "slowest_input": bytes.fromhex(told["slowest_input"])})


def be_guided(name: str, minutes: float, seed: int) -> None:
    """Let atheris choose the inputs for a while, print what was found as JSON, and end the process."""
    import atheris

    found, end, out = Found(), time.monotonic() + minutes * 60, os.dup(1)

    def once(data: bytes) -> None:
        attempt(PARSERS[name], data, found)
        if time.monotonic() >= end:
            failed = {why: bad.hex() for why, bad in found.failed.items()}
            told = vars(found) | {"failed": failed, "slowest_input": found.slowest_input.hex()}
            os.write(out, json.dumps(told).encode())
            os._exit(0)

    with TemporaryDirectory() as corpus:
        for number, text in enumerate(PARSERS[name].seeds):
            (Path(corpus) / str(number)).write_bytes(text)
        atheris.Setup([sys.argv[0], f"-seed={seed}", f"-max_len={LONGEST}", "-timeout=60", corpus], once)
        atheris.Fuzz()


def attempt(parser: Parser, data: bytes, found: Found) -> None:
    """One input: what goes wrong is noted, with the input."""
    found.inputs += 1
    began = time.process_time()
    try:
        parser.read(data)
    except parser.refuses:
        found.refused += 1
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        found.failed.setdefault(f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}", data)
    took = time.process_time() - began
    if took > found.slowest:
        found.slowest, found.slowest_input = took, data


def changed(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """An input made of a good one: pieces cut out, doubled, repeated, moved, and replaced by what means something."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(0, 8)):
        at, to = sorted(chance.randint(0, len(data)) for _ in range(2))
        match chance.randint(0, 5):
            case 0:
                del data[at:to]
            case 1:
                data[at:at] = data[at:to]
            case 2:
                data[at:at] = bytes([chance.choice(PARTS)]) * chance.choice((1, 2, 50, 2000))
            case 3:
                data[at:to] = chance.randbytes(min(to - at, 8))
            case 4:
                data[at:at] = chance.choice(seeds)
            case 5:
                data[at:at] = chr(chance.choice((0x202E, 0x1F600, 0x0130, 0xFB03, 0x3000, 0xE000))).encode()
    return bytes(data[:LONGEST])


def _body(model: type[BaseModel]) -> Callable[[bytes], object]:
    return lambda data: model.model_validate(parse(data))


def _faq(form: str) -> Callable[[bytes], object]:
    return lambda data: read_faq_files([NamedFile(f"faq.{form}", data)])


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def through_a_file(data: bytes) -> object:
        with TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(data)
            return read(Path(folder))

    return through_a_file


def _examples(folder: Path) -> object:
    kind = recognise(folder / "rows.csv")
    return None if kind == LABELLED else read_examples(folder / "rows.csv", kind)


def _signed(data: bytes) -> object:
    given, _, body = data.partition(b"\n")
    headers = dict.fromkeys(
        ("X-Chatwoot-Signature", "X-Chatwoot-Timestamp", "webhook-signature", "webhook-timestamp", "webhook-id"),
        given.decode("latin-1"),
    )
    secret = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    assert not is_signed(CHATWOOT, ["secret"], headers, body, now=0.0)
    assert not is_signed(STANDARD_WEBHOOKS, [secret], headers, body, now=0.0)
    return is_secret(given.decode("latin-1"), ["secret"])


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def _normalise(data: bytes) -> object:
    once = normalise(_text(data))
    assert normalise(once) == once
    assert all(unicodedata.category(c)[0] != "C" for c in once)
    assert slugify(slugify(once)) == slugify(once)
    return text_key(once)


def _redact(data: bytes) -> object:
    once = _REDACT(_text(data))
    assert _REDACT(once) == once
    return once


def _markup(data: bytes) -> object:
    made = html(_text(data))
    assert "<script" not in made.lower()
    return made, plain(_text(data))


def _settings(data: bytes) -> object:
    name, _, value = data.decode("utf-8", "replace").partition("=")
    return load_settings(**{name: value}) if name.isidentifier() and name not in ("home", "self") else None


def _hours(data: bytes) -> object:
    return read_office_hours(_text(data), "Europe/Berlin").opens_after(datetime(2026, 3, 29, 1, tzinfo=UTC))


def _workbook() -> bytes:
    rows = [("slug", "question", "answer", "phrasings"), ("vpn", "How?", "So.", "a|b")]
    return write_xlsx(rows[0], rows[1:])


def _backup() -> bytes:
    with TemporaryDirectory() as folder:
        rows, file = Path(folder) / "rows", Path(folder) / "b.zip"
        rows.write_bytes(b"rows " * 9)
        with writing(file) as writer:
            kept = str(writer.add(rows))
            about = {"created": "2026-11-29", "revision": "0001", "dialect": "sqlite", "database": kept}
            parts = {"bundles": {"b": {"a.json": kept}}, "files": {}, "rows": {}}
            writer.finish(Contents.model_validate({"format": BACKUP_FORMAT, **about, **parts}))
        return file.read_bytes()


def _packed_otherwise() -> list[bytes]:
    """The same, which says that it was packed by bz2 or lzma."""
    return [_backup().replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0" + method) for method in (b"\x0c\0", b"\x0e\0")]


def _open(file: Path) -> object:
    with opened(file) as backup:
        return backup


_FAQ_JSON = b'{"faqs": [{"slug": "vpn", "question": "How?", "answer": "So.", "phrasings": ["a", "b"]}]}'
_RASA = b"nlu:\n- intent: vpn\n  examples: |\n    - vpn down\n    - no vpn\nresponses:\n  utter_vpn:\n  - text: So.\n"
_MESSAGE = b'{"sender": "u", "message": "hello [[[", "metadata": {"a": [1, 2.5, null, true]}}'
PARSERS = {
    "webhook": Parser(_body(RasaMessage), [_MESSAGE, b"[" * 400], (BadInputError, ValidationError)),
    "messages": Parser(_body(ApiMessage), [b'{"session_id": "s", "text": "hi"}'], (BadInputError, ValidationError)),
    "batch": Parser(_body(ApiTexts), [b'{"texts": ["a", "b"]}'], (BadInputError, ValidationError)),
    "feedback": Parser(_body(ApiFeedback), [b'{"session_id": "s", "helpful": true}'], (BadInputError, ValidationError)),
    "faq_csv": Parser(_faq("csv"), [b"slug,question,answer,phrasings\nvpn,How?,So.,a|b\n", b'text;intent\n"a";b\n']),
    "faq_json": Parser(_faq("json"), [_FAQ_JSON, b'[{"question": "q", "question": "p", "answer": "a"}]', b"[" * 3000]),
    "faq_lines": Parser(_faq("jsonl"), [b'{"question": "q", "answer": "a"}\n{"question": "p", "answer": "b"}\n']),
    "faq_yaml": Parser(_faq("yml"), [_RASA, b"a: &x [*x]\n", b"- [" * 500]),
    "faq_xlsx": Parser(_faq("xlsx"), [_workbook()]),
    "examples": Parser(
        _file("rows.csv", _examples),
        [b"text_a,text_b,score\na,b,0.5\n", b"anchor,positive,negative\na,b,c\n", b"text;\nx\n"],
    ),
    "labelled": Parser(
        _file("set.json", lambda folder: read_set(folder / "set.json", "train")),
        [b'{"train": [["a", "b"]], "oos_train": []}', b"[" * 3000],
    ),
    "manifest": Parser(_file(MANIFEST, read_manifest), [b'{"format": 1, "files": {}}', b"[" * 3000], (BundleError,)),
    "backup": Parser(_file("b.zip", lambda folder: _open(folder / "b.zip")), [_backup(), *_packed_otherwise()]),
    "signature": Parser(_signed, [b"v1,AAAA v1,BBBB\n{}", b"sha256=00\n{}", b"0\n"]),
    "settings": Parser(
        _settings,
        [b"retention_days=30", b"night_budget=90m", b"allowed_origins=https://*.a.example,https://b.example:80",
         b"limit_session=10/second;200/hour", b"redact_regions=DE,US", b"trusted_proxies=1"],
    ),
    "office_hours": Parser(_hours, [b"Mon-Fri 09:00-17:00, Sat 10:00-24:00", b"Sun 00:00-00:01"], (ValueError,)),
    "markup": Parser(_markup, [b"# a\n- [x](https://e.example) **b** `c`\n1. d\n", b"<b>" * 300, b"[" * 1000]),
    "redaction": Parser(_redact, [b"mail ann@example.com, +49 30 123456, 4111 1111 1111 1111, my password is x"]),
    "normalise": Parser(_normalise, ["Straße ﬁ \u200b İ ﾊﾟ …!".encode(), b"\xed\xa0\x80\x00"]),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
