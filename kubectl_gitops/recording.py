"""What of a live object is worth a commit: the fields that people and their tools set.

Server noise and what controllers write is told by field ownership, not by a list of names: a
field is kept if some manager set it through the object itself, or a person by `kubectl scale`.
Fields set through a subresource otherwise and by the control plane's own controllers are not. Where
that leaves nothing (an object of the control plane, or one without ownership) all of it is kept but
what a server sets.
"""

from __future__ import annotations

from functools import reduce

from kubectl_gitops import fields
from kubectl_gitops.annotations import LAST_APPLIED
from kubectl_gitops.resource import SERVER_SIDE, Body

__all__ = ["recorded"]

# Owners are named by uid: those of a cluster made anew would have the object collected as garbage.
_LEFT_OUT = SERVER_SIDE | {"ownerReferences"}
_CONTROLLERS = frozenset(
    {
        "cloud-controller-manager",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
    }
)


def recorded(live: Body) -> Body:
    """The body to commit for a live object: JSON data that `apply` would accept."""
    kept = [entry["fieldsV1"] for entry in fields.entries(live) if _by_people(entry)]
    body = fields.owned(live, reduce(fields.union, kept)) if kept else live
    metadata = {k: v for k, v in body["metadata"].items() if k not in _LEFT_OUT}
    head = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": _without_last_applied(metadata),
    }
    rest = {k: v for k, v in body.items() if k not in (*head, "status")}
    return {**head, **rest}


def _by_people(entry: Body) -> bool:
    if "fieldsV1" not in entry:
        return False
    manager, subresource = entry.get("manager"), entry.get("subresource")
    # Anything else that scales is an autoscaler, whose number of the moment is nobody's wish.
    return (manager, subresource) == ("kubectl", "scale") or (
        not subresource and manager not in _CONTROLLERS
    )


def _without_last_applied(metadata: Body) -> Body:
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED
    }
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**rest, "annotations": annotations} if annotations else rest
