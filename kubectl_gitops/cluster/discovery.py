"""Discovery documents as a `Catalog`; pure.

The aggregated form (Kubernetes 1.26 and later) answers in two requests; the older form needs one
for each group version, and is read where the server does not know the aggregated one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kubectl_gitops.catalog import Api, Catalog

__all__ = [
    "ACCEPT",
    "aggregated",
    "catalog_of",
    "group_versions",
    "is_aggregated",
    "kinds_of",
    "stale",
]

ACCEPT = ",".join(
    [
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    ]
)
"""The aggregated form where the server knows it."""

Document = Mapping[str, Any]


def is_aggregated(document: Document) -> bool:
    """True for an `APIGroupDiscoveryList`, false for `APIVersions` and `APIGroupList`."""
    return document.get("kind") == "APIGroupDiscoveryList"


def catalog_of(apis: Iterable[Api], broken: Iterable[str]) -> Catalog:
    """A catalog in the server's order, in which the preferred version of a kind comes first."""
    seen: set[tuple[str, str]] = set()
    marked = []
    for api in apis:
        marked.append(replace(api, preferred=(api.group, api.kind) not in seen))
        seen.add((api.group, api.kind))
    return Catalog(marked, broken)


def aggregated(document: Document) -> Iterator[Api]:
    """The kinds of an `APIGroupDiscoveryList`. `responseKind` leaves its own group out."""
    for group, version, entry in _versions(document):
        for resource in entry.get("resources") or ():
            if kind := (resource.get("responseKind") or {}).get("kind"):
                yield Api(
                    group=group,
                    version=version,
                    kind=kind,
                    plural=resource["resource"],
                    namespaced=resource.get("scope") == "Namespaced",
                    singular=resource.get("singularResource") or "",
                    **_names(resource),
                )


def stale(document: Document) -> list[str]:
    """The group versions of which the server knows no more than that they should be there."""
    return [
        f"{group}/{version}" if group else version
        for group, version, entry in _versions(document)
        if entry.get("freshness") == "Stale"
    ]


def _versions(document: Document) -> Iterator[tuple[str, str, Document]]:
    for item in document.get("items") or ():
        group = (item.get("metadata") or {}).get("name") or ""
        for entry in item.get("versions") or ():
            yield group, entry["version"], entry


def group_versions(core: Document, groups: Document) -> list[str]:
    """`v1`, `apps/v1`, … of `APIVersions` and `APIGroupList`; a group's preferred one first."""
    found = list(core.get("versions") or ())
    for group in groups.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        versions = [entry["groupVersion"] for entry in group.get("versions") or ()]
        found += sorted(versions, key=lambda version: version != preferred)
    return found


def kinds_of(document: Document) -> Iterator[Api]:
    """The kinds of one `APIResourceList`; what holds a slash is a subresource, not a kind."""
    group, _, version = document["groupVersion"].rpartition("/")
    for resource in document.get("resources") or ():
        if "/" not in resource["name"]:
            yield Api(
                group=group,
                version=version,
                kind=resource["kind"],
                plural=resource["name"],
                namespaced=bool(resource.get("namespaced")),
                singular=resource.get("singularName") or "",
                **_names(resource),
            )


def _names(resource: Document) -> dict[str, Any]:
    return {
        "short_names": tuple(resource.get("shortNames") or ()),
        "categories": tuple(resource.get("categories") or ()),
        "verbs": frozenset(resource.get("verbs") or ()),
    }
