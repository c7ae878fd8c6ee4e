"""What nobody has to record: objects that the cluster, or a controller in it, makes again.

They come back by themselves, with values of the moment; recorded, they would be applied against
whoever makes them. Pure, and told from the object alone.
"""

from __future__ import annotations

from kubectl_gitops.plan import controller_of
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["DERIVED_KINDS", "is_bootstrap", "is_made_again"]

DERIVED_KINDS = frozenset(
    {
        "ControllerRevision.apps",
        "CSINode.storage.k8s.io",
        "CSIStorageCapacity.storage.k8s.io",
        "Endpoints",
        "EndpointSlice.discovery.k8s.io",
        "Event",
        "Event.events.k8s.io",
        "IPAddress.networking.k8s.io",
        "Lease.coordination.k8s.io",
        "Node",
        "PodMetrics.metrics.k8s.io",
        "ServiceCIDR.networking.k8s.io",
        "VolumeAttachment.storage.k8s.io",
    }
)
"""Kinds, as `Kind.group`, of which the control plane makes every object by itself."""

_MADE_FOR_EVERYONE = frozenset(
    {
        ("ConfigMap", "kube-root-ca.crt"),
        ("ServiceAccount", "default"),
        ("Service", "kubernetes"),
    }
)
_BOOTSTRAP = (
    ("labels", "kubernetes.io/bootstrapping"),
    ("labels", "kube-aggregator.kubernetes.io/automanaged"),
    ("labels", "applyset.kubernetes.io/id"),
    ("annotations", "apf.kubernetes.io/autoupdate-spec"),
)


def is_made_again(id: ResourceId, live: Body) -> bool:
    """Whether the object would be back without anybody's doing."""
    if id.group_kind in DERIVED_KINDS or (id.group_kind, id.name) in _MADE_FOR_EVERYONE:
        return True
    return bool(controller_of(live))


def is_bootstrap(live: Body) -> bool:
    """Whether the API server brought it, or it is the parent of an apply set."""
    return any(key in (live["metadata"].get(part) or {}) for part, key in _BOOTSTRAP)
