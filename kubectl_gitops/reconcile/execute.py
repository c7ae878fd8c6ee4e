"""Carry a plan out: stages in order, resources of a stage side by side, removals last and reversed.

The only function of the program that writes members of the set. It decides nothing: what is to be
done stands in the plan, and what came of it is returned for each change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from kubectl_gitops import applyset, ordering
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Result
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile.look import workers
from kubectl_gitops.reconcile.observe import Rules
from kubectl_gitops.reconcile.parent import Parent
from kubectl_gitops.reconcile.wait import Clock, Waiting, await_current, await_gone
from kubectl_gitops.reconcile.write import Removal, Sending, apply_change, delete_change
from kubectl_gitops.recording import recorded
from kubectl_gitops.resource import Body, ResourceId, is_terminating, labels_of

__all__ = ["Execution", "execute", "home_first"]


def _silent(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Execution:
    """How a plan is carried out, and who is told.

    `done` hears every outcome, in the plan's order within a stage; `waiting` hears what is waited
    for. `barrier` and `gone` are the longest waits, in seconds, for what others depend on
    (a CRD to be established, a Namespace) and for a deleted object to go. `wait` False: a deleted
    object is not waited for.
    """

    clock: Clock = field(default_factory=Clock)
    done: Callable[[Outcome], None] = _silent
    waiting: Waiting = _silent
    removal: Removal = field(default_factory=Removal)
    barrier: float = 60.0
    gone: float = 60.0
    wait: bool = True


def execute(cluster: Cluster, plan: Plan, rules: Rules, how: Execution) -> tuple[Outcome, ...]:
    """Carry out all writes of a plan; a refused resource does not stop the others.

    An interrupt lets the writes that are under way end and begins no other.
    """
    with workers(_GRACE) as pool:
        return _executed(_Run(cluster, rules, how, pool), plan)


def _executed(run: _Run, plan: Plan) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    applies = [c for c in plan.changes if c.action in (Action.CREATE, Action.UPDATE)]
    for stage in ordering.stages(applies, _body):
        outcomes += run.told(run.applied(stage.items))
        run.stand(stage.awaited)
    removals = [c for c in plan.changes if c.action is Action.DELETE]
    if not all(outcome.result.done for outcome in outcomes):
        return (*outcomes, *map(_not_removed, removals))
    going: list[Change] = []
    for stage in ordering.removal_stages(removals, _body):
        ended = list(run.told(run.removed(stage.items)))
        outcomes += ended
        # What the server did not delete would be waited for in vain.
        deleted = {outcome.id for outcome in ended if outcome.result is Result.DELETED}
        run.gone([change for change in stage.awaited if change.id in deleted])
        going += [change for change in stage.items if change.id in deleted]
    held = run.gone(going) if run.how.wait else {}
    return tuple(_held(outcome, held) for outcome in outcomes)


def _held(outcome: Outcome, held: Mapping[ResourceId, str]) -> Outcome:
    """A deletion that was accepted and does not come to its end: the object still is the set's."""
    if outcome.id not in held:
        return outcome
    return replace(outcome, result=Result.BLOCKED, message=f"still there: {held[outcome.id]}")


def _not_removed(change: Change) -> Outcome:
    """What goes makes room for what comes: without the one there is no other."""
    message = "not removed, because not everything else was applied"
    return Outcome(change, Result.BLOCKED, change.live, message=message)


def _body(change: Change) -> Body:
    body = change.sent or change.live
    assert body is not None
    return body


def home_first(cluster: Cluster, parent: Parent, plan: Plan, rules: Rules, how: Execution) -> None:
    """Create the home Namespace, if the plan does: the set's parent lives there."""
    home = ResourceId("", "Namespace", "", parent.home)
    first = tuple(c for c in plan.changes if c.id == home and c.action is Action.CREATE)
    execute(cluster, Plan(first), rules, replace(how, done=_silent))


