"""`delete`: remove resources from the branch, then from the cluster.

The branch loses exactly what the cluster loses: what goes with a Namespace or a CRD is removed
from it in the same commit. What was live and unrecorded, along with them too, is recorded first, so
that it can be brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kubectl_gitops.applyset import belongs_to_other, parent_of
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.derived import is_made_again
from kubectl_gitops.operations.along import Along, goes_with, lives_with
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Plan, Preview, asks, controller_of, foreign
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile import Execution, await_gone, catalog_of, look, workers
from kubectl_gitops.recording import recorded_manifest
from kubectl_gitops.resource import Body, ResourceId, is_terminating, labels_of
from kubectl_gitops.sealing import unmanageable

__all__ = ["DeleteOptions", "Losses", "await_deleted", "delete", "intend_to_remove"]


@dataclass(frozen=True, slots=True)
class Losses:
    """What a removal means, for a person to agree to.

    `named` was asked for; `risky` of it takes other things along or holds data. `along` goes with
    it: what the branch declares, and (`unrecorded`, a part of it) what is recorded only now.
    `refused`: nothing will be removed, whatever the person says.
    """

    named: tuple[ResourceId, ...]
    risky: tuple[ResourceId, ...] = ()
    along: tuple[ResourceId, ...] = ()
    unrecorded: frozenset[ResourceId] = frozenset()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What the flags of `delete` ask for.

    `confirm` is shown the losses before anything is written, and may refuse by raising; it is asked
    again where they are others on a newer tip.
    """

    reason: str = ""
    ignore_not_found: bool = False
    dry_run: bool = False
    how: Execution = field(default_factory=Execution)
    allow_plain: tuple[str, ...] = ()
    confirm: Callable[[Losses], None] = lambda _: None


def delete(session: Session, targets: Sequence[ResourceId], options: DeleteOptions) -> Report:
    """Remove these resources from branch and cluster.

    One that is in neither is refused as kubectl refuses it, unless `ignore_not_found`; the
    others are then left alone, too.
    """

    def intend(branch: Branch) -> Intent:
        return intend_to_remove(session, branch, tuple(dict.fromkeys(targets)), options)

    request = Request(
        "delete",
        options.reason,
        intend,
        session.rules,
        options.how,
        options.dry_run,
        allow_plain=options.allow_plain,
    )
    return carry(session, request)


def await_deleted(session: Session, report: Report, how: Execution) -> dict[ResourceId, str]:
    """Wait until what the report deleted is gone; what still holds what is not, after `how.gone`.

    All are waited for side by side, each as the object of that uid.
    """
    wanted = {
        outcome.id: (outcome.change.api, outcome.change.live["metadata"]["uid"])
        for outcome in report.outcomes
        if outcome.result.done
        and outcome.change.action is Action.DELETE
        and outcome.change.api is not None
        and outcome.change.live is not None
    }
    return await_gone(session.cluster, wanted, how.clock, how.gone, how.waiting)


def intend_to_remove(
    session: Session, branch: Branch, targets: Sequence[ResourceId], options: DeleteOptions
) -> Intent:
    """What it takes that neither branch nor cluster holds these, and what goes with them."""
    catalog = catalog_of(session.cluster)
    changes = _removals(session, catalog, branch, targets, options)
    lives = {c.id: c.live for c in changes if c.live is not None and not c.refusal}
    found = lives_with(session.cluster, catalog, lives, session.rules(branch).set_id)
    changes = [_sparing(change, found) for change in changes]
    removed = [change.id for change in changes if not change.refusal]
    entries = {id: entry.manifest.body for id, entry in branch.snapshot.entries.items()}
    declared = goes_with(removed, entries, lives)
    taken = goes_with(removed, found.lives, lives)
    unrecorded = {id: found.lives[id] for id in taken if id not in entries}
    _tell(session, changes, found)
    options.confirm(
        Losses(
            tuple(targets),
            tuple(id for id in lives if asks(id)),
            tuple(sorted({*declared, *unrecorded})),
            frozenset(unrecorded),
            refused=any(change.refusal for change in changes),
        )
    )
    were = {id: live for id, live in lives.items() if id not in entries and _is_lost(id, live)}
    before = session.sealed(
        branch, [recorded_manifest(id, live) for id, live in (were | unrecorded).items()]
    )
    recorded = {one.id for one in before}
    gone = (*removed, *declared, *unrecorded)
    return Intent(
        Plan(tuple(changes)),
        removals=tuple(id for id in gone if id in entries or id in recorded),
        before=tuple(one.sealed for one in before),
        key_id=session.sealing_key(branch, before),
        tripwire=session.tripwire(branch, before),
    )


