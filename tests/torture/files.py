"""Files of bundles and backups that are not what was written: flipped bits, cut, empty, or another bundle's."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from helpdesk.errors import BundleError, HelpdeskError
from helpdesk.learning.calibration.embedding_cache import CACHE_FOLDER
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.matcher import Matcher
from helpdesk.records.database import open_database
from helpdesk.upkeep.backup import write_backup
from helpdesk.upkeep.restore import check
from torture.stage import Stage


def damage_bundle(stage: Stage) -> None:
    """So many flips in each kind of file, and each kind cut, emptied, and taken from another version: refused, or the
    answers are those of before."""
    bundles = sorted(stage.world.settings.bundles.iterdir())  # in the order in which they were built
    folder = Path(shutil.copytree(bundles[1], stage.folder / "bundle", dirs_exist_ok=True))
    _in_a_process(stage, "bundle", folder, str(bundles[0]))
    shutil.rmtree(folder)


def damage_backup(stage: Stage) -> None:
    """Flips anywhere in a backup: refused, or its contents are to the byte what was saved."""
    saved = stage.folder / "saved"
    database = open_database(stage.world.settings)
    write_backup(stage.world.settings, database, saved, secret_key=True)
    database.close()
    _in_a_process(stage, "backup", saved, "")
    saved.unlink()


def kinds(folder: Path) -> dict[str, list[Path]]:
    """The files of a bundle by kind: each by its name, vectors that were remembered together."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        name = path.relative_to(folder).as_posix()
        found.setdefault(name.split("/")[0] if name.startswith(CACHE_FOLDER) else name, []).append(path)
    return found


def _in_a_process(stage: Stage, what: str, folder: Path, other: str) -> None:
    """Damage in another process, which says what it does before it does it: when it dies, native code had read what
    was damaged."""
    words = [what, str(folder), other, str(stage.seed), str(stage.times), json.dumps(list(stage.world.texts))]
    paths = stage.world.environment | {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-m", "torture.files", *words], capture_output=True, text=True, env=paths)
    lines = done.stdout.splitlines()
    if done.returncode:
        last = f"{lines[-1:]} {done.stderr[-300:]}"
        stage.outcome.problems.append(f"the process ended with {done.returncode} at {last}")
        return
    found = json.loads(lines[-1])
    stage.outcome.done = stage.times
    stage.outcome.figures |= found["figures"]
    stage.outcome.problems += found["problems"]


def _flips(files: list[Path], chance: random.Random, count: int) -> Iterator[str]:
    """One bit at a time, whole again afterwards."""
    for _ in range(count):
        path = chance.choice(files)
        place, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        print(f"{path.name}, byte {place}, bit {bit}", flush=True)
        _flip(path, place, bit)
        yield f"{path.name}, byte {place}, bit {bit}"
        _flip(path, place, bit)


def _flip(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def _replacements(files: list[Path], folder: Path, other: Path) -> Iterator[str]:
    """Half of a file, nothing of it, none at all, another version's, and another file altogether."""
    for path in files:
        whole = path.read_bytes()
        elsewhere = other / path.relative_to(folder)
        for name, content in (
            ("half", whole[: len(whole) // 2]),
            ("empty", b""),
            ("gone", None),
            ("another version's", elsewhere.read_bytes() if elsewhere.is_file() else b"no"),
            ("another file", (folder / "manifest.json").read_bytes()),
        ):
            print(f"{path.name}, {name}", flush=True)
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
            if content != whole:
                yield f"{path.name}, {name}"
        path.write_bytes(whole)


def _damages(folder: Path, other: Path, seed: str, times: int) -> Iterator[str]:
    for kind, paths in kinds(folder).items():
        yield from _flips(paths, random.Random(f"{seed} {kind}"), times)
        yield from _replacements(paths, folder, other)


def _check_bundle(folder: Path, damages: Iterator[str], texts: list[str]) -> dict[str, object]:
    """Both ways of opening: as a night does and as a worker does. Whoever opens it must answer as before."""
    before = [str(decision) for decision in Matcher(open_bundle(folder)).match_all(texts)]
    refused, harmless, problems = 0, 0, list[str]()
    for damage in damages:
        opened = False
        for whole in (True, False):
            try:
                bundle = open_bundle(folder, whole=whole)
            except BundleError:
                continue
            opened = True
            if [str(decision) for decision in Matcher(bundle).match_all(texts)] != before:
                problems.append(f"{damage}: another answer")
        refused, harmless = refused + (not opened), harmless + opened
    figures = {"kinds of files": len(kinds(folder)), "refused": refused, "opened, every answer as before": harmless}
    return {"figures": figures, "problems": problems}


def _check_backup(saved: Path, damages: Iterator[str]) -> dict[str, object]:
    before = check(saved)
    refused, harmless, problems = 0, 0, list[str]()
    for damage in damages:
        try:
            same = check(saved) == before
        except HelpdeskError:
            refused += 1
            continue
        harmless += 1
        if not same:
            problems.append(f"{damage}: other contents")
    return {"figures": {"refused": refused, "contents as before": harmless}, "problems": problems}


def main(what: str, name: str, other: str, seed: str, times: str, texts: str) -> None:
    """Try every damage; prints what came of it as JSON."""
    folder = Path(name)
    if what == "backup":
        found = _check_backup(folder, _flips([folder], random.Random(seed), int(times)))
    else:
        found = _check_bundle(folder, _damages(folder, Path(other), seed, int(times)), json.loads(texts))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
