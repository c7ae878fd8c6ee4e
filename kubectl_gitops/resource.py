"""What one object of the cluster is called: group, kind, namespace and name.

The API version is not part of identity: `v1beta1` and `v1` of one object are the same resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubectl_gitops.errors import printable

__all__ = [
    "SERVER_SIDE",
    "Body",
    "ResourceId",
    "ResourcePattern",
    "annotations_of",
    "group_of",
    "is_terminating",
    "labels_of",
    "same",
]

Body = dict[str, Any]
"""A resource as JSON data: what `json.loads` gives."""

SERVER_SIDE = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Metadata that only a server sets. In a branch it would keep a resource from being made again."""


def is_terminating(live: Mapping[str, Any]) -> bool:
    """True for a live object that is being deleted: finalizers may hold it for long."""
    return "deletionTimestamp" in live["metadata"]


def same(one: Any, other: Any) -> bool:
    """Strict JSON equality: `true` is not 1, 1 is not 1.0, an absent key is not null.

    Two resources that both are not there (None) are the same.
    """
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def group_of(api_version: str) -> str:
    """The API group of an `apiVersion`: `apps` for `apps/v1`, empty for `v1`."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def annotations_of(body: Body) -> Body:
    """The annotations of a complete body, as a map even where it has none."""
    return body["metadata"].get("annotations") or {}


def labels_of(body: Body) -> Body:
    """The labels of a complete body, as a map even where it has none."""
    return body["metadata"].get("labels") or {}


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """The identity of one resource. `namespace` is empty for a cluster-scoped one."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ResourceId:
        """The identity that a complete body states; `KeyError` where a part is missing."""
        metadata = body["metadata"]
        return cls(
            group_of(body["apiVersion"]),
            body["kind"],
            metadata.get("namespace") or "",
            metadata["name"],
        )

    @property
    def group_kind(self) -> str:
        """`Deployment.apps`, `Service`: the spelling of the ApplySet annotations."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def short(self) -> str:
        """`deployment.apps/web`: the spelling of kubectl's result lines."""
        return printable(f"{self.group_kind.lower()}/{self.name}")

    @property
    def argument(self) -> str:
        """`deployment.apps/web -n shop`: how a command that we suggest names it."""
        return f"{self.short} -n {printable(self.namespace)}" if self.namespace else self.short

    def __str__(self) -> str:
        """`deployment/shop/web`, `namespace/shop`: how messages name a resource."""
        parts = (self.kind.lower(), self.namespace, self.name)
        return printable("/".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """Which resources a rule of the branch is for: a part that is None fits any."""

    group: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None

    def fits(self, id: ResourceId) -> bool:
        """True for an identity that has every part the pattern says."""
        said = (self.group, self.kind, self.namespace, self.name)
        has = (id.group, id.kind, id.namespace, id.name)
        return all(part in (None, own) for part, own in zip(said, has, strict=True))
