"""After the push: write, then look at the tip until nobody has moved what we wrote.

Of two people who race on one resource the later commit wins in the cluster too, because each of
them looks again after the last write and carries out what the tip says by then. The order is
observe, fetch, write: a write is never decided on a tip older than the object it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from kubectl_gitops import applyset
from kubectl_gitops.equality import same
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Result
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import WORKERS, Execution, Lives, Rules, execute, look, observe
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["converge", "settled_without_write"]

_LOOKS = 20


def settled_without_write(plan: Plan) -> dict[ResourceId, Outcome]:
    """The outcomes of the changes that call nothing."""
    results = {Action.UNCHANGED: Result.UNCHANGED, Action.SKIP: Result.SKIPPED}
    return {
        change.id: Outcome(change, results[change.action], change.live, message=change.reason)
        for change in plan.changes
        if change.action in results
    }


def converge(
    session: Session, branch: Branch, plan: Plan, rules: Rules, how: Execution
) -> tuple[Outcome, ...]:
    """Carry the plan out and follow the tip; one outcome for each change, in the plan's order."""
    ended = settled_without_write(plan)
    written = {change.id: branch.body(change.id) for change in plan.changes}
    order = tuple(written)
    for _ in range(_LOOKS):
        ended |= {
            o.id: _noted(o, branch, ended) for o in execute(session.cluster, plan, rules, how)
        }
        seen = _at_tip(session, branch)
        again = [id for id in order if _moved(ended[id], written[id], seen.body(id))]
        if not again:
            break
        lives = _observed(session, ended, again)
        branch = session.read(session.store.fetch())
        written |= {id: branch.body(id) for id in again}
        plan = _replanned(session, branch, again, ended, lives, rules)
        ended |= settled_without_write(plan)
    return tuple(ended[id] for id in order)


def _noted(outcome: Outcome, branch: Branch, ended: dict[ResourceId, Outcome]) -> Outcome:
    if outcome.id not in ended:
        return outcome
    return replace(outcome, message=f"superseded by {branch.tip.commit[:7]}")


def _at_tip(session: Session, branch: Branch) -> Branch:
    tip = session.store.fetch()
    return branch if tip.commit == branch.tip.commit else session.read(tip)


def _moved(outcome: Outcome, written: Body | None, declared: Body | None) -> bool:
    if outcome.result is Result.MOVED:
        return True
    if written is None or declared is None:
        return written is not declared
    return not same(written, declared)


def _observed(
    session: Session, ended: dict[ResourceId, Outcome], ids: Iterable[ResourceId]
) -> Lives:
    apis = {id: api for id in ids if (api := ended[id].change.api) is not None}
    with ThreadPoolExecutor(WORKERS) as pool:
        return look(session.cluster, apis, pool)


def _replanned(
    session: Session,
    branch: Branch,
    ids: list[ResourceId],
    ended: dict[ResourceId, Outcome],
    lives: Lives,
    rules: Rules,
) -> Plan:
    entries = branch.snapshot.entries
    declared = [session.opened(branch, entries[id].manifest) for id in ids if id in entries]
    plan = observe(session.cluster, declared, rules, lives)
    gone = [_removal(ended[id].change, lives.get(id), rules) for id in ids if id not in entries]
    return Plan((*plan.changes, *gone))


def _removal(change: Change, live: Body | Refusal | None, rules: Rules) -> Change:
    """The tip has removed what we wrote: remove it, if it still is ours."""
    if isinstance(live, Refusal):
        raise GitopsError(f"{change.id} cannot be read: {live.message}", "kubectl gitops pull")
    if live is None or not applyset.owns(live, rules.set_id):
        return replace(change, action=Action.SKIP, live=live, reason="it is gone")
    return replace(change, action=Action.DELETE, live=live, sent=None, preview=None, unchecked="")
