"""Write `locks/`: every package that is installed, by version and by the hashes of its published files.

Each file has what the ones before it lack. torch stands apart: in `torch-cpu.txt` as it is where pip finds builds for
the CPU, in `torch.txt` as the usual index has it, with what it needs there. Versions stay as they are where
`pyproject.toml` allows it; `--upgrade` takes the newest ones. Needs `uv`; no file names an index.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
LAYERS = {
    "build": ["--group", "build"],
    "serve": ["pyproject.toml", *(f"--extra={name}" for name in ("hosts", "postgresql", "redis", "valkey"))],
    "train": ["pyproject.toml", "--extra", "train"],
    "test": ["pyproject.toml", "--extra", "test", "--extra", "mutants"],
}
_PINNED = re.compile(r"^[A-Za-z0-9._-]+==[^\\]*(?:\\\n[^\\\n]*)*\n", re.MULTILINE)


def main() -> None:
    """Lock every layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    LOCKS.mkdir(exist_ok=True)
    known = "".join(path.read_text() for path in sorted(LOCKS.glob("*.txt")) if path.name != "torch.txt")
    written: dict[str, str] = {}
    for layer, of_layer in LAYERS.items():
        blocks = compiled([*of_layer, *upgrade, *links()], known=known)
        if "torch" in blocks and "torch-cpu" not in written:
            written["torch-cpu"] = blocks["torch"]
        earlier = "".join(written.values())
        written[layer] = "".join(text for name, text in blocks.items() if name != "torch" and text not in earlier)
    version = written["torch-cpu"].partition("==")[2].split()[0].partition("+")[0]
    (LOCKS / "torch.in").write_text(f"torch=={version}\n")
    usual = compiled(
        [str(LOCKS / "torch.in")], known="".join(written.values()).replace(f"=={version}+cpu", f"=={version}")
    )
    (LOCKS / "torch.in").unlink()
    others = "".join(text for name, text in written.items() if name != "torch-cpu")
    written["torch"] = "".join(text for text in usual.values() if text not in others)
    for name, text in written.items():
        (LOCKS / f"{name}.txt").write_text(text)


def links() -> list[str]:
    """Where pip looks for files beside its index on this machine, which may have builds of torch for the CPU."""
    found = os.environ.get("PIP_FIND_LINKS", "").split()
    return [word for place in found for word in ("--find-links", place)]


def compiled(arguments: list[str], *, known: str) -> dict[str, str]:
    """Package -> its lines; `known`: lines whose versions are taken where nothing speaks against them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "locked.txt"
        out.write_text(known)
        command = ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
        command += [
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--python-version",
            "3.11",
            "--output-file",
            str(out),
        ]
        if subprocess.run([*command, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
            sys.exit("nothing was locked")
        return {block.partition("==")[0]: block for block in _PINNED.findall(out.read_text())}


if __name__ == "__main__":
    main()
