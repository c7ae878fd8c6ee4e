"""The set: which live resources are ours, as KEP-3659 ("ApplySet") writes it down in the cluster.

Where the KEP and kubectl's code differ, the code wins: the prefix is `applyset.kubernetes.io/`. The
parent is a ConfigMap `kubectl-gitops-<set>` whose tooling annotation makes kubectl refuse to touch
the set. A member carries the label `part-of`, and **our own** field manager must own that label:
labels get copied (Endpoints inherit a Service's; Flux v0 deleted objects of operators that way,
kustomize-controller#192).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from kubectl_gitops.equality import MANAGER
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.fields import entry_of
from kubectl_gitops.resource import Body, ResourceId, annotations_of, labels_of

__all__ = [
    "PART_OF",
    "ParentState",
    "belongs_to_other",
    "member",
    "owns",
    "parent_body",
    "parent_name",
    "parent_of",
    "parent_state",
    "set_id",
    "tracked_by",
    "unlabelled",
]

PART_OF = "applyset.kubernetes.io/part-of"
"""The label of every member; its value is the id of the set."""

_ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
_COMMIT = "kubectl-gitops/commit"
_ORIGIN = "kubectl-gitops/origin"
_TOOL = "kubectl-gitops"


@dataclass(frozen=True, slots=True)
class ParentState:
    """What a parent says of its set.

    `group_kinds` (`Deployment.apps`) and `namespaces` (without the parent's own) are a superset of
    what is in the cluster; `commit` is the last one that was carried out whole, empty before that.
    `origin` tells the branch that keeps the set from others that call theirs by the same name.
    """

    group_kinds: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    commit: str = ""
    origin: str = ""


def parent_name(set_name: str) -> str:
    """The name of the ConfigMap that is the parent of a set."""
    return f"{_TOOL}-{set_name}"


def set_id(name: str, namespace: str, kind: str = "ConfigMap", group: str = "") -> str:
    """The id of the set whose parent is this object; a cluster-scoped one has no namespace."""
    digest = hashlib.sha256(f"{name}.{namespace}.{kind}.{group}".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def parent_of(live: Body) -> str:
    """The id of the set of ours that an object is the parent of, empty where it is of none."""
    tooling = str(annotations_of(live).get(_TOOLING, ""))
    return labels_of(live).get(_ID, "") if tooling.rpartition("/")[0] == _TOOL else ""


def parent_body(set_name: str, home: str, state: ParentState, version: str) -> Body:
    """The body of a set's parent, for server-side apply; `version` is that of this program."""
    name = parent_name(set_name)
    annotations = {
        _TOOLING: f"{_TOOL}/{version}",
        _GROUP_KINDS: ",".join(sorted(state.group_kinds)),
        _NAMESPACES: ",".join(sorted(state.namespaces - {home})),
    }
    if state.commit:
        annotations[_COMMIT] = state.commit
    if state.origin:
        annotations[_ORIGIN] = state.origin
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": home,
            "labels": {_ID: set_id(name, home)},
            "annotations": annotations,
        },
    }


def parent_state(live: Body, set_name: str, home: str) -> ParentState:
    """What a live parent says; `GitopsError` where it is another tool's or was tampered with."""
    name = parent_name(set_name)
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    tooling = annotations.get(_TOOLING, "")
    if tooling.rpartition("/")[0] != _TOOL:
        raise _unfit(name, home, f"is not ours: its tooling is {printable(tooling) or 'unnamed'}")
    if (metadata.get("labels") or {}).get(_ID) != set_id(name, home):
        raise _unfit(name, home, f"does not carry the id of its set in the label {_ID}")
    if _GROUP_KINDS not in annotations:
        raise _unfit(name, home, f"lacks the annotation {_GROUP_KINDS}")
    return ParentState(
        _listed(annotations[_GROUP_KINDS]),
        _listed(annotations.get(_NAMESPACES, "")) - {home},
        annotations.get(_COMMIT, ""),
        annotations.get(_ORIGIN, ""),
    )


def _unfit(name: str, home: str, why: str) -> GitopsError:
    return GitopsError(
        f"configmap/{home}/{name}, the parent of the set, {why}",
        f"kubectl get configmap -n {home} {name} -o yaml",
    )


def _listed(text: str) -> frozenset[str]:
    return frozenset(part for part in text.split(",") if part)


def member(body: Body, set_id: str) -> Body:
    """The body with the label of the set; `GitopsError` where it already names another set."""
    labels = labels_of(body)
    if labels.get(PART_OF, set_id) != set_id:
        raise GitopsError(
            f"{ResourceId.of(body)}: the manifest carries the label {PART_OF} of another set; "
            "remove it"
        )
    return {**body, "metadata": {**body["metadata"], "labels": {**labels, PART_OF: set_id}}}


def unlabelled(body: Body) -> Body:
    """The body without the label of any set."""
    metadata = body["metadata"]
    if PART_OF not in (metadata.get("labels") or {}):
        return body
    labels = {key: value for key, value in metadata["labels"].items() if key != PART_OF}
    rest = {key: value for key, value in metadata.items() if key != "labels"}
    return {**body, "metadata": {**rest, "labels": labels} if labels else rest}


def owns(live: Body, set_id: str, manager: str = MANAGER) -> bool:
    """Whether a live object is a member: the label is there, and it was we who applied it."""
    if labels_of(live).get(PART_OF) != set_id:
        return False
    entry = entry_of(live, manager) or {}
    fields = entry.get("fieldsV1") or {}
    return f"f:{PART_OF}" in fields.get("f:metadata", {}).get("f:labels", {})


def belongs_to_other(live: Body, set_id: str) -> str | None:
    """The id of the other set that a live object is labelled with, if it is."""
    other = labels_of(live).get(PART_OF, set_id)
    return other if other != set_id else None


def tracked_by(live: Body) -> str | None:
    """The other tool whose tracking marks a live object carries, and which will undo our writes."""
    return _flux(live) or _argo(live) or _helm(live) or _kapp(live)


def _flux(live: Body) -> str | None:
    labels = labels_of(live)
    for kind in ("kustomize", "helm"):
        if name := labels.get(f"{kind}.toolkit.fluxcd.io/name"):
            return f"Flux ({labels.get(f'{kind}.toolkit.fluxcd.io/namespace', '')}/{name})"
    return None


def _argo(live: Body) -> str | None:
    """Argo CD's id names the object it is meant for: copied to another one, it means nothing."""
    app, _, tracked = annotations_of(live).get("argocd.argoproj.io/tracking-id", "").partition(":")
    id = ResourceId.of(live)
    if tracked == f"{id.group}/{id.kind}:{id.namespace}/{id.name}":
        return f"Argo CD ({app})"
    instance = labels_of(live).get("argocd.argoproj.io/instance")
    return f"Argo CD ({instance})" if instance else None


def _helm(live: Body) -> str | None:
    release = annotations_of(live).get("meta.helm.sh/release-name")
    managed = labels_of(live).get("app.kubernetes.io/managed-by") == "Helm"
    return f"Helm ({release})" if release and managed else None


def _kapp(live: Body) -> str | None:
    app = labels_of(live).get("kapp.k14s.io/app")
    return f"kapp ({app})" if app else None