@dataclass(frozen=True, slots=True)
class _Run:
    cluster: Cluster
    rules: Rules
    how: Execution
    pool: ThreadPoolExecutor

    def told(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            self.how.done(outcome)
            yield outcome

    def applied(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """The outcomes in the order of the changes, while later ones are still under way."""
        return self.pool.map(self._apply, changes)

    def _apply(self, change: Change) -> Outcome:
        assert change.sent is not None
        # The plan was made of what is in scope; what is sent is what counts.
        target = ResourceId.of(change.sent)
        if why := self.rules.outside(target, labels_of(change.sent)):
            return Outcome(change, Result.REFUSED, refusal=Refusal(403, "OutOfScope", why))
        if change.live is not None and is_terminating(change.live):
            # Server-side apply of a terminating object answers 200 and is lost with it.
            held = self.gone([change])
            if held:
                message = f"still terminating: {held[change.id]}"
                return Outcome(change, Result.BLOCKED, message=message)
            change = replace(change, live=None)
        if change.recreates:
            return self._recreated(change)
        outcome = self._tried(change)
        if outcome.live is not None and is_terminating(outcome.live):
            return self._apply(replace(change, action=Action.CREATE, live=outcome.live))
        return outcome

    def _recreated(self, change: Change) -> Outcome:
        """Deleted, waited for, created: the outcome is that of an update."""
        deleted = delete_change(self.cluster, change, self.how.removal)
        if deleted.result is not Result.DELETED:
            return deleted
        if held := self.gone([change]):
            message = f"still terminating: {held[change.id]}"
            return Outcome(change, Result.BLOCKED, change.live, message=message)
        created = self._apply(replace(change, action=Action.CREATE, live=None, recreates=False))
        if created.result is Result.REFUSED:
            return replace(created, change=change, message=self._put_back(change))
        result = Result.CONFIGURED if created.result is Result.CREATED else created.result
        return replace(created, change=change, result=result)

    def _put_back(self, change: Change) -> str:
        """What the trial did not foresee (an address that another Service holds, a webhook)."""
        assert change.api is not None
        assert change.live is not None
        body = applyset.member(recorded(change.live), self.rules.set_id)
        answer = self.cluster.apply(
            change.api, body, validation=self.rules.validation, quiet=change.private
        )
        if isinstance(answer, Refusal):
            return f"it was deleted, and cannot be put back: {answer.message}"
        return "it was deleted for that, and was put back as it was"

    def _tried(self, change: Change) -> Outcome:
        """Once, or for a while where what it depends on has only just come.

        A CRD that is Established may still answer 404, or with its former schema, for a moment.
        """
        deadline = self.how.clock.monotonic() + _SETTLING
        while True:
            outcome = self._written(change)
            if not _premature(outcome) or self.how.clock.monotonic() > deadline:
                return outcome
            self.how.clock.sleep(0.1)

    def _written(self, change: Change) -> Outcome:
        ignored: tuple[str, ...] = ()
        if change.sent is not None and change.live is not None:
            ignored = self.rules.ignored(change.sent, change.live)
        rules = self.rules
        how = Sending(rules.rights, rules.validation, change.private, ignored, rules.adopts)
        return apply_change(self.cluster, change, how)

    def stand(self, changes: Sequence[Change]) -> None:
        """Wait until what the next stage needs is there; what is not makes its users fail."""
        apis = {change.id: change.api for change in changes if change.api is not None}
        await_current(self.cluster, apis, self.how.clock, self.how.barrier, self.how.waiting)

    def removed(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Delete side by side; the outcomes say what the server answered, not what is gone."""
        return self.pool.map(lambda c: delete_change(self.cluster, c, self.how.removal), changes)

    def gone(self, changes: Sequence[Change]) -> dict[ResourceId, str]:
        """Wait for these objects to go; what still holds those that have not."""
        wanted = {
            change.id: (change.api, change.live["metadata"]["uid"])
            for change in changes
            if change.api is not None and change.live is not None
        }
        how = self.how
        return await_gone(self.cluster, wanted, how.clock, how.gone, how.waiting)


_GRACE = 8.0
"""Seconds that an interrupt waits for the writes under way; Kubernetes kills a Pod after 30."""

_SETTLING = 10.0
"""Seconds a resource may be refused for what its stage's forerunners have only just brought."""


def _premature(outcome: Outcome) -> bool:
    refusal = outcome.refusal
    if not outcome.change.unchecked or not isinstance(refusal, Refusal):
        return False
    return refusal.code == 404 or "unknown field" in refusal.message
