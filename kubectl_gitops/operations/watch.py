"""`pull --watch`: the branch is followed by polling it, the cluster by listening to it.

A change in the cluster is compared with the branch as it was last read, alone; only if it differs
is the tip fetched, after the object was looked at, and nothing is reverted unless the tip still is
that branch. So an `apply`, which pushes before it writes, is never undone. Everything else is the
business of a whole `pull`: at the beginning, when the tip has moved, when something may have been
missed, and every ten minutes, since no watch is trusted alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from kubectl_gitops.catalog import Api
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.operations.fights import Fights
from kubectl_gitops.operations.listening import Heard, Listener
from kubectl_gitops.operations.pull import OnDrift, PullOptions, check_suspended, pull, tell_drift
from kubectl_gitops.operations.record import RecordOptions, record
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Result, Rights
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import Lives, catalog_of, execute, look, observe, workers
from kubectl_gitops.resource import ResourceId

__all__ = ["WatchOptions", "watch"]

_BATCH = 0.15
"""Seconds that a first event waits for those that come with it."""
_RESYNC = 600.0
_LONGEST_RETRY = 300.0
_LONGEST_PAUSE = 30.0
_PATIENCE = 5.0
"""Seconds for a new watch to begin before the first look; one that begins later tells of it."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What the flags ask for. `interval`: seconds between two looks at the branch.

    `report` hears what was done or cannot be; `trouble` hears what keeps the loop from going on,
    and None when that is over.
    """

    pull: PullOptions
    interval: float
    report: Callable[[Report], None]
    trouble: Callable[[GitopsError | None], None]


def watch(session: Session, options: WatchOptions) -> None:
    """Keep the cluster equal to the branch until the process is interrupted."""
    session = replace(session, tell=_once(session.tell))
    # The set is what it is for the life of the process; its branch is read again and again.
    settings = session.read(session.store.fetch())
    loop = _Loop(session, options, Listener(session.cluster, session.rules(settings).set_id))
    try:
        while True:
            loop.turn()
    finally:
        loop.listener.stop()


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Notes and warnings of whole pulls, those of the last hundred that were not said before."""
    said: dict[str, None] = {}

    def tell_once(text: str) -> None:
        if text not in said:
            tell(text)
        said[text] = said.pop(text, None)
        if len(said) > 100:
            del said[next(iter(said))]

    return tell_once


