"""What dry-runs have said before: the digests of states that were found unchanged.

A cache, so a `pull` that changes nothing needs LISTs only. Losing it, or not being able to write
it, costs dry-runs and nothing else. It holds digests alone, and none of a Secret's.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from kubectl_gitops.settings import files

__all__ = ["Verdicts"]

_DAY = 24 * 3600.0
"""After this a dry-run is asked again: a webhook or a CRD's defaults may have changed."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The digests of one set, in a file; without a path in memory only. Used by many threads."""

    path: Path | None = None
    _known: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Verdicts:
        """Those of a file that is no older than a day, else none."""
        known: set[str] = set()
        with contextlib.suppress(OSError, ValueError):
            if 0 <= time.time() - path.stat().st_mtime < _DAY:
                known = set(path.read_text("ascii").split())
        return cls(path, known)

    def holds(self, digest: str) -> bool:
        """Whether a dry-run of this state has changed nothing before."""
        if digest in self._known or digest in self._used:
            self._used.add(digest)
            return True
        return False

    def keep(self, digest: str) -> None:
        """A dry-run of this state changes nothing."""
        self._used.add(digest)

    def save(self, *, whole: bool) -> None:
        """Write them down. After a look at the `whole` set those that were not used are dropped."""
        kept = set(self._used) if whole else self._known | self._used
        changed = kept != self._known
        self._used.clear()
        self._known.clear()
        self._known.update(kept)
        if self.path is None or not changed:
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.replace(self.path, "".join(f"{digest}\n" for digest in sorted(kept)))
