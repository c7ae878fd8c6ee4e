"""What goes along with a deleted Namespace or CustomResourceDefinition.

Two lists: what the branch declares and would otherwise make again, and what lives there without
being recorded, which is gone for good unless it is recorded first. What the cluster or a
controller makes by itself is in neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubectl_gitops.applyset import belongs_to_other, parent_of
from kubectl_gitops.catalog import Api, Catalog, declared_by
from kubectl_gitops.derived import DERIVED_KINDS, is_bootstrap, is_made_again
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile import workers
from kubectl_gitops.resource import Body, ResourceId, is_terminating
from kubectl_gitops.sealing import unmanageable

__all__ = ["Along", "goes_with", "lives_with"]

_CRD = "CustomResourceDefinition.apiextensions.k8s.io"


def goes_with(
    removed: Iterable[ResourceId],
    declared: Mapping[ResourceId, Body],
    live: Mapping[ResourceId, Body],
) -> list[ResourceId]:
    """What the branch declares inside removed Namespaces, or of kinds that removed CRDs define.

    What a CRD defines stands in the live one, else in the branch's.
    """
    removed = set(removed)
    namespaces = _namespaces(removed)
    kinds = {
        (api.group, api.kind)
        for id in removed
        if id.group_kind == _CRD
        for api in declared_by(live.get(id) or declared.get(id) or {})
    }
    return sorted(
        id
        for id in declared
        if id not in removed and (id.namespace in namespaces or (id.group, id.kind) in kinds)
    )


def _namespaces(ids: Iterable[ResourceId]) -> set[str]:
    return {id.name for id in ids if id.group_kind == "Namespace"}


@dataclass(frozen=True, slots=True)
class Along:
    """Live resources that go along: those worth recording, those of other sets, what is unread."""

    lives: dict[ResourceId, Body] = field(default_factory=dict)
    foreign: dict[ResourceId, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def lives_with(
    cluster: Cluster, catalog: Catalog, removed: Mapping[ResourceId, Body], set_id: str
) -> Along:
    """List what is in these live Namespaces and of the kinds that these live CRDs define.

    One LIST for each kind that can be listed and has no place in `DERIVED_KINDS`.
    """
    namespaces = _namespaces(removed)
    places = [(api, name) for name in sorted(namespaces) for api in _inside(catalog)]
    places += [(api, "") for id, live in removed.items() for api in _defined(catalog, id, live)]
    with workers() as pool:
        answers = list(pool.map(lambda place: cluster.list(*place), places))
    bodies = [body for answer in answers if not isinstance(answer, Refusal) for body in answer]
    found = {ResourceId.of(body): body for body in bodies}
    lives = {id: body for id, body in found.items() if id not in removed}
    refused = [
        (api, namespace, answer)
        for (api, namespace), answer in zip(places, answers, strict=True)
        if isinstance(answer, Refusal)
    ]
    broken = catalog.broken if namespaces else ()
    return Along(
        {id: body for id, body in sorted(lives.items()) if _is_worth_recording(id, body)},
        {id: other for id, body in sorted(lives.items()) if (other := _other(id, body, set_id))},
        (
            *_unread(refused),
            *(f"{version} cannot be listed: its API server does not answer" for version in broken),
        ),
    )


def _inside(catalog: Catalog) -> list[Api]:
    return [
        api
        for api in catalog.apis
        if api.namespaced
        and api.preferred
        and "list" in api.verbs
        and api.group_kind not in DERIVED_KINDS
    ]


def _defined(catalog: Catalog, id: ResourceId, live: Body) -> list[Api]:
    """The served kinds of a definition: one that is not established yet has no objects."""
    kinds = {(api.group, api.kind) for api in declared_by(live)} if id.group_kind == _CRD else set()
    return [api for kind in sorted(kinds) if (api := catalog.find(*kind)) is not None]


def _is_worth_recording(id: ResourceId, live: Body) -> bool:
    made = is_made_again(id, live) or is_bootstrap(live) or unmanageable(live)
    return not made and not is_terminating(live)


def _other(id: ResourceId, live: Body, set_id: str) -> str:
    """The other set that loses a member, or its parent."""
    if is_made_again(id, live):
        return ""
    parent = parent_of(live)
    return belongs_to_other(live, set_id) or (parent if parent != set_id else "")


def _unread(refused: Iterable[tuple[Api, str, Refusal]]) -> Iterator[str]:
    """What could not be listed where, kinds that nobody granted in one line."""
    forbidden: dict[str, list[str]] = {}
    for api, namespace, refusal in refused:
        where = f" in {namespace}" if namespace else ""
        if refusal.code == 403:
            forbidden.setdefault(where, []).append(api.plural)
        else:
            yield f"{api.plural}{where} cannot be listed: {refusal.message}"
    for where, plurals in forbidden.items():
        yield f"{', '.join(sorted(plurals))}{where} cannot be listed: that is forbidden"
