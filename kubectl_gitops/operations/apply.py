"""`apply`: make resources what their manifests say, the branch first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kubectl_gitops.annotations import unheeded
from kubectl_gitops.applyset import PART_OF, tracked_by, unlabelled
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, edit_text
from kubectl_gitops.merge import merge
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.prune import Pruning, intend_to_prune
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session, Wanted, conflict
from kubectl_gitops.ordering import check_dependencies
from kubectl_gitops.plan import Action, Plan, Rights
from kubectl_gitops.reconcile import (
    Execution,
    Rules,
    observe,
    recreatable,
    recreating,
    with_namespace,
)
from kubectl_gitops.recording import recorded_manifest
from kubectl_gitops.resource import is_terminating, labels_of, same
from kubectl_gitops.sealing import exposed, unmanageable

__all__ = ["ApplyOptions", "apply", "intend_to_write"]


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What the flags of `apply` ask for; `operation` names the front door in commits.

    `allow_plain` is that of `Request`.
    `base` is the branch that the manifests were written on, where a person read it before: what
    others change from there on is kept. `adopts`: they were made of what is live (`import`).
    `asks` False: `--dry-run=client`. `recreate`: what cannot be changed is deleted and created
    again. `prune`: what the input no longer has is removed. `record_only`: the cluster is left
    alone.
    """

    reason: str = ""
    operation: str = "apply"
    rights: Rights = Rights.OWN
    validation: str = "Strict"
    dry_run: bool = False
    adopts: bool = False
    asks: bool = True
    recreate: bool = False
    prune: Pruning | None = None
    record_only: bool = False
    how: Execution = field(default_factory=Execution)
    allow_plain: tuple[str, ...] = ()
    base: Branch | None = None

    def rules(self, session: Session, branch: Branch) -> Rules:
        """What holds for the writes of this command."""
        rules = session.rules(branch, self.rights, self.validation)
        return replace(rules, adopts=self.adopts, asks=self.asks)


def apply(session: Session, manifests: Sequence[OpenManifest], options: ApplyOptions) -> Report:
    """Commit the manifests and apply them.

    Raises `GitopsError` (exit 3) where somebody changed the same field of the same resource on
    the branch in the meantime.
    """
    mine = _Mine(session, tuple(manifests), options, options.base)
    return carry(
        session,
        Request(
            options.operation,
            options.reason,
            mine.intend,
            lambda branch: options.rules(session, branch),
            options.how,
            options.dry_run,
            options.record_only,
            options.allow_plain,
        ),
    )


@dataclass(slots=True)
class _Mine:
    """The person's manifests, and the branch they were last seen against."""

    session: Session
    manifests: tuple[OpenManifest, ...]
    options: ApplyOptions
    seen: Branch | None = None
    warned: set[str] = field(default_factory=set)

    def intend(self, branch: Branch) -> Intent:
        session, options = self.session, self.options
        if self.seen is not None and self.seen.tip.commit != branch.tip.commit:
            self.manifests = _replayed(session, self.seen, branch, self.manifests)
        self.seen = branch
        rules = options.rules(session, branch)
        intent = intend_to_write(session, branch, self.manifests, rules)
        plan = recreatable(session.cluster, intent.plan, options.validation)
        forced = plan.ids(Action.UPDATE) if options.recreate else ()
        intent = replace(intent, plan=recreating(plan, forced))
        for warning in _warnings(intent):
            if warning not in self.warned:
                self.warned.add(warning)
                session.tell(f"warning: {warning}")
        if options.prune is None or intent.plan.refused:
            return intent
        return intent.beside(self._removals(branch, options.prune))

    def _removals(self, branch: Branch, prune: Pruning) -> Intent:
        given = {manifest.id for manifest in self.manifests}
        allowed = replace(prune, confirm=lambda *_: True) if self.options.dry_run else prune
        return intend_to_prune(self.session, branch, given, allowed)


