"""The one way a person's change goes: plan, commit, push, then the cluster, then settle.

`apply`, `delete`, `import` and their kin are front doors to `carry`. The branch comes first,
always, and it is all or nothing at the dry-run (`docs/order-of-writes.md`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.operations.converge import converge
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.operations.settle import settle
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Result
from kubectl_gitops.ports import ClusterIdentity, Moved, StoreRefusal, Tip
from kubectl_gitops.reconcile import Execution, Parent, Rules, home_first, note, widen
from kubectl_gitops.resource import ResourceId, same
from kubectl_gitops.sealing import SealRule, Tripwire, hiding, new_tokens

__all__ = ["Intent", "Request", "carry"]

_TRIES = 30
"""Pushes that may lose the race before we say so; each one means that somebody else succeeded."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What an operation does, as planned on one tip.

    `puts` and `removals` are the branch's part, `plan` the cluster's. `before` are resources that
    are live and unrecorded: they are recorded as they were, in a commit of their own below ours.
    `key_id` is the key that sealed values in `puts`, if any did.
    """

    plan: Plan
    puts: tuple[Manifest, ...] = ()
    removals: tuple[ResourceId, ...] = ()
    before: tuple[Manifest, ...] = ()
    key_id: str = ""
    tripwire: Tripwire = field(default_factory=Tripwire)

    def beside(self, other: Intent) -> Intent:
        """Both intents as one operation; they are about different resources."""
        mine, theirs = self.tripwire, other.tripwire
        return Intent(
            Plan((*self.plan.changes, *other.plan.changes)),
            (*self.puts, *other.puts),
            (*self.removals, *other.removals),
            (*self.before, *other.before),
            self.key_id or other.key_id,
            Tripwire((*mine.values, *theirs.values), (*mine.bodies, *theirs.bodies)),
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One command: `intend` plans it on a branch, and again on a newer one if the push lost.

    `allow_plain` names resources that may hold what looks like a token in the clear, as messages
    do: `configmap/banner`, `configmap/shop/banner`. None: all of them, for what was in Git before.
    """

    operation: str
    reason: str
    intend: Callable[[Branch], Intent]
    rules: Callable[[Branch], Rules]
    how: Execution = field(default_factory=Execution)
    dry_run: bool = False
    record_only: bool = False
    allow_plain: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class _Published:
    """Where the branch stood when we planned, our commit on it, and the tip after the push."""

    base: Branch
    intent: Intent
    parent: Parent
    commit: str
    tip: Tip
    who: ClusterIdentity


def carry(session: Session, request: Request) -> Report:
    """Carry a request out; the report says what came of every resource.

    Raises `GitopsError` where nothing was changed at all: the branch cannot be read, belongs to
    another cluster, or its server refuses the push.
    """
    branch = session.read(session.store.fetch())
    for _ in range(_TRIES):
        who = session.bound(branch)
        intent = request.intend(branch)
        _refuse_tokens(request, branch, intent)
        branch.snapshot.refuse_duplicates([*(one.id for one in intent.puts), *intent.removals])
        if intent.plan.refused or request.dry_run:
            return _planned(request, branch, intent)
        parent = session.parent(branch)  # one that may not be read is the end, before the push
        commit = _commit(session, request, branch, intent, who)
        tip = _publish(session, branch, commit)
        if not isinstance(tip, Moved):
            done = _Published(branch, intent, parent, commit, tip, who)
            follow = _recorded if request.record_only else _followed
            return follow(session, request, done)
        session.clock.sleep(random.uniform(0.02, 0.2))  # noqa: S311  spreads the writers, no secret
        branch = session.read(tip.tip)
    raise GitopsError(
        f"the branch moved {_TRIES} times while this change was being pushed; nothing was changed",
        "kubectl gitops history",
        exit=Exit.CONFLICT,
    )


def _refuse_tokens(request: Request, branch: Branch, intent: Intent) -> None:
    """Hosting services refuse a push with a token in it, for good; and what is pushed is known."""
    if request.allow_plain is None:
        return
    problems: dict[str, None] = {}
    hints: dict[str, None] = {}
    file = " -f FILE" if request.operation == "apply" else ""
    for manifest in (*intent.puts, *intent.before):
        id, found = manifest.id, new_tokens(manifest, branch.manifest(manifest.id))
        if found and {id.short, str(id)}.isdisjoint(request.allow_plain):
            problems |= dict.fromkeys(map(str, found))
            hints[f"kubectl gitops {request.operation}{file} --allow-plain {id.short}"] = None
    if problems:
        seal = "   # or seal the field: [[seal]] in .gitops.toml"
        first, *rest = hints
        raise GitopsError("\n".join(problems), first + seal, *rest)


def _planned(request: Request, branch: Branch, intent: Intent) -> Report:
    plan = intent.plan
    return Report(
        request.operation,
        plan=plan,
        secrets=_secrets(branch, intent),
        refused=plan.refused,
        dry_run=request.dry_run,
    )


def _secrets(branch: Branch, intent: Intent) -> dict[ResourceId, tuple[SealRule, ...]]:
    return {one.id: (*branch.secrets(one.id), hiding(one)) for one in intent.puts}


