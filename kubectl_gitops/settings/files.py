"""Files of the person's own: written whole or not at all, and for nobody else to read."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["failure", "locked", "replace"]


def replace(path: Path, content: str) -> None:
    """Put `content` in place of the file's, with mode 0600; a link is followed, not replaced.

    The old content stays until the new one is on the disk.
    """
    real = path.resolve()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock; a second process waits. The kernel frees it when a process dies.

    The lock is a file of its own, since `replace` puts another file in the place of this one. The
    directory is made where it is missing.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            _lock(lock.fileno())
            yield
    except OSError as error:
        denied = failure(path, "write", error)
        hint = "export XDG_CONFIG_HOME=DIR   # where you may write"
        raise GitopsError(denied.message, hint) from error


def failure(path: Path, verb: str, error: OSError) -> GitopsError:
    """`cannot read /home/alice/.key: permission denied`."""
    reason = (error.strerror or type(error).__name__).lower()
    return GitopsError(f"cannot {verb} {printable(str(path))}: {printable(reason)}")


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
