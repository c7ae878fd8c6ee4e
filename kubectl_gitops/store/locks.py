"""Git's lock files: waited for while another process holds one, never removed.

Left behind by a killed process they block for ever, so the error names the file and leaves the
decision to the person; only in a mirror, which is ours, are they removed (`guard`).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

from dulwich.file import FileLocked

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["patiently"]

_PATIENCE = 10.0
"""Seconds to wait: a `git gc` or another writer holds a lock for milliseconds."""

Result = TypeVar("Result")


def patiently(action: Callable[[], Result]) -> Result:
    """Do what takes one of Git's locks, again and again while another process has it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return action()
        except FileLocked as error:
            if time.monotonic() > deadline:
                lock = printable(os.fsdecode(error.lockfilename))
                raise GitopsError(
                    f"the repository is locked by {lock}", f"rm {lock}  # if no git is running"
                ) from error
        time.sleep(random.uniform(0.002, 0.05))  # noqa: S311 — jitter between writers
