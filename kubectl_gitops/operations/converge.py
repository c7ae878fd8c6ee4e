"""After the push: write, then look at the tip until nobody has moved what we wrote.

Of two people who race on one resource the later commit wins in the cluster too, because each of
them looks again after the last write and carries out what the tip says by then. The order is
observe, fetch, write: a write is never decided on a tip older than the object it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Preview, Result, prune_verdict
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import (
    Execution,
    Rules,
    execute,
    look,
    observe,
    recreatable,
    recreating,
    workers,
)
from kubectl_gitops.resource import Body, ResourceId, same

__all__ = ["converge", "follow", "settled_without_write"]

_LOOKS = 20


def settled_without_write(plan: Plan) -> dict[ResourceId, Outcome]:
    """The outcomes of the changes that call nothing."""
    results = {Action.UNCHANGED: Result.UNCHANGED, Action.SKIP: Result.SKIPPED}
    return {
        change.id: Outcome(
            change,
            Result.BLOCKED if change.refusal else results[change.action],
            change.live,
            change.refusal,
            change.reason,
        )
        for change in plan.changes
        if change.action in results
    }


def converge(
    session: Session,
    branch: Branch,
    plan: Plan,
    rules: Rules,
    how: Execution,
    unconfirmed: Iterable[ResourceId] = (),
) -> tuple[Outcome, ...]:
    """Carry the plan out and follow the tip; one outcome for each change, in the plan's order.

    `unconfirmed` are resources that needed no write when they were observed, before the push, and
    that our commit changes: somebody may have written them since, so they are looked at again.
    Where the tip never comes to rest the last outcomes are `Result.MOVED`.
    """
    order = tuple(change.id for change in plan.changes)
    ours = written = {id: branch.body(id) for id in order}
    ended: dict[ResourceId, Outcome] = {}
    again = list(unconfirmed)
    for _ in range(_LOOKS):
        ended |= settled_without_write(plan)
        ended |= {outcome.id: outcome for outcome in execute(session.cluster, plan, rules, how)}
        seen = _at_tip(session, branch)
        again += [id for id in order if _moved(ended[id], written[id], seen.body(id))]
        unknown = {id for id in again if seen.is_unknown(id)}
        ended |= {id: _undecided(ended[id], seen) for id in unknown}
        again = [id for id in dict.fromkeys(again) if id not in unknown]
        if not again:
            break
        branch, plan = follow(session, [ended[id].change for id in again], rules)
        written = written | {id: branch.body(id) for id in again}
        again = []
    else:
        ended |= {id: replace(ended[id], result=Result.MOVED) for id in plan.ids(*Action)}
    return tuple(_told(ended[id], ours[id], written[id], branch) for id in order)


def _undecided(outcome: Outcome, branch: Branch) -> Outcome:
    """Nobody knows what the tip says of it, least of all that it says nothing: left alone."""
    message = f"what {branch.tip.commit[:7]} says of it cannot be read"
    return replace(outcome, result=Result.MOVED, message=message)


def follow(session: Session, changes: list[Change], rules: Rules) -> tuple[Branch, Plan]:
    """Observe these resources, fetch, and plan what the tip says of them by then."""
    apis = {change.id: change.api for change in changes if change.api is not None}
    with workers() as pool:
        lives = look(session.cluster, apis, pool)
    branch = session.read(session.store.fetch())
    entries = branch.snapshot.entries
    declared = [session.opened(branch, entries[c.id].manifest) for c in changes if c.id in entries]
    plan = _anew(session, observe(session.cluster, declared, rules, lives), changes, rules)
    gone = [_removal(c, lives.get(c.id), rules) for c in changes if c.id not in entries]
    return branch, Plan((*plan.changes, *gone))


def _anew(session: Session, plan: Plan, changes: list[Change], rules: Rules) -> Plan:
    """What was to be deleted and created again (`--force`), and moved before it was, still is."""
    forced = {change.id for change in changes if change.recreates}
    if not forced:
        return plan
    return recreating(recreatable(session.cluster, plan, rules.validation), forced)


def _removal(change: Change, live: Body | Refusal | None, rules: Rules) -> Change:
    """The tip has removed what we wrote: remove it, if it still is ours."""
    if isinstance(live, Refusal):
        raise GitopsError(f"{change.id} cannot be read: {live.message}", "kubectl gitops pull")
    if live is None:
        return replace(change, action=Action.SKIP, live=None, reason="it is gone")
    if change.action is not Action.DELETE or change.live is None:
        return _pruned(replace(change, live=live, sent=None, unchecked=""), live, rules)
    if change.live["metadata"]["uid"] != live["metadata"]["uid"]:
        reason = "it is gone; what stands there now somebody else has made"
        return replace(change, action=Action.SKIP, live=live, reason=reason)
    return replace(change, action=Action.DELETE, live=live, sent=None, preview=None, unchecked="")


def _pruned(change: Change, live: Body, rules: Rules) -> Change:
    """Somebody took it off the branch meanwhile: the rules of a prune hold, and `pull` can ask."""
    verdict = prune_verdict(
        change.id, live, rules.set_id, applied_uids=frozenset(), namespaces_in_use=frozenset()
    )
    if not verdict.stays and not verdict.asks:
        return replace(change, action=Action.DELETE, preview=None)
    why = verdict.stays or "removing it needs a yes"
    held = Refusal(0, "Held", f"the branch has it no more, and {why}")
    return replace(change, action=Action.SKIP, preview=Preview(held))


def _at_tip(session: Session, branch: Branch) -> Branch:
    tip = session.store.fetch()
    return branch if tip.commit == branch.tip.commit else session.read(tip)


def _moved(outcome: Outcome, written: Body | None, declared: Body | None) -> bool:
    return outcome.result is Result.MOVED or not same(written, declared)


def _told(outcome: Outcome, ours: Body | None, written: Body | None, branch: Branch) -> Outcome:
    if same(ours, written):
        return outcome
    return replace(outcome, message=f"superseded by {branch.tip.commit[:7]}")