def intend_to_write(
    session: Session, branch: Branch, manifests: Sequence[OpenManifest], rules: Rules
) -> Intent:
    """What it takes that branch and cluster hold these manifests.

    `GitopsError` for one outside of the set's scope, or whose order cannot be kept.
    """
    wanted = session.sealed(branch, [_without_label(one, rules.set_id) for one in manifests])
    for one in wanted:
        _check_scope(branch, one)
    check_dependencies([with_namespace(one.open) for one in wanted], branch.snapshot.entries)
    plan = observe(session.cluster, [one.open for one in wanted], rules)
    session.verdicts.save(whole=False)
    before = _unrecorded(session, branch, plan, wanted)
    return Intent(
        plan,
        puts=tuple(one.sealed for one in wanted),
        before=tuple(one.sealed for one in before),
        key_id=session.sealing_key(branch, (*wanted, *before)),
        tripwire=session.tripwire(branch, (*wanted, *before)),
    )


def _without_label(manifest: OpenManifest, set_id: str) -> OpenManifest:
    """What `kubectl get -o yaml` printed carries our label, which nobody wrote."""
    if labels_of(manifest.body).get(PART_OF) != set_id:
        return manifest
    body = unlabelled(manifest.body)
    text, _ = edit_text(manifest.text, manifest.body, body)
    return replace(manifest, text=text, body=body)


def _warnings(intent: Intent) -> Iterator[str]:
    """What is named like a secret and is not sealed, what is not heeded, who may undo it."""
    for manifest in intent.puts:
        yield from (str(one) for one in exposed(manifest) if not one.token)
    if ignored := unheeded(manifest.body for manifest in intent.puts):
        yield ignored
    for change in intent.plan.changes:
        tool = tracked_by(change.live) if change.writes and change.live else None
        if tool:
            yield f"{change.id} is kept by {tool}, which may undo this"


def _check_scope(branch: Branch, wanted: Wanted) -> None:
    labels = wanted.sealed.body["metadata"].get("labels")
    if why := branch.settings.outside(wanted.id, labels):
        raise GitopsError(f"{wanted.id}: {why}", "kubectl gitops status")


def _unrecorded(
    session: Session, branch: Branch, plan: Plan, wanted: Sequence[Wanted]
) -> tuple[Wanted, ...]:
    """What is live and the branch lacks, as it is now: even the first change can be undone."""
    bodies = {one.id: one.sealed.body for one in wanted}
    found = [
        recorded_manifest(change.id, change.live)
        for change in plan.changes
        if change.live is not None
        and change.id not in branch.snapshot.entries
        and not is_terminating(change.live)
        and not unmanageable(change.live)
    ]
    sealed = session.sealed(branch, found)
    return tuple(one for one in sealed if one.sealed.body != bodies.get(one.id))


def _replayed(
    session: Session, base: Branch, tip: Branch, manifests: Sequence[OpenManifest]
) -> tuple[OpenManifest, ...]:
    """Our manifests on a tip that moved: what others changed elsewhere in them is kept."""
    sealed = session.sealed(base, manifests)
    return tuple(_merged(session, base, tip, one) for one in sealed)


def _merged(session: Session, base: Branch, tip: Branch, mine: Wanted) -> OpenManifest:
    before, theirs = base.body(mine.id), tip.body(mine.id)
    merged = merge(before, mine.sealed.body, theirs)
    if merged.overlaps:
        raise conflict(
            f"{mine.id}: somebody changed {', '.join(merged.overlaps)} on {session.store.branch} "
            f"(commit {tip.tip.commit[:7]}) while you did; nothing was changed",
            f"kubectl gitops history {mine.id.argument} --patch",
            "kubectl gitops apply -f FILE   # with their change in it",
        )
    if theirs is None or merged.body is None or same(merged.body, mine.sealed.body):
        return mine.open
    text = tip.snapshot.entries[mine.id].manifest.text
    edited, warning = edit_text(text, theirs, merged.body)
    if warning:
        session.tell(f"warning: {mine.id}: {warning}")
    whole = Manifest(mine.id, merged.body["apiVersion"], edited, merged.body)
    return session.opened(tip, whole)