def _commit(
    session: Session, request: Request, branch: Branch, intent: Intent, who: ClusterIdentity
) -> str:
    """Our commit on the branch's tip, or that tip itself where the branch says it all already."""
    below = branch
    if intent.before:
        edits = branch.snapshot.edit(intent.before, ())
        ids = [manifest.id for manifest in intent.before]
        were = "as it was" if len(ids) == 1 else "as they were"
        reason = f"{were} before {request.operation}"
        plain = _with_new_tokens(branch, intent.before)
        message = session.message("record", ids, reason, who, plain)
        commit = session.commit(branch.tip.commit, edits, message, intent.tripwire)
        below = session.read_at(commit)
    changed = [one for one in intent.puts if _says_otherwise(below, one)]
    edits = below.snapshot.edit(changed, intent.removals)
    if not edits:
        return below.tip.commit
    if intent.key_id and not branch.settings.key_ids:
        edits |= branch.listing_keys((intent.key_id,))
    ids = [*(manifest.id for manifest in changed), *intent.removals]
    plain = _with_new_tokens(below, changed)
    message = session.message(request.operation, ids, request.reason, who, plain)
    return session.commit(below.tip.commit, edits, message, intent.tripwire)


def _with_new_tokens(branch: Branch, manifests: Iterable[Manifest]) -> list[ResourceId]:
    """In which of these a person lets stand what looks like a secret; else they got no further."""
    return [one.id for one in manifests if new_tokens(one, branch.manifest(one.id))]


def _says_otherwise(branch: Branch, manifest: Manifest) -> bool:
    """Whether a manifest would change its file, be it in a comment only."""
    entry = branch.snapshot.entries.get(manifest.id)
    return entry is None or entry.manifest.text != manifest.text


def _publish(session: Session, branch: Branch, commit: str) -> Tip | Moved:
    """Push; without anything to push, make sure that what we saw still is the tip."""
    if commit == branch.tip.commit:
        tip = session.store.fetch()
        return tip if tip.commit == commit else Moved(tip)
    answer = session.store.publish(branch.tip, commit)
    if isinstance(answer, StoreRefusal):
        raise GitopsError(
            f"{session.store.url} refuses the push to {session.store.branch}: {answer.message}; "
            "nothing was changed in the cluster",
            f"git ls-remote {session.store.url}",
        )
    return answer


def _recorded(session: Session, request: Request, done: _Published) -> Report:
    """The branch holds the change, and the cluster is left as it is."""
    before, after = done.base, session.read(done.tip)

    def outcome(change: Change) -> Outcome:
        unmoved = same(before.body(change.id), after.body(change.id))
        return Outcome(change, Result.UNCHANGED if unmoved else Result.RECORDED, change.live)

    plan = done.intent.plan
    return _reported(request, done, tuple(map(outcome, plan.changes)))


def _reported(
    request: Request, done: _Published, outcomes: tuple[Outcome, ...], restored: str = ""
) -> Report:
    commit = done.commit if done.commit != done.base.tip.commit else ""
    return Report(
        request.operation,
        commit,
        done.intent.plan,
        outcomes,
        secrets=_secrets(done.base, done.intent),
        restored=restored,
    )


def _followed(session: Session, request: Request, done: _Published) -> Report:
    """The branch holds the change. Whatever stops us from here on leaves Git ahead, and says so."""
    try:
        return _act(session, request, done)
    except GitopsError as error:
        if done.tip.commit != done.base.tip.commit:
            session.tell(f"committed {done.commit[:7]} to {session.store.branch}")
        hints = (*error.hints, "kubectl gitops pull")
        raise GitopsError(error.message, *hints, exit=Exit.AHEAD) from error


def _act(session: Session, request: Request, done: _Published) -> Report:
    """Make the cluster follow."""
    after = session.read(done.tip)
    rules, parent = request.rules(after), done.parent
    writes = [c for c in done.intent.plan.changes if c.action in (Action.CREATE, Action.UPDATE)]
    plan = done.intent.plan
    if writes:
        home_first(session.cluster, parent, plan, rules, request.how)
        parent = widen(session.cluster, parent, _kinds(writes), _namespaces(writes))
    unconfirmed = _unconfirmed(plan, done.base, after)
    outcomes = converge(session, after, plan, rules, request.how, unconfirmed)
    commit = done.commit if done.commit != done.base.tip.commit else ""
    restored = ""
    if commit:
        restored = settle(session, session.read_at(commit), outcomes, rules, request.how, done.who)
    # What is suspended does not have our commit: noted, it would look like an edit afterwards.
    if all(outcome.result.done and not outcome.change.suspended for outcome in outcomes):
        _note(session, parent, done)
    return _reported(request, done, outcomes, restored)


def _unconfirmed(plan: Plan, base: Branch, after: Branch) -> list[ResourceId]:
    """What needed no write when it was observed, before the push, and is now declared otherwise."""
    idle = plan.ids(Action.UNCHANGED, Action.SKIP)
    return [id for id in idle if not same(base.body(id), after.body(id))]


def _note(session: Session, parent: Parent, done: _Published) -> None:
    """Note our commit, if the cluster stood at the one below: a `pull` notes everything else.

    A cluster without a note stands at a branch without resources. The parent of a set whose home
    goes is going with it.
    """
    home = ResourceId("", "Namespace", "", parent.home)
    if home in done.intent.plan.ids(Action.DELETE):
        return
    below = done.base.tip.commit
    first = not parent.state.commit and not done.base.snapshot.entries
    if first or parent.state.commit == below:
        note(session.cluster, parent, done.tip.commit, after=parent.state.commit)


def _kinds(changes: list[Change]) -> set[str]:
    return {change.id.group_kind for change in changes}


def _namespaces(changes: list[Change]) -> set[str]:
    return {change.id.namespace for change in changes if change.id.namespace}
