"""Who rewrites whom: two writers of one field that never agree are stopped, not fed.

Config Sync's rule (KNV2005): five rewrites of one resource within a minute are a fight. It is left
to the other writer until the branch says something else about it; both are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_gitops.resource import Body, ResourceId, same

__all__ = ["Fights"]

_REWRITES = 5
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fights:
    """The rewrites of the last minute, and what is left alone because of them.

    `now` is in seconds of a clock that only goes forward.
    """

    _rewrites: dict[ResourceId, tuple[float, ...]] = field(default_factory=dict)
    _stopped: dict[ResourceId, tuple[str, Body]] = field(default_factory=dict)

    @property
    def stopped(self) -> Mapping[ResourceId, str]:
        """What is left alone, and why."""
        return {id: why for id, (why, _) in self._stopped.items()}

    def rewritten(self, id: ResourceId, others: str, declared: Body, now: float) -> str:
        """Count one rewrite; why the resource is left alone from now on, empty where it is not."""
        recent = (*(t for t in self._rewrites.get(id, ()) if t > now - _SECONDS), now)
        self._rewrites[id] = recent
        if len(recent) < _REWRITES:
            return ""
        del self._rewrites[id]
        why = f"rewritten {len(recent)} times within a minute: gitops and {others} do not agree"
        self._stopped[id] = (why, declared)
        return why

    def forget(self, declared: Mapping[ResourceId, Body], now: float) -> None:
        """What the branch says otherwise by now has another chance; old rewrites do not count."""
        for id, (_, body) in list(self._stopped.items()):
            if not same(declared.get(id), body):
                del self._stopped[id]
        for id, times in list(self._rewrites.items()):
            if times[-1] <= now - _SECONDS:
                del self._rewrites[id]
