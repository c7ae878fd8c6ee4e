"""`apply --prune`: what the branch declares and the input no longer has.

kubectl removes what it once applied, is selected, and is missing in the input, from the namespaces
that the input names. Here the branch tells what was applied, so a prune is a removal from the
branch, and the rules of a `pull` hold: what is marked to stay stays, and there is a limit.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.change import Intent
from kubectl_gitops.operations.delete import DeleteOptions, Losses, intend_to_remove
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import PruneVerdict, asks, prune_limit, prune_verdict
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import catalog_of, look, workers
from kubectl_gitops.resource import Body, ResourceId, labels_of
from kubectl_gitops.selector import Selector

__all__ = ["Pruning", "intend_to_prune", "missing"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """What the flags ask for: resources with these labels.

    `allow` None: up to the limit, and no Namespace, CRD, PV or PVC; a number: up to that many, of
    any kind. `confirm(ids, beyond)` is asked before anything goes, what goes along included;
    `beyond` the limit it needs a yes.
    """

    selector: Selector
    allow: int | None = None
    confirm: Callable[[Sequence[ResourceId], bool], bool] = lambda _, beyond: not beyond


def missing(branch: Branch, given: Collection[ResourceId], selector: Selector) -> list[ResourceId]:
    """What the branch declares and the input lacks, in the namespaces of the input.

    Cluster-scoped resources are looked at where the input has some, too.
    """
    namespaces = {id.namespace for id in given}
    return sorted(
        id
        for id, entry in branch.snapshot.entries.items()
        if id not in given
        and id.namespace in namespaces
        and selector.selects(labels_of(entry.manifest.body))
    )


def intend_to_prune(
    session: Session, branch: Branch, given: Collection[ResourceId], pruning: Pruning
) -> Intent:
    """The removal of those that may go; the person is told what stays and why, and what goes along.

    `GitopsError` where more would go than needs no yes, and nobody said it.
    """
    going = _going(session, branch, given, pruning.selector)

    def confirm(losses: Losses) -> None:
        for id in losses.along:
            first = " (recorded first)" if id in losses.unrecorded else ""
            session.tell(f"{id} goes along{first}")
        if not losses.refused:
            _check(branch, (*losses.named, *losses.along), pruning)

    options = DeleteOptions(ignore_not_found=True, confirm=confirm)
    return intend_to_remove(session, branch, going, options)


def _check(branch: Branch, going: Sequence[ResourceId], pruning: Pruning) -> None:
    count, declared = len(going), len(branch.snapshot.entries)
    if pruning.allow is not None:
        refused = count > pruning.allow
    else:
        beyond = any(map(asks, going)) or count > prune_limit(declared - count, count)
        refused = bool(going) and not pruning.confirm(going, beyond)
    if refused:
        selector = str(pruning.selector)
        which = f"-l {shlex.quote(selector)}" if selector else "--all"
        raise GitopsError(
            f"{count} resource{'' if count == 1 else 's'} would be pruned "
            f"({', '.join(map(str, going[:3]))}{', …' if count > 3 else ''}), and that needs a "
            "yes; nothing was changed",
            f"kubectl gitops apply -f FILE --prune {which} --allow-prune {count}",
        )


def _going(
    session: Session, branch: Branch, given: Collection[ResourceId], selector: Selector
) -> tuple[ResourceId, ...]:
    """What is missing, without what stays; the person is told why.

    Judged twice: a Namespace or a definition takes all that is its own along, so one whose
    resource stays, or is only coming now, stays, too.
    """
    absent = missing(branch, given, selector)
    lives = _lives(session, absent)
    declared = {*branch.snapshot.entries, *branch.snapshot.duplicates} - {*absent}
    kept = {*declared, *given}
    first = _verdicts(session, branch, lives, kept)
    kept |= {verdict.id for verdict in first if verdict.stays}
    stays = {v.id: v.stays for v in _verdicts(session, branch, lives, kept) if v.stays}
    for id, why in stays.items():
        session.tell(f"{id} is not pruned: {why}")
    return tuple(id for id in absent if id not in stays)


def _lives(session: Session, absent: Sequence[ResourceId]) -> dict[ResourceId, Body]:
    """The live objects; one that cannot be read is refused when its removal is planned."""
    catalog = catalog_of(session.cluster)
    apis = {id: api for id in absent if (api := catalog.find(id.group, id.kind)) is not None}
    with workers() as pool:
        lives = look(session.cluster, apis, pool)
    return {
        id: live for id, live in lives.items() if live is not None and not isinstance(live, Refusal)
    }


def _verdicts(
    session: Session,
    branch: Branch,
    lives: dict[ResourceId, Body],
    kept: Collection[ResourceId],
) -> list[PruneVerdict]:
    """What the live objects say of their removal; what is not live has nothing to say."""
    set_id = session.rules(branch).set_id
    return [
        prune_verdict(
            id,
            live,
            set_id,
            applied_uids=frozenset(),
            namespaces_in_use=frozenset(one.namespace for one in kept),
            kinds_in_use=frozenset(one.group_kind for one in kept),
            outside=branch.settings.outside(id, labels_of(live)),
        )
        for id, live in lives.items()
    ]
