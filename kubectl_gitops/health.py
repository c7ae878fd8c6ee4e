"""How a resource is doing, from its own status: the rules of kstatus, with two of ours.

Generic signs first (deletion, generation, the Reconciling and Stalled conditions), then the rules
of the kind, then the Ready condition, then "current": a resource that says nothing is taken at its
word (cli-utils `pkg/kstatus/status`). Ours differ where a person who waits would be misled: a Job
is current when it is complete, not when it has started, and a failed Pod has failed.

A PersistentVolumeClaim that binds on its first consumer is never current by itself; who waits
decides what to leave out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kubectl_gitops.resource import Body, group_of

__all__ = ["Health", "Status", "health"]


class Status(StrEnum):
    """The words of kstatus."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A status and why, in words that name no values."""

    status: Status
    message: str = ""


_CURRENT = Health(Status.CURRENT)

# The time a scheduler gets before "unschedulable" is news, and the deadline that means "none".
_SCHEDULING = timedelta(seconds=15)
_NO_DEADLINE = 2**31 - 1


def health(live: Body | None, now: datetime) -> Health:
    """How a live object is doing; None is an object that is not there. `now` is an aware time."""
    if live is None:
        return Health(Status.NOT_FOUND, "it does not exist")
    generic = _generic(live)
    if generic is not None:
        return generic
    kind = (group_of(live["apiVersion"]), live["kind"])
    if kind == ("", "Pod"):
        return _pod(live, now)
    rule = _RULES.get(kind, _by_ready_condition)
    return rule(live)


def _generic(live: Body) -> Health | None:
    metadata = live["metadata"]
    if "deletionTimestamp" in metadata:
        return Health(Status.TERMINATING, _held_by(metadata.get("finalizers") or []))
    observed = _status(live).get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return _progressing("its controller has not seen the newest generation")
    if condition := _condition(live, "Reconciling", "True"):
        return _progressing(_said(condition))
    if condition := _condition(live, "Stalled", "True"):
        return Health(Status.FAILED, _said(condition))
    return None


def _held_by(finalizers: list[str]) -> str:
    return f"held by finalizers {', '.join(finalizers)}" if finalizers else ""


def _progressing(message: str) -> Health:
    return Health(Status.IN_PROGRESS, message)


def _status(live: Body) -> dict[str, Any]:
    return live.get("status") or {}


def _spec(live: Body) -> dict[str, Any]:
    return live.get("spec") or {}


def _condition(live: Body, type: str, status: str = "") -> dict[str, Any] | None:
    """The condition of a type, in a status if one is asked for; odd lists hold none."""
    conditions = _status(live).get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, dict) and condition.get("type") == type:
            return condition if status in ("", condition.get("status")) else None
    return None


def _said(condition: dict[str, Any]) -> str:
    return condition.get("message") or condition.get("reason") or f"{condition['type']} is reported"


def _by_ready_condition(live: Body) -> Health:
    condition = _condition(live, "Ready")
    if condition is None or condition.get("status") == "True":
        return _CURRENT
    return _progressing(_said(condition))


def _short(live: Body, *counts: tuple[str, int, str]) -> Health | None:
    """The first count that has not reached what is wanted: (status field, wanted, word)."""
    for field, wanted, word in counts:
        present = _status(live).get(field, 0)
        if present < wanted:
            return _progressing(f"{word}: {present}/{wanted}")
    return None


