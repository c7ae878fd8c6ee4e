"""Wait until resources are what we want: current by kstatus, or gone.

Polling, not watching: what is waited for is few, and a poll needs no relist on 410. Many of one
kind are looked at with one LIST.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kubectl_gitops.catalog import Api
from kubectl_gitops.health import Health, Status, health
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile.look import Lives, look, workers
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Clock", "Waiting", "await_current", "await_gone", "holders"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as an argument: seconds that only go forward, a pause, and the time of day."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


Waiting = Callable[[Mapping[ResourceId, str]], None]
"""Told at every look: what is still waited for, and why."""


def await_current(
    cluster: Cluster,
    wanted: Mapping[ResourceId, Api],
    clock: Clock,
    timeout: float,
    waiting: Waiting,
) -> dict[ResourceId, Health]:
    """Wait until all are current; returns those that are not: failed, or late after `timeout` s."""

    def judge(id: ResourceId, live: Body | None) -> str | None:
        found = health(live, clock.now())
        unhealthy[id] = found
        settled = found.status in (Status.CURRENT, Status.FAILED)
        return None if settled else found.message

    unhealthy: dict[ResourceId, Health] = {}
    _poll(cluster, wanted, clock, timeout, judge, waiting)
    return {id: found for id, found in unhealthy.items() if found.status is not Status.CURRENT}


def await_gone(
    cluster: Cluster,
    wanted: Mapping[ResourceId, tuple[Api, str]],
    clock: Clock,
    timeout: float,
    waiting: Waiting,
) -> dict[ResourceId, str]:
    """Wait until the objects of these uids are gone; returns what holds those that are not."""

    def judge(id: ResourceId, live: Body | None) -> str | None:
        if live is None or live["metadata"]["uid"] != wanted[id][1]:
            return None
        return holders(live)

    apis = {id: api for id, (api, _) in wanted.items()}
    return _poll(cluster, apis, clock, timeout, judge, waiting)


def holders(live: Body) -> str:
    """What keeps a deleted object there: finalizers, or the condition that says so.

    A Namespace whose deletion hangs on a broken aggregated API says that in a condition only.
    """
    conditions = (live.get("status") or {}).get("conditions") or ()
    told = [
        condition["message"]
        for condition in conditions
        if condition.get("status") == "True" and condition.get("type", "").startswith("Namespace")
    ]
    finalizers = live["metadata"].get("finalizers") or (live.get("spec") or {}).get("finalizers")
    names = f"finalizers {', '.join(finalizers)}" if finalizers else ""
    return "; ".join(part for part in (names, *told) if part) or "being deleted"


def _poll(
    cluster: Cluster,
    wanted: Mapping[ResourceId, Api],
    clock: Clock,
    timeout: float,
    judge: Callable[[ResourceId, Body | None], str | None],
    waiting: Waiting,
) -> dict[ResourceId, str]:
    left = dict.fromkeys(wanted, "")
    deadline = clock.monotonic() + timeout
    pause = 0.05
    with workers() as pool:
        while left:
            lives = look(cluster, {id: wanted[id] for id in left}, pool)
            left = _undecided(lives, judge)
            if not left or clock.monotonic() >= deadline:
                return left
            waiting(left)
            clock.sleep(pause)
            pause = min(1.0, pause * 1.5)
    return left


def _undecided(
    lives: Lives, judge: Callable[[ResourceId, Body | None], str | None]
) -> dict[ResourceId, str]:
    left: dict[ResourceId, str] = {}
    for id, live in lives.items():
        reason = live.message if isinstance(live, Refusal) else judge(id, live)
        if reason is not None:
            left[id] = reason
    return left