def _is_lost(id: ResourceId, live: Body) -> bool:
    """Whether it has to be recorded to be brought back.

    What comes back by itself has not, nor what was deleted before and is only held by finalizers.
    """
    return not (is_terminating(live) or is_made_again(id, live) or unmanageable(live))


def _tell(session: Session, changes: Sequence[Change], found: Along) -> None:
    for unread in found.unread:
        session.tell(f"warning: {unread}; what there is of it goes unrecorded")
    owners = {f"{c.id.kind.lower()}/{c.id.name}" for c in changes}
    for change in changes:
        owner = controller_of(change.live) if change.live is not None else ""
        if owner and owner not in owners:
            session.tell(f"{change.id} is just deleted: {owner} owns it and may remake it")


def _sparing(change: Change, found: Along) -> Change:
    """A Namespace or a definition that would take another set's resources along stays."""
    if change.live is None or change.refusal:
        return change
    foreigners: dict[ResourceId, Body] = {id: {} for id in found.foreign}
    taken = goes_with([change.id], foreigners, {change.id: change.live})
    if not taken:
        return change
    why = f"{taken[0]} would go along, and {foreign(found.foreign[taken[0]]).message}"
    return replace(change, preview=Preview(Refusal(409, "Foreign", why)))


def _removals(
    session: Session,
    catalog: Catalog,
    branch: Branch,
    targets: Sequence[ResourceId],
    options: DeleteOptions,
) -> list[Change]:
    apis = {id: api for id in targets if (api := catalog.find(id.group, id.kind)) is not None}
    entries, set_id = branch.snapshot.entries, session.rules(branch).set_id
    with workers() as pool:
        lives = look(session.cluster, apis, pool)
        changes = [
            _out_of_scope(branch, id, apis.get(id), lives.get(id))
            or _removal(
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


def _out_of_scope(
    branch: Branch, id: ResourceId, api: Api | None, live: Body | Refusal | None
) -> Change | None:
    """The refusal of what the set may not touch. What a controller owns is never the set's."""
    if not isinstance(live, dict) or controller_of(live):
        return None
    why = branch.settings.outside(id, labels_of(live))
    if not why:
        return None
    return Change(id, Action.DELETE, api, None, live, Preview(Refusal(403, "Foreign", why)))


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
    if live is not None and parent_of(live):
        return Change(id, Action.DELETE, api, None, live, Preview(_PARENT))
    if live is not None:
        return Change(id, Action.DELETE, api, None, live)
    if declared or ignored:
        reason = "removed from the branch only; the cluster did not have it" if declared else ""
        return Change(id, Action.SKIP, api, None, None, reason=reason)
    return Change(id, Action.DELETE, api, None, None, Preview(_not_found(id, api)))


def _not_found(id: ResourceId, api: Api | None) -> Refusal:
    plural = f"{api.plural}.{api.group}" if api and api.group else api.plural if api else id.kind
    return Refusal(404, "NotFound", f'{plural} "{id.name}" not found')


_PARENT = Refusal(403, "Foreign", "it is the parent of a set, which tells what the set owns")
