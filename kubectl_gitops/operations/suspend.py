"""`suspend` and `resume`: `pull` leaves the set, or one resource, alone for a while.

The mark is an annotation in the cluster, on the set's parent or on the live resource, and no
commit: it holds for one cluster of a branch that may serve several, who may only write to the
cluster can set it with `kubectl annotate`, and it is no part of what the branch makes again.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_gitops import pointer
from kubectl_gitops.annotations import RECONCILE, SUSPENDED_BY, suspension
from kubectl_gitops.applyset import belongs_to_other
from kubectl_gitops.catalog import Api
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.ports import ClusterIdentity, Refusal
from kubectl_gitops.reconcile import catalog_of, look, widen, workers
from kubectl_gitops.resource import Body, ResourceId, annotations_of

__all__ = ["resume", "suspend"]


def suspend(
    session: Session, names: Sequence[ResourceId], reason: str
) -> list[tuple[ResourceId, bool]]:
    """Suspend these resources, or without any the set; what each is, and whether it was not yet.

    `GitopsError` where one is not there or may not be changed; those before it are suspended.
    """
    branch, who = _opened(session)
    lives = _found(session, branch, names)
    now = session.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"{who.user or 'somebody'} at {now}" + (f": {reason}" if reason else "")
    marks = {RECONCILE: "disabled", SUSPENDED_BY: text}
    return [
        (id, suspension(live) is None and _marked(session, api, live, marks))
        for id, (api, live) in lives.items()
    ]


def resume(session: Session, names: Sequence[ResourceId]) -> list[tuple[ResourceId, bool]]:
    """Take the mark off again; `GitopsError` where it is the branch that says so."""
    branch, _ = _opened(session)
    lives = _found(session, branch, names)
    for id in names:
        if suspension(branch.body(id) or {"metadata": {}}) is not None:
            raise GitopsError(
                f"{id}: the annotation {RECONCILE} stands in the branch; remove it there",
                f"kubectl gitops show {id.argument}",
            )
    return [
        (id, suspension(live) is not None and _marked(session, api, live, {}))
        for id, (api, live) in lives.items()
    ]


def _opened(session: Session) -> tuple[Branch, ClusterIdentity]:
    branch = session.read(session.store.fetch())
    return branch, session.bound(branch)


def _found(
    session: Session, branch: Branch, names: Sequence[ResourceId]
) -> dict[ResourceId, tuple[Api, Body]]:
    """The live objects that carry the mark."""
    catalog = catalog_of(session.cluster)
    if not names:
        parent = session.parent(branch)
        live = (parent if parent.live else widen(session.cluster, parent, (), ())).live
        api = catalog.find("", "ConfigMap")
        assert live is not None
        assert api is not None
        return {parent.id: (api, live)}
    apis = {id: api for id in names if (api := catalog.find(id.group, id.kind)) is not None}
    with workers() as pool:
        lives = look(session.cluster, apis, pool)
    set_id = session.rules(branch).set_id
    return {id: (apis[id], _checked(branch, id, lives[id], set_id)) for id in names}


def _checked(branch: Branch, id: ResourceId, live: Body | Refusal | None, set_id: str) -> Body:
    if isinstance(live, Refusal):
        raise GitopsError(f"{id} cannot be read: {live.message}", "kubectl gitops status")
    if live is None:
        raise GitopsError(f"{id} is not in the cluster", "kubectl gitops status")
    if branch.body(id) is None or belongs_to_other(live, set_id):
        raise GitopsError(f"{id} is not in the branch", "kubectl gitops status")
    return live


def _marked(session: Session, api: Api, live: Body, marks: dict[str, str]) -> bool:
    """The object with just these marks of ours; true, for then it was changed."""
    metadata, id = live["metadata"], ResourceId.of(live)
    kept = {k: v for k, v in annotations_of(live).items() if k not in (RECONCILE, SUSPENDED_BY)}
    guard = {"op": "replace", "path": "/metadata/resourceVersion"}
    patch = [
        {**guard, "value": metadata["resourceVersion"]},
        {"op": "add", "path": pointer.join(("metadata", "annotations")), "value": kept | marks},
    ]
    answer = session.cluster.patch(api, id.namespace, id.name, patch)
    if isinstance(answer, Refusal):
        raise GitopsError(f"{id} cannot be changed: {answer.message}", "kubectl gitops status")
    return True
