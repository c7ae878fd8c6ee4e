"""The live members of a set: everything in the cluster that carries its part-of label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_gitops import applyset
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile import workers
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Members", "list_members"]


@dataclass(frozen=True, slots=True)
class Members:
    """What carries the label, by id, with the kind it was read as; `unread` says what was not.

    While anything is unread nobody knows what the set lacks, so nothing may be pruned.
    """

    lives: dict[ResourceId, Body]
    apis: dict[ResourceId, Api]
    unread: tuple[str, ...]


def list_members(
    cluster: Cluster,
    catalog: Catalog,
    group_kinds: Iterable[str],
    set_id: str,
    namespaces: Iterable[str],
) -> Members:
    """LIST each kind by the set's label: across the cluster, or per namespace where that is 403.

    A kind that the cluster serves no longer has no members; one whose group discovery could not
    read may have many.
    """
    wanted, group_kinds = sorted(namespaces), sorted(group_kinds)
    apis = [api for name in group_kinds if (api := _api(catalog, name)) is not None]
    with workers() as pool:
        answers = pool.map(lambda api: _listed(cluster, api, set_id, wanted), apis)
        listed = list(zip(apis, answers, strict=True))
    lives: dict[ResourceId, Body] = {}
    kinds: dict[ResourceId, Api] = {}
    unread = [
        f"{name} cannot be listed: the API server of its group does not answer"
        for name in group_kinds
        if _api(catalog, name) is None and _is_broken(catalog, name)
    ]
    for api, answer in listed:
        if isinstance(answer, Refusal):
            unread.append(f"{api.plural} cannot be listed: {answer.message}")
            continue
        for body in answer:
            id = ResourceId.of(body)
            lives[id], kinds[id] = body, api
    return Members(lives, kinds, tuple(unread))


def _api(catalog: Catalog, group_kind: str) -> Api | None:
    kind, _, group = group_kind.partition(".")
    return catalog.find(group, kind)


def _is_broken(catalog: Catalog, group_kind: str) -> bool:
    group = group_kind.partition(".")[2]
    return any(version.rpartition("/")[0] == group for version in catalog.broken)


def _listed(cluster: Cluster, api: Api, set_id: str, namespaces: list[str]) -> list[Body] | Refusal:
    labels = f"{applyset.PART_OF}={set_id}"
    everywhere = cluster.list(api, labels=labels)
    if not isinstance(everywhere, Refusal) or everywhere.code != 403 or not api.namespaced:
        return everywhere
    found: list[Body] = []
    for namespace in namespaces:
        answer = cluster.list(api, namespace, labels=labels)
        if isinstance(answer, Refusal):
            return answer
        found += answer
    return found
