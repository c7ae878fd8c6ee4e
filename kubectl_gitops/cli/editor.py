"""A person's editor on a text, which for open Secrets never touches a disk.

The file is in a directory of its own that only its owner may enter: for Secrets on a file system
that lives in memory, and an editor of the vi family is told to keep no copies elsewhere.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["Sheet", "sheet"]

_OURS = "#|"
"""How the lines begin that we put on top; they are taken off again."""
_NO_COPIES = ("-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile")
_IN_MEMORY = ("tmpfs", "ramfs")
_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(slots=True)
class Sheet:
    """A text on its way through an editor. `kept`: it stays when we are done with it."""

    path: Path
    private: bool
    kept: bool = False

    def edited(self, text: str, remarks: Iterable[str]) -> str:
        """The text as the person left it; remarks stand above it while they write."""
        above = "".join(f"{_OURS} {line}\n" for remark in remarks for line in remark.splitlines())
        self.path.write_bytes((above + text).encode("utf-8", "surrogateescape"))
        _run(self.path, private=self.private)
        return self.text()

    def text(self) -> str:
        """What the file says below our remarks; nothing where an editor removed it."""
        if not self.path.exists():
            return ""
        lines = self.path.read_bytes().decode("utf-8", "surrogateescape").splitlines(keepends=True)
        while lines and lines[0].startswith(_OURS):
            lines.pop(0)
        return "".join(lines)


@contextmanager
def sheet(*, private: bool, suffix: str) -> Iterator[Sheet]:
    """A file for one edit, gone with its directory afterwards unless it is to be kept."""
    place = _memory() if private else None
    directory = Path(tempfile.mkdtemp(prefix="kubectl-gitops-edit-", dir=place))
    path = directory / f"edit{suffix}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    it = Sheet(path, private)
    try:
        yield it
    finally:
        if not it.kept:
            shutil.rmtree(directory)


def _memory() -> str:
    """A directory that lives in memory alone."""
    for place in filter(None, (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm")):  # noqa: S108
        if os.access(place, os.W_OK | os.X_OK) and _file_system(place) in _IN_MEMORY:
            return place
    raise GitopsError(
        "there is no memory-backed file system here to open a Secret on",
        "export XDG_RUNTIME_DIR=DIR   # a directory of yours on a tmpfs",
    )


def _file_system(place: str) -> str:
    """The type of the file system that a directory is on, empty where that cannot be known."""
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    real = os.path.realpath(place)
    found = ("", "")
    for line in lines:
        mounted, _, about = line.partition(" - ")
        point = mounted.split()[4]
        inside = point == "/" or f"{real}/".startswith(f"{point}/")
        if inside and len(point) >= len(found[0]):
            found = (point, about.split()[0])
    return found[1]


def _run(path: Path, *, private: bool) -> None:
    """Wait for the editor. An interrupt at the keyboard is the editor's, not ours."""
    command = _command()
    flags = _NO_COPIES if private and _is_vim(command[0]) else ()
    name = printable(command[0])
    former = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*command, *flags, str(path)], check=False).returncode
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise GitopsError(f"cannot run the editor {name}: {reason}", _CHOOSE) from error
    finally:
        signal.signal(signal.SIGINT, former)
    if code:
        raise GitopsError(f"the editor {name} ended with {code}", _CHOOSE)


_CHOOSE = "export KUBE_EDITOR=nano"


def _command() -> list[str]:
    """The editor with its arguments, chosen as kubectl chooses it."""
    default = "notepad" if os.name == "nt" else "vi"
    chosen = os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or default
    try:
        return shlex.split(chosen, posix=os.name != "nt") or [default]
    except ValueError as error:
        raise GitopsError(f"the editor's name is amiss: {str(error).lower()}", _CHOOSE) from error


def _is_vim(name: str) -> bool:
    """Whether a program is vim by its name or behind a link: `vi` often is."""
    real = Path(os.path.realpath(shutil.which(name) or name)).name
    return any(
        word in ("vim", "nvim") or word.startswith("vim.") for word in (Path(name).name, real)
    )
