"""Git as its own program: the oracle for what our store writes, never our own code or dulwich."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["fsck", "git", "init_bare"]


def git(repository: Path, *arguments: str, input: str = "") -> str:
    """Run `git -C repository …`; its stdout without the last line feed."""
    command = ["git", "-C", str(repository), *arguments]
    answer = subprocess.run(command, input=input, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, f"{' '.join(command)}: {answer.stderr}"
    return answer.stdout.removesuffix("\n")


def init_bare(path: Path) -> Path:
    """An empty bare repository whose HEAD is `main`."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    return path


def fsck(repository: Path) -> None:
    """Every object and connection is sound, to Git's strictest reading."""
    git(repository, "fsck", "--strict", "--full", "--no-dangling", "--no-progress")
