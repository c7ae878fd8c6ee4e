"""`delete`: remove resources from the branch, then from the cluster.

The branch loses exactly what the cluster loses: what goes with a Namespace or a CRD is removed
from it in the same commit, and what was live and unrecorded is recorded first, so that it can be
brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from kubectl_gitops.applyset import belongs_to_other
from kubectl_gitops.catalog import Api, Catalog, declared_by
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Plan, Preview, asks, controller_of, foreign
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile import WORKERS, Execution, catalog_of, look
from kubectl_gitops.recording import recorded_manifest
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import unmanageable

__all__ = ["DeleteOptions", "delete", "goes_with", "intend_to_remove"]

_CRD = "CustomResourceDefinition.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What the flags of `delete` ask for.

    `confirm(risky, along)` may refuse: it is asked before a Namespace, a CRD, a PV or a PVC goes,
    with all that is in it, and is shown what the branch declares of that.
    """

    reason: str = ""
    ignore_not_found: bool = False
    dry_run: bool = False
    how: Execution = field(default_factory=Execution)
    confirm: Callable[[Sequence[ResourceId], Sequence[ResourceId]], None] = lambda _, __: None


def delete(session: Session, targets: Sequence[ResourceId], options: DeleteOptions) -> Report:
    """Remove these resources from branch and cluster.

    One that is in neither is refused as kubectl refuses it, unless `ignore_not_found`; the
    others are then left alone, too.
    """

    def intend(branch: Branch) -> Intent:
        return intend_to_remove(session, branch, tuple(dict.fromkeys(targets)), options)

    request = Request("delete", options.reason, intend, session.rules, options.how, options.dry_run)
    return carry(session, request)


def intend_to_remove(
    session: Session, branch: Branch, targets: Sequence[ResourceId], options: DeleteOptions
) -> Intent:
    """What it takes that neither branch nor cluster holds these, and what goes with them."""
    catalog = catalog_of(session.cluster)
    entries = branch.snapshot.entries
    changes = _removals(session, catalog, branch, targets, options)
    removed = [change.id for change in changes if not change.refusal]
    defined = {c.id: c.live for c in changes if c.live is not None}
    along = goes_with(removed, {id: entry.manifest.body for id, entry in entries.items()}, defined)
    risky = [change.id for change in changes if change.live is not None and asks(change.id)]
    if risky or along:
        options.confirm(risky, along)
    for change in changes:
        if change.live is not None and (owner := controller_of(change.live)):
            session.tell(f"{change.id} is just deleted: {owner} owns it and may remake it")
    before = session.sealed(
        branch,
        [
            recorded_manifest(change.id, change.live)
            for change in changes
            if change.live is not None and _worth_recording(change, branch)
        ],
    )
    recorded = {one.id for one in before}
    return Intent(
        Plan(tuple(changes)),
        removals=tuple(id for id in (*removed, *along) if id in entries or id in recorded),
        before=tuple(one.sealed for one in before),
        key_id=session.sealing_key(branch, before),
        tripwire=session.tripwire(branch, before),
    )


def _worth_recording(change: Change, branch: Branch) -> bool:
    """What a controller owns comes back by itself: it is just deleted."""
    live = change.live
    if live is None or change.id in branch.snapshot.entries or unmanageable(live):
        return False
    return not controller_of(live)


def _removals(
    session: Session,
    catalog: Catalog,
    branch: Branch,
    targets: Sequence[ResourceId],
    options: DeleteOptions,
) -> list[Change]:
    apis = {id: api for id in targets if (api := catalog.find(id.group, id.kind)) is not None}
    entries, set_id = branch.snapshot.entries, session.rules(branch).set_id
    with ThreadPoolExecutor(WORKERS) as pool:
        lives = look(session.cluster, apis, pool)
        changes = [
            _removal(
                id,
                apis.get(id),
                lives.get(id),
                declared=id in entries,
                ignored=options.ignore_not_found,
                set_id=set_id,
            )
            for id in targets
        ]
        return list(pool.map(lambda change: _checked(session.cluster, change), changes))


def _checked(cluster: Cluster, change: Change) -> Change:
    """A deletion is tried first, too: who may not delete must not have it committed.

    An object that has moved or gone since is no refusal: that is what looking again is for.
    """
    if change.action is not Action.DELETE or change.preview or not change.live or not change.api:
        return change
    id, uid = change.id, change.live["metadata"]["uid"]
    answer = cluster.delete(change.api, id.namespace, id.name, uid=uid, dry_run=True)
    if not isinstance(answer, Refusal) or answer.code in (404, 409):
        return change
    return replace(change, preview=Preview(answer))


def _removal(
    id: ResourceId,
    api: Api | None,
    live: Body | Refusal | None,
    *,
    declared: bool,
    ignored: bool,
    set_id: str,
) -> Change:
    """One removal. That the cluster lacks it is no error where the branch declares it."""
    if isinstance(live, Refusal):
        return Change(id, Action.DELETE, api, None, None, Preview(live))
    if live is not None and (other := belongs_to_other(live, set_id)):
        return Change(id, Action.DELETE, api, None, live, Preview(foreign(other)))
    if live is not None:
        return Change(id, Action.DELETE, api, None, live)
    if declared or ignored:
        reason = "removed from the branch only; the cluster did not have it" if declared else ""
        return Change(id, Action.SKIP, api, None, None, reason=reason)
    return Change(id, Action.DELETE, api, None, None, Preview(_not_found(id, api)))


def _not_found(id: ResourceId, api: Api | None) -> Refusal:
    plural = f"{api.plural}.{api.group}" if api and api.group else api.plural if api else id.kind
    return Refusal(404, "NotFound", f'{plural} "{id.name}" not found')


def goes_with(
    removed: Iterable[ResourceId],
    declared: Mapping[ResourceId, Body],
    live: Mapping[ResourceId, Body],
) -> list[ResourceId]:
    """What the branch declares inside removed Namespaces, or of kinds that removed CRDs define.

    What a CRD defines stands in the live one, else in the branch's.
    """
    removed = set(removed)
    namespaces = {id.name for id in removed if id.group_kind == "Namespace"}
    crds = [id for id in removed if id.group_kind == _CRD]
    bodies = [live.get(id) or declared.get(id) or {} for id in crds]
    kinds = {(api.group, api.kind) for body in bodies for api in declared_by(body)}
    return sorted(
        id
        for id in declared
        if id not in removed and (id.namespace in namespaces or (id.group, id.kind) in kinds)
    )
