"""What is going on, on the last line of a terminal: only there, and only while it takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kubectl_gitops.cli import talk
from kubectl_gitops.errors import printable
from kubectl_gitops.plan import Outcome
from kubectl_gitops.reconcile import Execution, Removal
from kubectl_gitops.resource import ResourceId

__all__ = ["progress"]

_SHOWN = 3


@contextmanager
def progress(
    *, removal: Removal | None = None, wait: bool = True, gone: float = 60.0
) -> Iterator[Execution]:
    """An `Execution` that says what was done last and what is waited for, if anybody looks."""
    options = {"removal": removal or Removal(), "wait": wait, "gone": gone}
    if not sys.stderr.isatty():
        yield Execution(**options)  # type: ignore[arg-type]
        return
    from rich.console import Console
    from rich.text import Text

    looking = Console(stderr=True).status("looking at the cluster …")
    with looking as status, talk.showing(status.stop, status.start):
        done = 0

        def told(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            status.update(Text(f"{done} done, last {outcome.id} {outcome.result}"))

        def waiting(left: Mapping[ResourceId, str]) -> None:
            first = [f"{id} ({why})" for id, why in list(left.items())[:_SHOWN]]
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            status.update(Text(printable(f"waiting for {', '.join(first)}{more}")))

        yield Execution(done=told, waiting=waiting, **options)  # type: ignore[arg-type]
