"""A branch of ten thousand commits and ten thousand resources, as years of work leave it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.scene import config_map

__all__ = ["COMMITS", "REVISED", "TARGET"]

TARGET = "large"
COMMITS = 10_000
NAMESPACES = (TARGET, *(f"team-{number}" for number in range(1, 10)))
REVISIONS = 20
REVISED = f"{NAMESPACES[0]}/configmap/bench-00000.yaml"
"""The file of the resource that has so many revisions; all others have one."""


def main(repository: str) -> None:
    """Put the commits on top of `main` of a bare repository, each with one resource more."""
    command = ["git", "-C", repository, "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for number in range(COMMITS):
            importer.stdin.write(b"".join(_commit(number)))
    assert importer.returncode == 0, "git fast-import failed"


def _commit(number: int) -> Iterator[bytes]:
    yield b"commit refs/heads/main\n"
    yield b"committer Ada Lovelace <ada@example.com> %d +0000\n" % (1_700_000_000 + number)
    yield _data(f"resource {number}\n")
    yield b"from refs/heads/main^0\n" if number == 0 else b""
    namespace = NAMESPACES[number % len(NAMESPACES)]
    yield from _file(f"{namespace}/configmap/bench-{number:05d}.yaml", number, namespace)
    if number and number % (COMMITS // REVISIONS) == 0:
        yield from _file(REVISED, 0, NAMESPACES[0], f"revision {number}")


def _file(path: str, number: int, namespace: str, word: str = "first") -> Iterator[bytes]:
    yield f"M 100644 inline {path}\n".encode()
    yield _data(config_map(number, word, namespace))


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


if __name__ == "__main__":
    main(sys.argv[1])
