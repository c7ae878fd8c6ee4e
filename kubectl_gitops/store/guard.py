"""One process at a time in a mirror: a lock that the kernel frees when its holder dies."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["guarded"]

_PATIENCE = 120.0
_TELL_AFTER = 1.0
_PAUSE = 0.05


@contextmanager
def guarded(mirror: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a mirror; a second process waits and says for whom.

    Git's own lock files that are found while holding it belong to nobody: whoever made them is
    dead. They go, or every later write would fail for ever.
    """
    with mirror.with_suffix(".lock").open("a+") as lock:
        _wait(lock, warn)
        lock.seek(0)
        lock.truncate()
        lock.write(_holder())
        lock.flush()
        _remove_stale_locks(mirror)
        yield


def _holder() -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {now}\n"


def _wait(lock: IO[str], warn: Callable[[str], None]) -> None:
    start = time.monotonic()
    told = False
    while not _try_lock(lock.fileno()):
        waited = time.monotonic() - start
        if waited > _PATIENCE:
            raise GitopsError(f"the local mirror is in use by {_named(lock)}", "ps -ef")
        if waited > _TELL_AFTER and not told:
            warn(f"waiting for the local mirror, in use by {_named(lock)}")
            told = True
        time.sleep(_PAUSE)


def _named(lock: IO[str]) -> str:
    lock.seek(0)
    return printable(lock.readline(200).strip()) or "another process"


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_stale_locks(mirror: Path) -> None:
    for pattern in ("*.lock", "refs/**/*.lock", "objects/??/*.lock", "objects/pack/*.lock"):
        for stale in mirror.glob(pattern):
            stale.unlink(missing_ok=True)
