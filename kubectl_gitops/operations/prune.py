"""`apply --prune`: what the branch declares and the input no longer has.

kubectl removes what it once applied, is selected, and is missing in the input, from the namespaces
that the input names. Here the branch tells what was applied, so a prune is a removal from the
branch, and the rules of a `pull` hold: what is marked to stay stays, and there is a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import PruneVerdict, asks, prune_limit, prune_verdict
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import catalog_of, look, workers
from kubectl_gitops.resource import ResourceId, labels_of
from kubectl_gitops.selector import Selector

__all__ = ["Pruning", "missing", "prunable"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """What the flags ask for: resources with these labels.

    `allow` None: up to the limit, and no Namespace, CRD, PV or PVC; a number: up to that many, of
    any kind. `confirm(ids, beyond)` is asked before anything goes; `beyond` the limit it needs a
    yes.
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


def prunable(
    session: Session, branch: Branch, given: Collection[ResourceId], pruning: Pruning
) -> tuple[ResourceId, ...]:
    """Those that may go; the person is told what stays, and why.

    `GitopsError` where more would go than needs no yes, and nobody said it.
    """
    absent = missing(branch, given, pruning.selector)
    verdicts = _verdicts(session, branch, absent)
    for verdict in verdicts:
        if verdict.stays:
            session.tell(f"{verdict.id} is not pruned: {verdict.stays}")
    staying = {verdict.id for verdict in verdicts if verdict.stays}
    going = tuple(id for id in absent if id not in staying)
    count, declared = len(going), len(branch.snapshot.entries)
    if pruning.allow is not None:
        beyond, refused = count > pruning.allow, count > pruning.allow
    else:
        beyond = any(map(asks, going)) or count > prune_limit(declared - count, count)
        refused = bool(going) and not pruning.confirm(going, beyond)
    if refused:
        raise GitopsError(
            f"{count} resource{'' if count == 1 else 's'} would be pruned "
            f"({', '.join(map(str, going[:3]))}{', …' if count > 3 else ''}), and that needs a "
            "yes; nothing was changed",
            f"kubectl gitops apply -f FILE --prune --allow-prune {count}",
        )
    return going


def _verdicts(session: Session, branch: Branch, absent: Sequence[ResourceId]) -> list[PruneVerdict]:
    """What the live objects say of their removal; what is not live has nothing to say."""
    catalog = catalog_of(session.cluster)
    apis = {id: api for id in absent if (api := catalog.find(id.group, id.kind)) is not None}
    with workers() as pool:
        lives = look(session.cluster, apis, pool)
    remaining = {id.namespace for id in branch.snapshot.entries if id not in absent}
    kinds = frozenset(id.group_kind for id in branch.snapshot.entries if id not in absent)
    set_id = session.rules(branch).set_id
    return [
        prune_verdict(
            id,
            live,
            set_id,
            applied_uids=frozenset(),
            namespaces_in_use=frozenset(remaining),
            kinds_in_use=kinds,
            outside=branch.settings.outside(id, labels_of(live)),
        )
        for id, live in lives.items()
        if live is not None and not isinstance(live, Refusal)
    ]