def _deployment(live: Body) -> Health:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    progressing = _condition(live, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Health(Status.FAILED, "progress deadline exceeded")
    replicas, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    if short := _short(
        live, ("replicas", wanted, "replicas"), ("updatedReplicas", wanted, "updated")
    ):
        return short
    if replicas > wanted:
        return _progressing(f"pending termination: {replicas - wanted}")
    if short := _short(
        live, ("availableReplicas", updated, "available"), ("readyReplicas", wanted, "ready")
    ):
        return short
    if _has_deadline(live) and not _rolled_out(progressing):
        return _progressing("the new ReplicaSet is not available")
    if _condition(live, "Available", "True") is None:
        return _progressing("not available")
    return _CURRENT


def _has_deadline(live: Body) -> bool:
    deadline: int = _spec(live).get("progressDeadlineSeconds", _NO_DEADLINE)
    return deadline != _NO_DEADLINE


def _rolled_out(progressing: dict[str, Any] | None) -> bool:
    if progressing is None or progressing.get("status") != "True":
        return False
    return progressing.get("reason") == "NewReplicaSetAvailable"


def _stateful_set(live: Body) -> Health:
    strategy = _spec(live).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return _CURRENT
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    if short := _short(live, ("replicas", wanted, "replicas"), ("readyReplicas", wanted, "ready")):
        return short
    if (extra := status.get("replicas", 0) - wanted) > 0:
        return _progressing(f"pending termination: {extra}")
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if partition is not None:
        return _short(live, ("updatedReplicas", wanted - partition, "updated")) or _CURRENT
    if short := _short(live, ("currentReplicas", wanted, "current")):
        return short
    if status.get("currentRevision") != status.get("updateRevision"):
        return _progressing("waiting for the update to roll out")
    return _CURRENT


def _daemon_set(live: Body) -> Health:
    status = _status(live)
    if "generation" not in live["metadata"] or "observedGeneration" not in status:
        return _progressing("its controller has not seen it")
    if "desiredNumberScheduled" not in status:
        return _progressing("not scheduled")
    wanted = status["desiredNumberScheduled"]
    short = _short(
        live,
        ("currentNumberScheduled", wanted, "scheduled"),
        ("updatedNumberScheduled", wanted, "updated"),
        ("numberAvailable", wanted, "available"),
        ("numberReady", wanted, "ready"),
    )
    return short or _CURRENT


def _replica_set(live: Body) -> Health:
    if condition := _condition(live, "ReplicaFailure", "True"):
        return _progressing(_said(condition))
    wanted = _spec(live).get("replicas", 1)
    short = _short(
        live,
        ("fullyLabeledReplicas", wanted, "labelled"),
        ("availableReplicas", wanted, "available"),
        ("readyReplicas", wanted, "ready"),
    )
    if short:
        return short
    if (extra := _status(live).get("replicas", 0) - wanted) > 0:
        return _progressing(f"pending termination: {extra}")
    return _CURRENT


def _pod(live: Body, now: datetime) -> Health:
    phase = _status(live).get("phase", "")
    if phase == "Succeeded":
        return _CURRENT
    if phase == "Failed":
        return Health(Status.FAILED, _status(live).get("reason") or "the pod failed")
    if phase == "Running":
        return _running_pod(live)
    if phase == "Pending":
        return _pending_pod(live, now)
    if phase:
        return Health(Status.UNKNOWN, f"phase {phase}")
    return _progressing("not seen by the scheduler")


def _running_pod(live: Body) -> Health:
    if _condition(live, "Ready", "True"):
        return _CURRENT
    if crashing := _crashing(live):
        return Health(Status.FAILED, f"crash looping: {', '.join(crashing)}")
    return _progressing("running, not ready")


def _crashing(live: Body) -> list[str]:
    status = _status(live)
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return [c.get("name", "") for c in containers if _waits_for(c) == "CrashLoopBackOff"]


def _waits_for(container: dict[str, Any]) -> str:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason: str = waiting.get("reason", "")
    return reason


def _pending_pod(live: Body, now: datetime) -> Health:
    condition = _condition(live, "PodScheduled", "False")
    if condition is None or condition.get("reason") != "Unschedulable":
        return _progressing("pending")
    created = datetime.fromisoformat(live["metadata"]["creationTimestamp"])
    if now - created < _SCHEDULING:
        return _progressing("not scheduled")
    return Health(Status.FAILED, _said(condition))


def _job(live: Body) -> Health:
    if _condition(live, "Complete", "True"):
        return _CURRENT
    if condition := _condition(live, "Failed", "True"):
        return Health(Status.FAILED, _said(condition))
    if _spec(live).get("suspend") and _condition(live, "Suspended", "True"):
        return Health(Status.CURRENT, "suspended")
    if not _status(live).get("startTime"):
        return _progressing("not started")
    wanted = _spec(live).get("completions", 1)
    return _progressing(f"succeeded: {_status(live).get('succeeded', 0)}/{wanted}")


def _claim(live: Body) -> Health:
    phase = _status(live).get("phase", "unknown")
    return _CURRENT if phase == "Bound" else _progressing(f"not bound: {phase}")


def _service(live: Body) -> Health:
    if _spec(live).get("type") == "LoadBalancer" and not _spec(live).get("clusterIP"):
        return _progressing("no cluster IP")
    return _CURRENT


def _definition(live: Body) -> Health:
    if condition := _condition(live, "NamesAccepted", "False"):
        return Health(Status.FAILED, _said(condition))
    established = _condition(live, "Established")
    if established is None or established.get("status") not in ("True", "False"):
        return _progressing("not established")
    if established["status"] == "True":
        return _CURRENT
    if established.get("reason") == "Installing":
        return _progressing("installing")
    return Health(Status.FAILED, _said(established))


def _always(_: Body) -> Health:
    return _CURRENT


_RULES: dict[tuple[str, str], Callable[[Body], Health]] = {
    ("", "ConfigMap"): _always,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Secret"): _always,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "CronJob"): _always,
    ("batch", "Job"): _job,
    ("policy", "PodDisruptionBudget"): _always,
}
