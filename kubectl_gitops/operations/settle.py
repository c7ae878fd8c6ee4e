"""A resource that passed the dry-run and was refused for good: give the branch its former content.

Quotas, a nodePort taken twice, an object too large: the API server finds these only at the write.
One follow-up commit restores what the branch said before, and only where that is certain to be
what the cluster holds. Everything else is left as it is, Git ahead, for a person and `pull`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_gitops import equality
from kubectl_gitops.applyset import unlabelled
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.operations.converge import converge, follow
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Outcome, Result
from kubectl_gitops.ports import ClusterIdentity, Moved, Refusal, StoreRefusal
from kubectl_gitops.reconcile import Execution, Rules, observe
from kubectl_gitops.resource import Body, ResourceId, same

__all__ = ["settle"]

_NOT_FINAL = frozenset({401, 409, 429})
_TRIES = 5


def settle(
    session: Session,
    ours: Branch,
    outcomes: Sequence[Outcome],
    rules: Rules,
    how: Execution,
    who: ClusterIdentity,
) -> str:
    """The id of the restoring commit on top of `ours`, empty where nothing was restored.

    The restoring commit is carried out like any other: what the tip says by then is what counts.
    """
    refused = [outcome for outcome in outcomes if _is_final(outcome)]
    if not refused or len(ours.settings.clusters) != 1:
        return ""
    former = session.read_at(session.store.parent(ours.tip.commit))
    for _ in range(_TRIES):
        certain = [o for o in refused if _as_it_was(session, former, o, rules)]
        tip = session.read(session.store.fetch())
        still = [o for o in certain if _holds_ours(ours, tip, o.id)]
        if not still:
            return ""
        answer = _restored(session, former, tip, still, who)
        if isinstance(answer, Moved):
            continue
        if answer:
            branch, plan = follow(session, [outcome.change for outcome in still], rules)
            converge(session, branch, plan, rules, how)
        return answer
    return ""


def _is_final(outcome: Outcome) -> bool:
    """A 401, a 429 and a Namespace that is going are not answers to the resource itself."""
    refusal = outcome.refusal
    if outcome.result is not Result.REFUSED or refusal is None or refusal.code in _NOT_FINAL:
        return False
    return not any(cause.reason == "NamespaceTerminating" for cause in refusal.causes)


def _as_it_was(session: Session, former: Branch, outcome: Outcome, rules: Rules) -> bool:
    """True where the live object, read again, is what the branch declared before our commit."""
    change, id = outcome.change, outcome.id
    if change.api is None or change.action is Action.DELETE:
        return False
    live = session.cluster.get(change.api, id.namespace, id.name)
    if isinstance(live, Refusal):
        return False
    entry = former.snapshot.entries.get(id)
    if entry is None or live is None:
        return entry is None and live is None
    declared = session.opened(former, entry.manifest)
    return _changes_nothing(session, id, live, rules, declared)


def _changes_nothing(
    session: Session, id: ResourceId, live: Body, rules: Rules, declared: OpenManifest
) -> bool:
    (planned,) = observe(session.cluster, [declared], rules, {id: live}).changes
    if planned.refusal is not None or planned.unchecked:
        return False
    answer = planned.preview.answer if planned.preview else live
    if isinstance(answer, Refusal):
        return False
    # What was not ours yet lacks our label; that is none of its former content.
    return not equality.differences(unlabelled(live), unlabelled(answer))


def _holds_ours(ours: Branch, tip: Branch, id: ResourceId) -> bool:
    mine, theirs = ours.body(id), tip.body(id)
    return mine is not None and theirs is not None and same(mine, theirs)


def _restored(
    session: Session,
    former: Branch,
    tip: Branch,
    refused: Sequence[Outcome],
    who: ClusterIdentity,
) -> str | Moved:
    entries = {outcome.id: former.snapshot.entries.get(outcome.id) for outcome in refused}
    puts = [entry.manifest for entry in entries.values() if entry]
    removals = [id for id, entry in entries.items() if entry is None]
    reasons = _reasons(refused)
    message = session.message("restore", entries, f"refused: {reasons}", who)
    commit = session.commit(tip.tip.commit, tip.snapshot.edit(puts, removals), message)
    answer = session.store.publish(tip.tip, commit)
    if isinstance(answer, StoreRefusal):
        return ""
    return answer if isinstance(answer, Moved) else commit


def _reasons(refused: Sequence[Outcome]) -> str:
    """What the server said; a refusal's message never holds a Secret's value."""
    if len(refused) == 1 and refused[0].refusal:
        return refused[0].refusal.message
    return "; ".join(f"{o.id}: {o.refusal.message}" for o in refused if o.refusal)
