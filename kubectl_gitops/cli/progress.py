"""What is going on, on the last lines of a terminal: only there, and only while it takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kubectl_gitops.cli import talk
from kubectl_gitops.plan import Outcome
from kubectl_gitops.reconcile import Execution, Removal
from kubectl_gitops.resource import ResourceId

__all__ = ["progress"]


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

    from kubectl_gitops.render import waiting_table

    looking = Console(stderr=True).status("looking at the cluster …")
    with looking as status, talk.showing(status.stop, status.start):
        done = most = 0
        began = time.monotonic()

        def told(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            status.update(Text(f"{done} done, last {outcome.id} {outcome.result}"))

        def waiting(left: Mapping[ResourceId, str]) -> None:
            nonlocal most
            most = max(most, len(left))
            status.update(Text(waiting_table(left, most, time.monotonic() - began)))

        yield Execution(done=told, waiting=waiting, **options)  # type: ignore[arg-type]
