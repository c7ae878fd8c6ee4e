"""What changes in the cluster, heard by one thread for each kind, told to one listener.

Threads only: a watch blocks for as long as nothing happens. What they heard is a set of names, so
that a flood of events takes no more memory than there are resources.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from kubectl_gitops import applyset
from kubectl_gitops.catalog import Api
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.resource import ResourceId

__all__ = ["Heard", "Listener"]

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_DEAF = 300.0
"""Seconds until a watch that is forbidden is tried again; the periodic look replaces it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What changed since the last time; `missed`: something may have, and nobody knows what."""

    changed: frozenset[ResourceId]
    missed: bool


@dataclass(slots=True)
class _Thread:
    """One watch: which kind, in which namespace (empty: all), and whether it hears anything."""

    api: Api
    namespace: str
    stopped: Event = field(default_factory=Event)
    begun: Event = field(default_factory=Event)


@dataclass(slots=True)
class Listener:
    """The watches of one set. `take` is for one thread; everything else is its own business."""

    cluster: Cluster
    set_id: str
    _changed: set[ResourceId] = field(default_factory=set)
    _missed: bool = False
    _lock: Lock = field(default_factory=Lock)
    _woken: Event = field(default_factory=Event)
    _threads: dict[tuple[Api, str], _Thread] = field(default_factory=dict)

    def listen(self, apis: Iterable[Api], namespaces: Collection[str], patience: float) -> bool:
        """Hear of these kinds and of no others, in these namespaces (none: all).

        Returns when nothing of them is missed any more, or after `patience` seconds; true where
        there is one that was not listened to before.
        """
        wanted = {
            (api, namespace)
            for api in apis
            for namespace in (sorted(namespaces) if namespaces and api.namespaced else ("",))
        }
        for place in self._threads.keys() - wanted:
            self._threads.pop(place).stopped.set()
        fresh = [_Thread(*place) for place in sorted(wanted - self._threads.keys(), key=str)]
        for one in fresh:
            self._threads[one.api, one.namespace] = one
            Thread(target=self._run, args=(one,), daemon=True).start()
        for one in fresh:
            one.begun.wait(patience)
        return bool(fresh)

    def wait(self, seconds: float) -> None:
        """Return when something was heard, or after so many seconds."""
        self._woken.wait(max(seconds, 0.0))

    def take(self) -> Heard:
        """What was heard since the last time."""
        with self._lock:
            heard = Heard(frozenset(self._changed), self._missed)
            self._changed.clear()
            self._missed = False
            self._woken.clear()
        return heard

    def again(self, ids: Iterable[ResourceId]) -> None:
        """Put names back: what was heard could not be seen to."""
        with self._lock:
            self._changed.update(ids)

    def stop(self) -> None:
        """End all watches; each thread ends when its connection does."""
        self.listen((), (), 0.0)

    def _run(self, one: _Thread) -> None:
        """A watch that begins again whenever it has ended, with growing pauses while it cannot."""
        pause = _FIRST_PAUSE
        labels = f"{applyset.PART_OF}={self.set_id}"
        while not one.stopped.is_set():
            refusal = Refusal(0, "", "")
            for heard in self.cluster.watch(
                one.api, one.namespace, labels=labels, stopped=one.stopped.is_set
            ):
                if isinstance(heard, Refusal):
                    refusal = heard
                    continue
                pause = _FIRST_PAUSE
                self._tell(heard, first=not one.begun.is_set())
                one.begun.set()
            one.begun.set()
            if refusal.code != 410:
                longest = _DEAF if refusal.code == 403 else pause
                one.stopped.wait(longest * random.uniform(0.8, 1.2))  # noqa: S311  spreads clients
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _tell(self, heard: ResourceId | None, *, first: bool) -> None:
        """One change, or that a watch began: what was before a later beginning nobody has heard."""
        with self._lock:
            if heard is not None:
                self._changed.add(heard)
            elif not first:
                self._missed = True
            else:
                return
            self._woken.set()