@dataclass(slots=True)
class _Loop:
    session: Session
    options: WatchOptions
    listener: Listener
    fights: Fights = field(default_factory=Fights)
    branch: Branch | None = None
    """The branch as the last whole pull left the cluster."""
    due: float = 0.0
    """When the next whole pull is due."""
    poll: float = 0.0
    """When the branch is looked at next, whatever happens in the cluster meanwhile."""
    retry: float = 15.0
    pause: float = 1.0
    trouble: str = ""
    failed: tuple[object, ...] = ()
    refused: frozenset[ResourceId] = frozenset()
    """What the cluster did not take in the last whole pull: that one tries again."""
    strangers: set[ResourceId] = field(default_factory=set)
    """Members that the branch does not declare, and that the last whole pull left there."""

    def turn(self) -> None:
        """See to what was heard, then wait for more, or until the branch is to be looked at."""
        heard = self.listener.take()
        try:
            if self._is_due(heard):
                self._whole()
        except GitopsError as error:
            self.listener.again(heard.changed)
            self.due = min(self.due, self._now()) if heard.missed else self.due
            self._wait_for_better(error)
            return
        if self.trouble:
            self.trouble, self.pause = "", 1.0
            self.options.trouble(None)
        self.listener.wait(min(self.poll, self.due) - self._now())
        self.session.clock.sleep(_BATCH)

    def _is_due(self, heard: Heard) -> bool:
        """Whether a whole pull has to be made; what changed is looked at, if that is enough."""
        if self.branch is None or heard.missed or self._now() >= self.due:
            return True
        if heard.changed and self._settle(self.branch, heard.changed):
            return True
        return self._now() >= self.poll and self._moved(self.branch)

    def _now(self) -> float:
        return self.session.clock.monotonic()

    def _moved(self, branch: Branch) -> bool:
        """Look at the branch: whether it is not any more what it was."""
        tip = self.session.store.fetch()
        self.poll = self._now() + self.options.interval * random.uniform(0.8, 1.2)  # noqa: S311  jitter
        return tip.commit != branch.tip.commit

    def _wait_for_better(self, error: GitopsError) -> None:
        """Git or the cluster is away, or the set suspended: said once, tried again and again."""
        if error.message != self.trouble:
            self.trouble = error.message
            self.options.trouble(error)
        self.session.clock.sleep(self.pause * random.uniform(0.8, 1.2))  # noqa: S311  jitter
        self.pause = min(_LONGEST_PAUSE, self.pause * 2)

    def _whole(self) -> None:
        """A complete pull of the tip, with every kind listened to that it is about."""
        session = self.session
        catalog_of(session.cluster, fresh=True)
        before = session.read(session.store.fetch())
        self._listen(before)
        bodies = {id: entry.manifest.body for id, entry in before.snapshot.entries.items()}
        self.fights.forget(bodies, self._now())
        report = pull(session, replace(self.options.pull, stopped=self.fights.stopped))
        if self.branch is None or report.commit != self.branch.tip.commit:
            self.strangers.clear()
        self.branch = session.read_at(report.commit)
        self.refused = frozenset(change.id for change in report.refused)
        catalog_of(session.cluster, fresh=True)
        fresh = self._listen(self.branch)
        self._tell(report)
        self.retry = 15.0 if report.exit == 0 else min(_LONGEST_RETRY, self.retry * 2)
        wait = 0.0 if fresh else _RESYNC if report.exit == 0 else self.retry
        self.due = self._now() + wait * random.uniform(0.9, 1.1)  # noqa: S311  spreads clients

    def _listen(self, branch: Branch) -> bool:
        """Whether a kind is listened to that was not before."""
        catalog = catalog_of(self.session.cluster)
        parent = self.session.parent(branch)
        names = {id.group_kind for id in branch.snapshot.entries} | parent.state.group_kinds
        found = (catalog.find(group, kind) for kind, _, group in (n.partition(".") for n in names))
        apis = [api for api in found if api is not None]
        return self.listener.listen(apis, branch.settings.namespaces, _PATIENCE)

    def _settle(self, branch: Branch, changed: Iterable[ResourceId]) -> bool:
        """Look at what changed, and at nothing else; whether a whole pull has to see to it."""
        session = self.session
        catalog = catalog_of(session.cluster)
        apis = {id: api for id in changed if (api := catalog.find(id.group, id.kind)) is not None}
        declared = [id for id in apis if self._is_declared(branch, id)]
        strangers = apis.keys() - branch.snapshot.entries.keys() - self.strangers
        lives = self._lives({id: apis[id] for id in (*declared, *strangers)})
        _check_reached(lives)
        if any(lives[id] is not None for id in strangers):
            self.strangers |= strangers
            return True
        manifests = [one for id in declared if (one := self._opened(branch, id)) is not None]
        rules = session.rules(branch, Rights.DRIFT)
        plan = observe(session.cluster, manifests, rules, lives)
        differing = [change for change in plan.changes if self._is_news(change)]
        if not differing:
            return False
        # Only now, after the look: an apply that is under way has pushed before it wrote.
        reverts = self.options.pull.on_drift is OnDrift.REVERT
        if self._moved(branch) or (self.failed and not reverts):
            return True
        parent = session.parent(branch)
        if (
            parent.live is None
        ):  # deleted: with it goes what kinds the set holds, till it is written
            return True
        check_suspended(parent)
        return self._drifted(branch, differing)

    def _is_news(self, change: Change) -> bool:
        """Whether it differs, and is neither fought over nor known to be refused."""
        if not change.writes or change.id in self.fights.stopped:
            return False
        return change.refusal is None or change.id not in self.refused

    def _opened(self, branch: Branch, id: ResourceId) -> OpenManifest | None:
        """The manifest, None where its Secret does not open: the whole pull has told."""
        try:
            return self.session.opened(branch, branch.snapshot.entries[id].manifest)
        except GitopsError:
            return None

    def _is_declared(self, branch: Branch, id: ResourceId) -> bool:
        entry = branch.snapshot.entries.get(id)
        if entry is None:
            return False
        return not branch.settings.outside(id, entry.manifest.body["metadata"].get("labels"))

    def _lives(self, apis: dict[ResourceId, Api]) -> Lives:
        with workers() as pool:
            return look(self.session.cluster, apis, pool)

    def _drifted(self, branch: Branch, changes: list[Change]) -> bool:
        """Somebody changed what the branch declares: take it back, record it or say so."""
        options = self.options.pull
        if options.on_drift is OnDrift.REPORT:
            for change in changes:
                tell_drift(branch, change, options)
            return False
        if options.on_drift is OnDrift.RECORD:
            ids = [change.id for change in changes if change.live is not None]
            if ids:
                recording = RecordOptions(how=options.how, found=options.drifted)
                self._tell(record(self.session, ids, recording))
            return bool(ids)
        writes = [change for change in changes if not change.refusal]
        rules = self.session.rules(branch, Rights.DRIFT)
        outcomes = execute(self.session.cluster, Plan(tuple(writes)), rules, options.how)
        refused = tuple(change for change in changes if change.refusal)
        told = [Outcome(c, Result.REFUSED, c.live, c.refusal) for c in refused]
        done = (*outcomes, *told)
        self._tell(Report("pull", branch.tip.commit, Plan(()), done, refused=refused))
        self.listener.again(o.id for o in outcomes if o.result is Result.MOVED)
        for outcome in outcomes:
            self._count(branch, outcome)
        return any(outcome.result is Result.UNKNOWN for outcome in outcomes)

    def _count(self, branch: Branch, outcome: Outcome) -> None:
        """One rewrite more of a resource; at the fifth within a minute it is left alone."""
        declared = branch.body(outcome.id)
        if declared is None or outcome.result not in (Result.CONFIGURED, Result.CREATED):
            return
        fields = {f"{taken.manager} ({taken.field})" for taken in outcome.taken}
        others = ", ".join(sorted(fields)) or "somebody who deletes it"
        why = self.fights.rewritten(outcome.id, others, declared, self._now())
        if why:
            change = replace(outcome.change, action=Action.SKIP)
            finding = f"{outcome.id} is left alone until the branch changes it: {why}"
            hint = f"kubectl gitops record {outcome.id.argument}"
            plan = Plan((change,))
            self.options.report(Report("pull", "", plan, findings=(finding,), hints=(hint,)))

    def _tell(self, report: Report) -> None:
        """What was done, and what could not be unless that was said last time."""
        done = [o for o in report.outcomes if o.result.done and o.change.writes]
        left = [o for o in report.outcomes if not o.result.done]
        failed = (*((o.id, o.result) for o in left), *report.findings, *_reasons(report.refused))
        if done or (failed and failed != self.failed):
            shown = [o for o in (*done, *left) if o.result is not Result.UNCHANGED]
            self.options.report(replace(report, outcomes=tuple(shown)))
        self.failed = failed


def _check_reached(lives: Lives) -> None:
    """`GitopsError` where the API server did not answer; what it forbids the whole pull tells."""
    for live in lives.values():
        if isinstance(live, Refusal) and live.unknown:
            raise GitopsError(live.message, "kubectl cluster-info")


def _reasons(refused: Iterable[Change]) -> list[object]:
    return [(change.id, change.refusal.message) for change in refused if change.refusal]
