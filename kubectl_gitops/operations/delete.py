"""`delete`: remove resources from the branch, then from the cluster.

The branch loses exactly what the cluster loses: what goes with a Namespace or a CRD is removed
from it in the same commit, and what was live and unrecorded is recorded first, so that it can be
brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.operations.apply import recorded_manifest
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Plan, Preview
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import WORKERS, Execution, catalog_of, look
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import unmanageable

__all__ = ["DeleteOptions", "delete", "goes_with"]


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What the flags of `delete` ask for. `confirm` is shown what goes along, and may refuse."""

    reason: str = ""
    ignore_not_found: bool = False
    dry_run: bool = False
    how: Execution = field(default_factory=Execution)
    confirm: Callable[[Sequence[ResourceId]], None] = lambda _: None


def delete(session: Session, targets: Sequence[ResourceId], options: DeleteOptions) -> Report:
    """Remove these resources from branch and cluster.

    One that is in neither is refused as kubectl refuses it, unless `ignore_not_found`; the
    others are then left alone, too.
    """

    def intend(branch: Branch) -> Intent:
        return _intended(session, branch, targets, options)

    request = Request("delete", options.reason, intend, session.rules, options.how, options.dry_run)
    return carry(session, request)


def _intended(
    session: Session, branch: Branch, targets: Sequence[ResourceId], options: DeleteOptions
) -> Intent:
    catalog = catalog_of(session.cluster)
    entries = branch.snapshot.entries
    changes = _removals(session, catalog, branch, targets, options)
    removed = [change.id for change in changes if not change.refusal]
    along = goes_with(removed, {id: entry.manifest.body for id, entry in entries.items()})
    if along:
        options.confirm(along)
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
    owners = live["metadata"].get("ownerReferences", ())
    return not any(owner.get("controller") for owner in owners)


def _removals(
    session: Session,
    catalog: Catalog,
    branch: Branch,
    targets: Sequence[ResourceId],
    options: DeleteOptions,
) -> list[Change]:
    apis = {id: api for id in targets if (api := catalog.find(id.group, id.kind)) is not None}
    with ThreadPoolExecutor(WORKERS) as pool:
        lives = look(session.cluster, apis, pool)
    entries = branch.snapshot.entries
    return [
        _removal(id, apis.get(id), lives.get(id), known=options.ignore_not_found or id in entries)
        for id in targets
    ]


def _removal(
    id: ResourceId, api: Api | None, live: Body | Refusal | None, *, known: bool
) -> Change:
    """`known`: it is no error that the cluster does not have it."""
    if isinstance(live, Refusal):
        return Change(id, Action.DELETE, api, None, None, Preview(live))
    if live is not None:
        return Change(id, Action.DELETE, api, None, live)
    if known:
        return Change(id, Action.SKIP, api, None, None, reason="not in the cluster")
    return Change(id, Action.DELETE, api, None, None, Preview(_not_found(id, api)))


def _not_found(id: ResourceId, api: Api | None) -> Refusal:
    plural = f"{api.plural}.{api.group}" if api and api.group else api.plural if api else id.kind
    return Refusal(404, "NotFound", f'{plural} "{id.name}" not found')


def goes_with(removed: Iterable[ResourceId], declared: dict[ResourceId, Body]) -> list[ResourceId]:
    """What the branch declares inside removed Namespaces, or of kinds that removed CRDs define."""
    removed = set(removed)
    namespaces = {id.name for id in removed if (id.group, id.kind) == ("", "Namespace")}
    kinds = set()
    for id in removed:
        if (id.group, id.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
            spec = declared.get(id, {}).get("spec", {})
            kinds.add((spec.get("group"), spec.get("names", {}).get("kind")))
    return sorted(
        id
        for id in declared
        if id not in removed and (id.namespace in namespaces or (id.group, id.kind) in kinds)
    )
