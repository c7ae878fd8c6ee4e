"""In which order resources are written and removed.

Argo CD's sync waves are the outer order, for who uses them means them to win. Inside a wave the
kinds go in phases (the list that Helm, kustomize, Flux and cli-utils agree on, webhooks last), and
edges between objects override phases: a resource comes after its CRD, its Namespace and whatever
its `config.kubernetes.io/depends-on` names. Removal is the exact reverse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from typing import Any, Generic, TypeVar

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.resource import Body, ResourceId

__all__ = [
    "DEPENDS_ON",
    "Stage",
    "check_dependencies",
    "depends_on_new",
    "provided",
    "removal_stages",
    "stages",
]

DEPENDS_ON = "config.kubernetes.io/depends-on"
_WAVE = "argocd.argoproj.io/sync-wave"
_RBAC = "rbac.authorization.k8s.io"

X = TypeVar("X")


@dataclass(frozen=True, slots=True)
class Stage(Generic[X]):
    """Items that are written side by side, once the stage before is through.

    `awaited` are the items, of this stage or an earlier one, that must be current (on removal:
    gone) before the next stage starts. `name` says what they are, for a person who waits.
    """

    name: str
    items: tuple[X, ...]
    awaited: tuple[X, ...] = ()

    @property
    def barrier(self) -> bool:
        """Whether the next stage has to wait for more than the writes."""
        return bool(self.awaited)


@dataclass(frozen=True, slots=True)
class _Phase:
    """`awaited`: later phases need these not only written but current."""

    name: str
    kinds: frozenset[str]
    awaited: bool = False


def _phase(name: str, kinds: str, *, awaited: bool = False) -> _Phase:
    return _Phase(name, frozenset(kinds.split()), awaited)


_CUSTOM = _phase("custom resources", "")
# The classes are listed, not matched by their ending: an EC2NodeClass waits for a controller that
# the same set brings in a later phase.
_PHASES = (
    _phase(
        "definitions",
        "CustomResourceDefinition.apiextensions.k8s.io Namespace",
        awaited=True,
    ),
    _phase(
        "classes",
        "PriorityClass.scheduling.k8s.io RuntimeClass.node.k8s.io StorageClass.storage.k8s.io"
        " VolumeAttributesClass.storage.k8s.io VolumeSnapshotClass.snapshot.storage.k8s.io"
        " IngressClass.networking.k8s.io GatewayClass.gateway.networking.k8s.io"
        " DeviceClass.resource.k8s.io",
        awaited=True,
    ),
    _phase("limits", "ResourceQuota LimitRange NetworkPolicy.networking.k8s.io"),
    _phase(
        "roles",
        "ServiceAccount ClusterRole.rbac.authorization.k8s.io Role.rbac.authorization.k8s.io",
    ),
    _phase(
        "bindings",
        "ClusterRoleBinding.rbac.authorization.k8s.io RoleBinding.rbac.authorization.k8s.io",
    ),
    _phase("configuration", "ConfigMap Secret"),
    _phase("volumes", "PersistentVolume"),
    _phase("volume claims", "PersistentVolumeClaim"),
    _phase("services", "Service Endpoints EndpointSlice.discovery.k8s.io"),
    _phase(
        "workloads",
        "DaemonSet.apps Pod ReplicationController ReplicaSet.apps Deployment.apps"
        " StatefulSet.apps PodDisruptionBudget.policy HorizontalPodAutoscaler.autoscaling"
        " Job.batch CronJob.batch",
    ),
    _CUSTOM,
    _phase(
        "routes",
        "Ingress.networking.k8s.io HTTPRoute.gateway.networking.k8s.io"
        " GRPCRoute.gateway.networking.k8s.io TLSRoute.gateway.networking.k8s.io"
        " TCPRoute.gateway.networking.k8s.io UDPRoute.gateway.networking.k8s.io"
        " APIService.apiregistration.k8s.io",
    ),
    _phase(
        "mutating webhooks",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io"
        " MutatingAdmissionPolicy.admissionregistration.k8s.io"
        " MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    ),
    _phase(
        "validating webhooks",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io"
        " ValidatingAdmissionPolicy.admissionregistration.k8s.io"
        " ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    ),
)

_PHASE_OF = {kind: phase for phase in _PHASES for kind in phase.kinds}


def _phase_of(id: ResourceId) -> _Phase:
    return _PHASE_OF.get(id.group_kind, _CUSTOM)


_Rank = tuple[int, int, int]
"""Wave, phase, and how far behind others of that phase an edge has pushed a resource."""

_Group = tuple[_Rank, list[ResourceId]]

_Edges = Mapping[ResourceId, list[ResourceId]]
"""What each resource comes after, as far as it is among the resources at hand."""


def stages(items: Iterable[X], key: Callable[[X], Body]) -> tuple[Stage[X], ...]:
    """The stages in which these are created and updated; `key` gives the body of an item.

    Bodies state their namespace, and each resource stands among the items once. `GitopsError` for
    resources that depend on each other; what an annotation names outside of the items, or says
    unreadably, is passed over here (`check_dependencies` is the judge of that).
    """
    found, edges, groups = _arranged(items, key)
    needed = {target for targets in edges.values() for target in targets}
    return _staged(found, groups, lambda id: id in needed or _phase_of(id).awaited)


def removal_stages(items: Iterable[X], key: Callable[[X], Body]) -> tuple[Stage[X], ...]:
    """The stages in which these are removed: those of `stages` backwards.

    Custom resources are awaited, as their controllers, which go later, have finalizers to work
    off; so is whatever comes after something that goes later.
    """
    found, edges, groups = _arranged(items, key)
    backwards = [(rank, ids[::-1]) for rank, ids in reversed(groups)]
    return _staged(found, backwards, lambda id: bool(edges[id]) or _phase_of(id) is _CUSTOM)


def _arranged(
    items: Iterable[X], key: Callable[[X], Body]
) -> tuple[dict[ResourceId, X], _Edges, list[_Group]]:
    pairs = [(key(item), item) for item in items]
    found = {ResourceId.of(body): item for body, item in pairs}
    bodies = dict(sorted((ResourceId.of(body), body) for body, _ in pairs))
    edges = _edges(bodies)
    ranks = _ranks(bodies, edges)
    ordered = sorted(ranks, key=lambda id: (ranks[id], id))
    groups = [(rank, list(ids)) for rank, ids in groupby(ordered, key=lambda id: ranks[id])]
    return found, edges, groups


def _staged(
    found: Mapping[ResourceId, X], groups: list[_Group], waits: Callable[[ResourceId], bool]
) -> tuple[Stage[X], ...]:
    return tuple(
        Stage(
            _name(ids),
            tuple(found[id] for id in ids),
            tuple(found[id] for id in _awaited(groups, number, waits)),
        )
        for number, (_, ids) in enumerate(groups)
    )


def _awaited(
    groups: list[_Group], number: int, waits: Callable[[ResourceId], bool]
) -> list[ResourceId]:
    """After the last stage nothing, at the end of a wave all of it, else what others need."""
    (wave, *_), ids = groups[number]
    if number + 1 == len(groups):
        return []
    if groups[number + 1][0][0] == wave:
        return [id for id in ids if waits(id)]
    return [id for rank, members in groups if rank[0] == wave for id in members]


def _name(ids: list[ResourceId]) -> str:
    return ", ".join(phase.name for phase in _PHASES if any(_phase_of(id) is phase for id in ids))


def _edges(bodies: Mapping[ResourceId, Body]) -> _Edges:
    definitions = {_defines(body): id for id, body in bodies.items() if _is_definition(id)}
    return {
        id: sorted(target for target in _targets(id, body, definitions) if target in bodies)
        for id, body in bodies.items()
    }


def _targets(
    id: ResourceId, body: Body, definitions: Mapping[ResourceId, ResourceId]
) -> set[ResourceId]:
    targets = {target for target, _ in _depends_on(body) if target is not None}
    if id.namespace:
        targets.add(ResourceId("", "Namespace", "", id.namespace))
    if definition := definitions.get(_kind_of(id)):
        targets.add(definition)
    return targets


def _ranks(bodies: Mapping[ResourceId, Body], edges: _Edges) -> dict[ResourceId, _Rank]:
    """Where each resource stands: in its own phase, or behind the last thing it comes after."""
    ranks: dict[ResourceId, _Rank] = {}
    for id in _sorted(edges):
        own = (_wave(bodies[id]) or 0, _PHASES.index(_phase_of(id)), 0)
        behind = [(w, p, depth + 1) for w, p, depth in (ranks[target] for target in edges[id])]
        ranks[id] = max([own, *behind])
    return ranks


def _sorted(edges: _Edges) -> list[ResourceId]:
    try:
        return list(TopologicalSorter(edges).static_order())
    except CycleError as error:
        circle = " needs ".join(map(str, error.args[1][::-1]))
        raise GitopsError(f"resources that depend on each other: {circle}") from error


def check_dependencies(bodies: Iterable[Body], known: Collection[ResourceId] = ()) -> None:
    """Raise `GitopsError` for an annotation about order that cannot be read or met.

    A `depends-on` may name a resource of `bodies` or one that is `known` to exist elsewhere.
    """
    declared = {ResourceId.of(body): body for body in bodies}
    for id, body in sorted(declared.items(), key=lambda pair: pair[0]):
        if _wave(body) is None:
            text = printable(str(_annotation(body, _WAVE)))
            raise GitopsError(f"{id}: {_WAVE} is not a whole number: {text}")
        for target, text in _depends_on(body):
            if target is None:
                raise GitopsError(f"{id}: {DEPENDS_ON} cannot be read: {printable(text)}")
            if target not in declared and target not in known:
                raise GitopsError(f"{id} depends on {target}, which is not there")


def _annotation(body: Body, name: str) -> str:
    text = (body["metadata"].get("annotations") or {}).get(name, "")
    return text if isinstance(text, str) else ""


def _wave(body: Body) -> int | None:
    """The sync wave, 0 where none is said, None where it is not a number."""
    text = _annotation(body, _WAVE).strip()
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        return int(text)
    return None if text else 0


def _depends_on(body: Body) -> Iterator[tuple[ResourceId | None, str]]:
    """What `depends-on` names, each with its text; None for what is no reference.

    A reference is `group/namespaces/namespace/Kind/name` or `group/Kind/name`; the core group is
    empty, so one to a Namespace starts with a slash.
    """
    for reference in filter(None, map(str.strip, _annotation(body, DEPENDS_ON).split(","))):
        match reference.split("/"):
            case [group, "namespaces", namespace, kind, name] if namespace and kind and name:
                yield ResourceId(group, kind, namespace, name), reference
            case [group, kind, name] if kind and name:
                yield ResourceId(group, kind, "", name), reference
            case _:
                yield None, reference


def provided(bodies: Iterable[Body]) -> frozenset[ResourceId]:
    """What these resources bring when they are created or changed, for `depends_on_new`.

    A CustomResourceDefinition brings its kind, too, and a quota counts as any quota of its
    namespace: both are ids without a name.
    """
    ids = {ResourceId.of(body): body for body in bodies}
    kinds = {_defines(body) for id, body in ids.items() if _is_definition(id)}
    return frozenset(ids) | kinds | {replace(id, name="") for id in ids if _is_limit(id)}


def depends_on_new(body: Body, new: Collection[ResourceId]) -> bool:
    """Whether a dry-run of `body` would be judged without something that is still to come.

    `new` is what `provided` says of the resources that the same set creates or changes. Only what
    the API server looks up to admit the object counts: a Deployment may name a ServiceAccount that
    does not exist, a Pod may not.
    """
    id = ResourceId.of(body)
    return any(need in new for need in _needs(id, body))


def _needs(id: ResourceId, body: Body) -> Iterator[ResourceId]:
    yield _kind_of(id)
    if id.namespace:
        yield ResourceId("", "Namespace", "", id.namespace)
        if not _is_limit(id):
            yield ResourceId("", "ResourceQuota", id.namespace, "")
    if id.group == _RBAC and id.kind in ("RoleBinding", "ClusterRoleBinding"):
        role = _map(body.get("roleRef"))
        namespace = id.namespace if role.get("kind") == "Role" else ""
        yield ResourceId(_RBAC, role.get("kind", ""), namespace, role.get("name", ""))
    if (id.group, id.kind) == ("", "Pod"):
        yield from _needs_of_pod(id, _map(body.get("spec")))


def _needs_of_pod(id: ResourceId, spec: Body) -> Iterator[ResourceId]:
    yield ResourceId("", "LimitRange", id.namespace, "")
    account = spec.get("serviceAccountName") or "default"
    yield ResourceId("", "ServiceAccount", id.namespace, account)
    if name := spec.get("priorityClassName"):
        yield ResourceId("scheduling.k8s.io", "PriorityClass", "", name)
    if name := spec.get("runtimeClassName"):
        yield ResourceId("node.k8s.io", "RuntimeClass", "", name)


def _kind_of(id: ResourceId) -> ResourceId:
    return ResourceId(id.group, id.kind, "", "")


def _is_limit(id: ResourceId) -> bool:
    return (id.group, id.kind) in (("", "ResourceQuota"), ("", "LimitRange"))


def _is_definition(id: ResourceId) -> bool:
    return (id.group, id.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition")


def _defines(definition: Body) -> ResourceId:
    """The kind that a CustomResourceDefinition brings; one without names brings no real kind."""
    spec = _map(definition.get("spec"))
    return ResourceId(spec.get("group", ""), _map(spec.get("names")).get("kind", ""), "", "")


def _map(value: Any) -> Body:
    """A map, or an empty one: what is no map the API server refuses, not this."""
    return value if isinstance(value, dict) else {}
