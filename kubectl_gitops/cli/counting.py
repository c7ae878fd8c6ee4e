"""How far long work without a cluster has come, on the last line of a terminal."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from kubectl_gitops.cli import talk

__all__ = ["counting", "indexing"]

_AT_ONCE = 1.0
"""Seconds: what is done by then needs no word."""


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Says `what: 1,200 of 10,000` on a terminal, while nothing else is shown there."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.text import Text

    looking = Console(stderr=True).status(f"{what} …")
    with looking as status, talk.showing(status.stop, status.start):
        yield lambda done, of: status.update(Text(f"{what}: {done:,} of {of:,}"))


def indexing() -> Callable[[int, int], None]:
    """Says how far the branch is indexed, on a terminal, where that takes more than a second."""
    begun = 0.0
    shown: list[tuple[AbstractContextManager[object], Callable[[int, int], None]]] = []

    def told(done: int, of: int) -> None:
        nonlocal begun
        begun = time.monotonic() if done == 0 else begun
        if not shown and time.monotonic() - begun > _AT_ONCE and not talk.is_showing():
            context = counting("indexing commits")
            shown.append((context, context.__enter__()))
            atexit.register(_ended, shown)
        for _, say in shown:
            say(done, of)
        if done == of - 1:
            _ended(shown)

    return told


def _ended(shown: list[tuple[AbstractContextManager[object], Callable[[int, int], None]]]) -> None:
    for context, _ in shown:
        context.__exit__(None, None, None)
    shown.clear()
