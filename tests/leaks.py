"""Looking for values in everything that was written, by rules of its own.

Nothing of the program's own tripwire is used here. A value is looked for as it is, line by line, as
JSON, in URLs, in hex and in base64 at each of three offsets. Files that the program removes again
are copied before (`spied`), and so are the arguments of the processes it starts.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.git import git

__all__ = ["Needles", "all_hits", "inflated", "spied", "written"]

_WINDOW = 8
SHORTEST = 16
"""Bytes of the shortest value that is looked for."""
_STRIDE = SHORTEST - _WINDOW + 1
"""Whatever is `SHORTEST` long has a window that begins at a multiple of this."""


@dataclass(slots=True)
class Needles:
    """Values in all their spellings; `whose` says where a window of one came from."""

    whose: dict[bytes, set[bytes]] = field(default_factory=dict)

    def add(self, value: bytes) -> None:
        """Look for this value, too."""
        for form in spellings(value):
            for start in range(len(form) - _WINDOW + 1):
                self.whose.setdefault(form[start : start + _WINDOW], set()).add(form)

    def found(self, text: bytes) -> set[bytes]:
        """The spellings that stand in a text."""
        windows = {text[n : n + _WINDOW] for n in range(0, len(text), _STRIDE)}
        maybe = set[bytes]().union(*(self.whose[one] for one in windows & self.whose.keys()))
        return {form for form in maybe if form in text}


def spellings(value: bytes) -> set[bytes]:
    """Every way to write a value that is searched, none of them shorter than `SHORTEST`."""
    forms = {value, value.hex().encode(), value.hex().upper().encode()}
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + value)
        inner = whole[(0, 2, 3)[offset] : (offset + len(value)) * 8 // 6]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if text:
        forms |= {quote(text, safe="").encode(), quote(text).encode(), quote_plus(text).encode()}
        forms |= {json.dumps(text, ensure_ascii=flag)[1:-1].encode() for flag in (True, False)}
        forms |= {line.strip().encode() for line in text.splitlines()}
    return {form for form in forms if len(form) >= SHORTEST}


def inflated(repository: Path) -> Iterator[tuple[str, bytes]]:
    """Every object of a repository as Git reads it, and every reference."""
    command = ["git", "-C", str(repository), "cat-file", "--batch", "--batch-all-objects"]
    stream = subprocess.run([*command, "--unordered"], check=True, capture_output=True).stdout
    start = 0
    while start < len(stream):
        head, _, _ = stream[start : start + 200].partition(b"\n")
        size = int(head.split()[2])
        begin = start + len(head) + 1
        yield f"{repository} {head.decode()}", stream[begin : begin + size]
        start = begin + size + 1
    yield f"{repository} refs", git(repository, "for-each-ref").encode()


def written(*places: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below some places, by its path; the path is searched, too."""
    for place in places:
        for path in sorted(place.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), str(path).encode("utf-8", "surrogateescape") + path.read_bytes()


def spied(folder: Path) -> dict[str, str]:
    """The environment in which Python copies what is removed and notes what is started.

    What lives in memory alone may hold values: that is where an editor gets them.
    """
    folder.mkdir()
    (folder / "kept").mkdir()
    (folder / "sitecustomize.py").write_text(_SPY)
    return {"PYTHONPATH": str(folder), "SPY": str(folder / "kept")}


_SPY = """
import os, shutil, sys
kept, count = os.environ["SPY"], 0

def keep(copy, path):
    global count
    path = os.path.abspath(os.fsdecode(path))
    if path.startswith(("/dev/shm/", kept)):
        return
    count += 1
    try:
        copy(path, os.path.join(kept, f"{os.getpid()}-{count}-{os.path.basename(path)}"))
    except OSError:
        pass

def hook(event, args):
    if event == "os.remove" and args[1] == -1:
        keep(shutil.copyfile, args[0])
    elif event == "shutil.rmtree":
        keep(shutil.copytree, args[0])
    elif event == "subprocess.Popen":
        with open(os.path.join(kept, "started"), "a") as file:
            print(args[0], args[1], file=file)

sys.addaudithook(hook)
"""


def all_hits(needles: Needles, texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where something was found; the finding itself stays out of a test's output."""
    return [
        f"{where}: {len(hits)} values" for where, text in texts if (hits := needles.found(text))
    ]
