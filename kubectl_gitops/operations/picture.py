"""Cluster and branch seen together: what `pull` would do, `diff` shows and `status` tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_gitops.annotations import forces
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest, Snapshot
from kubectl_gitops.operations.members import Members, list_members
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.ordering import check_dependencies
from kubectl_gitops.plan import Plan, PruneVerdict, Rights, prune_verdict
from kubectl_gitops.ports import ClusterIdentity
from kubectl_gitops.reconcile import (
    Lives,
    Parent,
    Rules,
    catalog_of,
    look,
    observe,
    recreatable,
    recreating,
    with_namespace,
    workers,
)
from kubectl_gitops.resource import labels_of
from kubectl_gitops.sealing import unsealed

__all__ = ["Picture", "take_picture"]

_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Picture:
    """One consistent look. `plan` makes the cluster equal to the branch, removals aside.

    `extra` are members of the set that the branch does not declare. `unread` are findings that
    forbid a prune: files, Secrets or kinds that could not be read.
    """

    who: ClusterIdentity
    branch: Branch
    parent: Parent
    rules: Rules
    plan: Plan
    extra: tuple[PruneVerdict, ...]
    members: Members
    unread: tuple[str, ...]


def take_picture(session: Session, rights: Rights = Rights.DRIFT) -> Picture:
    """Look at the cluster first, then at the tip, so that no fresh commit looks like drift."""
    branch = session.read(session.store.fetch())
    who = session.bound(branch)
    parent = session.parent(branch)
    for _ in range(_LOOKS):
        seen = branch
        members = _members(session, branch, parent)
        lives = _lives(session, branch, members)
        branch = _at_tip(session, branch)
        if branch.snapshot.entries.keys() <= seen.snapshot.entries.keys():
            break
    return _planned(session, who, branch, parent, members, lives, rights)


def _lives(session: Session, branch: Branch, members: Members) -> Lives:
    """What is live of what the branch declares, members or not."""
    catalog = catalog_of(session.cluster)
    lacking = {
        id: api
        for id in branch.snapshot.entries
        if id not in members.lives and (api := catalog.find(id.group, id.kind)) is not None
    }
    with workers() as pool:
        return {**members.lives, **look(session.cluster, lacking, pool)}


def _kinds(snapshot: Snapshot) -> set[str]:
    return {id.group_kind for id in snapshot.entries}


def _at_tip(session: Session, branch: Branch) -> Branch:
    tip = session.store.fetch()
    return branch if tip.commit == branch.tip.commit else session.read(tip)


def _members(session: Session, branch: Branch, parent: Parent) -> Members:
    declared = {id.namespace for id in branch.snapshot.entries if id.namespace}
    namespaces = declared | parent.state.namespaces | {parent.home}
    rules = session.rules(branch)
    catalog = catalog_of(session.cluster)
    everything = _kinds(branch.snapshot) | parent.state.group_kinds
    return list_members(session.cluster, catalog, everything, rules.set_id, namespaces)


def _planned(
    session: Session,
    who: ClusterIdentity,
    branch: Branch,
    parent: Parent,
    members: Members,
    lives: Lives,
    rights: Rights,
) -> Picture:
    for warning in branch.snapshot.warnings:
        session.tell(f"warning: {warning}")
    for place in _in_the_clear(branch):
        session.tell(f"warning: {place} stands in the clear in the branch; apply it to seal it")
    opened, unopened = _opened(session, branch)
    rules = session.rules(branch, rights)
    plan = _forced(session, observe(session.cluster, opened, rules, lives), rules)
    session.verdicts.save(whole=True)
    unread = (*members.unread, *_unreadable(branch.snapshot), *unopened, *_disordered(opened))
    extra = _extra(branch, members, plan, rules)
    return Picture(who, branch, parent, rules, plan, extra, members, unread)


def _forced(session: Session, plan: Plan, rules: Rules) -> Plan:
    """What the server refuses to change is made anew, where it is annotated so."""
    forced = [c for c in plan.changes if c.refusal and c.live and c.sent and forces(c.sent, c.live)]
    if not forced:
        return plan
    tried = recreatable(session.cluster, Plan(tuple(forced)), rules.validation)
    tried = recreating(tried, {change.id for change in forced})
    anew = {change.id: change for change in tried.changes}
    return Plan(tuple(anew.get(change.id, change) for change in plan.changes))


def _opened(session: Session, branch: Branch) -> tuple[list[OpenManifest], list[str]]:
    """Every manifest of the scope; one that does not open fails alone, and is said by its place."""
    opened: list[OpenManifest] = []
    failed: list[str] = []
    for id, entry in branch.snapshot.entries.items():
        if branch.settings.outside(id, entry.manifest.body["metadata"].get("labels")):
            continue
        try:
            opened.append(session.opened(branch, entry.manifest, with_text=False))
        except GitopsError as error:
            failed.append(error.message)
    return opened, failed


def _in_the_clear(branch: Branch) -> Iterable[str]:
    """Secret values that somebody committed by hand."""
    for id, entry in branch.snapshot.entries.items():
        yield from (
            f"{id} {pointer}" for pointer in unsealed(entry.manifest, branch.settings.seals)
        )


def _disordered(opened: Iterable[OpenManifest]) -> Iterable[str]:
    """An order that people asked for and that cannot be kept."""
    try:
        check_dependencies([with_namespace(manifest) for manifest in opened])
    except GitopsError as error:
        yield error.message


def _unreadable(snapshot: Snapshot) -> Iterable[str]:
    yield from (error.message for error in snapshot.unreadable.values())
    for id, places in snapshot.duplicates.items():
        where = " and ".join(place.path for place in places)
        yield f"{id} stands twice: in {where}"


def _extra(branch: Branch, members: Members, plan: Plan, rules: Rules) -> tuple[PruneVerdict, ...]:
    """A verdict on every member that the branch does not declare.

    Judged twice: a Namespace takes all that is in it along, so one that holds a member that stays
    stays, too.
    """
    declared = {*branch.snapshot.entries, *branch.snapshot.duplicates}
    kept = [change.live for change in plan.changes if change.live is not None]
    uids = frozenset(live["metadata"]["uid"] for live in kept)
    kinds = frozenset(id.group_kind for id in declared)
    extra = {id: live for id, live in sorted(members.lives.items()) if id not in declared}

    def verdicts(namespaces: Iterable[str]) -> tuple[PruneVerdict, ...]:
        return tuple(
            prune_verdict(
                id,
                live,
                rules.set_id,
                applied_uids=uids,
                namespaces_in_use=frozenset(namespaces),
                kinds_in_use=kinds,
                outside=branch.settings.outside(id, labels_of(live)),
            )
            for id, live in extra.items()
        )

    namespaces = {id.namespace for id in declared}
    staying = {verdict.id.namespace for verdict in verdicts(namespaces) if verdict.stays}
    return verdicts(namespaces | staying)
