"""What of a live object is worth a commit: the fields that people and their tools set.

Server noise and what controllers write is told by field ownership, not by a list of names: a
field is kept if some manager set it through the object itself. Fields set through a subresource
(status, scale) and by the control plane's own controllers are not.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from kubectl_gitops import fields
from kubectl_gitops.resource import Body

__all__ = ["recorded"]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
_CONTROLLERS = frozenset(
    {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller"}
)


def recorded(live: Body) -> Body:
    """The body to commit for a live object: JSON data that `apply` would accept."""
    entries = live["metadata"].get("managedFields") or ()
    kept = [entry["fieldsV1"] for entry in entries if _by_people(entry)]
    body = fields.owned(live, reduce(fields.union, kept)) if kept else dict(live)
    metadata = {k: v for k, v in body.get("metadata", {}).items() if k not in _NOISE}
    identity = {k: live["metadata"][k] for k in ("name", "namespace") if k in live["metadata"]}
    metadata = _without_last_applied({**metadata, **identity})
    head = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
    rest = {k: v for k, v in body.items() if k not in (*head, "status")}
    return {**head, **rest}


def _by_people(entry: Body) -> bool:
    if entry.get("subresource") or "fieldsV1" not in entry:
        return False
    return entry.get("manager") not in _CONTROLLERS


def _without_last_applied(metadata: dict[str, Any]) -> dict[str, Any]:
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(_LAST_APPLIED, None)
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**rest, "annotations": annotations} if annotations else rest
