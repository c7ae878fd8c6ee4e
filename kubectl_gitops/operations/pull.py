"""`pull`: make the cluster equal to the branch, and prune only when all else has succeeded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kubectl_gitops.annotations import unheeded
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.converge import settled_without_write
from kubectl_gitops.operations.inspect import Drift, drifts, is_ahead, noted_bodies
from kubectl_gitops.operations.picture import Picture, take_picture
from kubectl_gitops.operations.record import RecordOptions, record
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.operations.trust import check_signatures
from kubectl_gitops.plan import (
    Action,
    Change,
    Outcome,
    Plan,
    PruneVerdict,
    Result,
    prune_limit,
)
from kubectl_gitops.reconcile import Execution, Parent, execute, home_first, note, widen
from kubectl_gitops.resource import ResourceId

__all__ = ["OnDrift", "PullOptions", "check_suspended", "pull", "tell_drift"]

_ROUNDS = 10


class OnDrift(StrEnum):
    """What becomes of a change that somebody made in the cluster."""

    REVERT = "revert"
    RECORD = "record"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class PullOptions:
    """What the flags of `pull` ask for.

    `allow_prune` None: up to the limit, and no Namespace, CRD, PV or PVC; a number: up to that
    many, of any kind. `confirm(removals, beyond)` is asked before anything is removed; `beyond`
    says that the removals go beyond what needs no yes. `drifted` hears what is not reverted, Secret
    values masked; `stopped` are resources to leave alone, and why. `signed_since` None: signatures
    are not looked at; empty: every commit since the last pull must be signed and trusted, else all
    that are not below this one.
    """

    prune: bool = True
    allow_prune: int | None = None
    accept_rewrite: bool = False
    signed_since: str | None = None
    dry_run: bool = False
    confirm: Callable[[tuple[PruneVerdict, ...], bool], bool] = lambda _, beyond: not beyond
    on_drift: OnDrift = OnDrift.REVERT
    drifted: Callable[[ResourceId, tuple[Drift, ...]], None] = lambda _, __: None
    stopped: Mapping[ResourceId, str] = field(default_factory=dict)
    how: Execution = field(default_factory=Execution)


@dataclass(frozen=True, slots=True)
class _Prune:
    """What goes, and why nothing does where nothing may; `left`: because nobody asked for it."""

    removals: tuple[PruneVerdict, ...] = ()
    held: str = ""
    hint: str = ""
    left: bool = False


def pull(session: Session, options: PullOptions) -> Report:
    """One complete pull; begun again where somebody writes or pushes meanwhile.

    The report's findings say what could not be read: then nothing is pruned and the exit is 1.
    """
    ended: dict[ResourceId, Outcome] = {}
    report = Report("pull")
    for number in range(_ROUNDS):
        picture = take_picture(session)
        if number == 0:
            _warn(session, picture)
        if not options.dry_run:
            check_suspended(picture.parent)
        if options.signed_since is not None:
            check_signatures(session, picture, options.signed_since)
        picture, left = _left_alone(session, picture, options)
        if left and options.on_drift is OnDrift.RECORD and not options.dry_run:
            recording = RecordOptions(how=options.how, found=options.drifted)
            recorded = record(session, left, recording)
            if recorded.exit:
                return recorded
            options = replace(options, on_drift=OnDrift.REPORT, drifted=_unheard)
            continue
        prune = _prune(session, picture, options)
        if options.dry_run:
            plan = Plan((*picture.plan.changes, *_removals(picture, prune)))
            return _reported(picture, prune, plan, {}, dry_run=True)
        outcomes = _executed(session, picture, prune, options)
        ended = {id: outcome for id, outcome in ended.items() if outcome.result.done}
        ended |= {outcome.id: _latest(ended.get(outcome.id), outcome) for outcome in outcomes}
        report = _reported(picture, prune, picture.plan, ended)
        moved = any(outcome.result is Result.MOVED for outcome in outcomes)
        if not moved and session.store.fetch().commit == picture.branch.tip.commit:
            if report.exit == 0 and not prune.left:
                _noted(session, picture)
            return report
    return replace(report, unsettled=True)


def check_suspended(parent: Parent) -> None:
    """`GitopsError` while the whole set is to be left alone."""
    by = parent.suspended
    if by is not None:
        raise GitopsError(
            f"the set {parent.set_name} is suspended" + (f" by {by}" if by else ""),
            "kubectl gitops resume",
        )


def _warn(session: Session, picture: Picture) -> None:
    entries = picture.branch.snapshot.entries.values()
    if ignored := unheeded(entry.manifest.body for entry in entries):
        session.tell(f"warning: {ignored}")


def _unheard(_: ResourceId, __: tuple[Drift, ...]) -> None:
    """What was recorded has been told."""


def _left_alone(
    session: Session, picture: Picture, options: PullOptions
) -> tuple[Picture, list[ResourceId]]:
    """The picture without the writes that are not to be made, and the drift that can be recorded.

    A conflict with an applier is drift, too, where nothing is to be reverted.
    """
    why = dict(options.stopped)
    drifted: list[Change] = []
    if options.on_drift is not OnDrift.REVERT:
        noted = noted_bodies(session, picture)
        drifted = [
            change
            for change in picture.plan.changes
            if change.writes
            and (not change.refusal or change.refusal.code == 409)
            and not is_ahead(change.id, picture.branch, noted)
        ]
        why |= {change.id: "drifted; left as it is" for change in drifted}
    if options.on_drift is OnDrift.REPORT:
        for change in drifted:
            tell_drift(picture.branch, change, options)
    changes = (
        replace(c, action=Action.SKIP, preview=None, reason=why[c.id])
        if c.writes and c.id in why
        else c
        for c in picture.plan.changes
    )
    seen = replace(picture, plan=Plan(tuple(changes)))
    return seen, [change.id for change in drifted if change.live is not None]


def tell_drift(branch: Branch, change: Change, options: PullOptions) -> None:
    """Let it be heard what differs; of a conflict only that it does, since there is no preview."""
    fields = () if change.refusal else drifts(change, branch.secrets(change.id))
    options.drifted(change.id, fields)


def _latest(before: Outcome | None, now: Outcome) -> Outcome:
    """What this command did to a resource stays said, when a later round finds nothing to do."""
    if before is not None and before.result.done and now.result is Result.UNCHANGED:
        return before
    return now


def _prune(session: Session, picture: Picture, options: PullOptions) -> _Prune:
    removals = tuple(verdict for verdict in picture.extra if not verdict.stays)
    if not removals:
        return _Prune()
    if not options.prune:
        session.tell(f"{_counted(removals)} would be pruned")
        return _Prune(left=True)
    held, hint = _held(session, picture, options, removals)
    if held:
        return _Prune(held=f"{_counted(removals)} not pruned: {held}", hint=hint)
    return _Prune(removals)


def _counted(removals: tuple[PruneVerdict, ...]) -> str:
    names = ", ".join(str(verdict.id) for verdict in removals[:3])
    more = ", …" if len(removals) > 3 else ""
    noun = "resource" if len(removals) == 1 else "resources"
    return f"{len(removals)} {noun} ({names}{more})"


def _held(
    session: Session, picture: Picture, options: PullOptions, removals: tuple[PruneVerdict, ...]
) -> tuple[str, str]:
    """Why nothing may be removed, and the command that removes it all the same; else empty."""
    count, declared = len(removals), len(picture.branch.snapshot.entries)
    if picture.unread:
        return "not everything could be read", ""
    if picture.plan.refused:
        return "the cluster refuses a part of the branch", ""
    if _is_rewritten(session, picture) and not options.accept_rewrite:
        return (
            "the branch was rewritten since the last pull",
            "kubectl gitops pull --accept-rewrite",
        )
    allow = f"kubectl gitops pull --allow-prune {count}"
    if options.allow_prune is not None:
        return ("more than allowed", allow) if count > options.allow_prune else ("", "")
    # Before the first complete pull nothing vouches that all of these members came from here.
    unproven = not picture.parent.state.commit
    if options.dry_run:
        return "", ""
    asks = any(verdict.asks for verdict in removals)
    beyond = asks or unproven or declared == 0 or count > prune_limit(declared, count)
    return ("", "") if options.confirm(removals, beyond) else ("that needs a yes", allow)


def _is_rewritten(session: Session, picture: Picture) -> bool:
    noted = picture.parent.state.commit
    return bool(noted) and not session.store.is_ancestor(noted, picture.branch.tip.commit)


def _removals(picture: Picture, prune: _Prune) -> tuple[Change, ...]:
    apis = picture.members.apis
    return tuple(
        Change(verdict.id, Action.DELETE, apis[verdict.id], None, verdict.live)
        for verdict in prune.removals
    )


def _executed(
    session: Session, picture: Picture, prune: _Prune, options: PullOptions
) -> list[Outcome]:
    """Everything that can be applied, then, if all of it was, what is to go."""
    writes = [change for change in picture.plan.changes if not change.refusal]
    outcomes = list(settled_without_write(picture.plan).values())
    outcomes += [
        Outcome(change, Result.REFUSED, refusal=change.refusal) for change in picture.plan.refused
    ]
    if any(change.writes for change in writes):
        _widened(session, picture, options.how)
    outcomes += execute(session.cluster, Plan(tuple(writes)), picture.rules, options.how)
    if prune.removals and _may_remove(session, picture, outcomes):
        removals = Plan(_removals(picture, prune))
        outcomes += execute(session.cluster, removals, picture.rules, options.how)
    return outcomes


def _may_remove(session: Session, picture: Picture, outcomes: list[Outcome]) -> bool:
    """Only after everything else succeeded, and never by a tip that has moved meanwhile."""
    if not all(outcome.result.done for outcome in outcomes):
        return False
    return session.store.fetch().commit == picture.branch.tip.commit


def _widened(session: Session, picture: Picture, how: Execution) -> None:
    ids = picture.branch.snapshot.entries
    home_first(session.cluster, picture.parent, picture.plan, picture.rules, how)
    widen(session.cluster, picture.parent, _group_kinds(ids), _namespaces(ids))


def _noted(session: Session, picture: Picture) -> None:
    """A complete pull: the parent names what is there, no more, and the commit it stands at.

    Not while something suspended lacks what the branch says: it is ahead, and has to look so.
    """
    suspended = [change.id for change in picture.plan.changes if change.suspended]
    if suspended:
        noted = noted_bodies(session, picture)
        if any(is_ahead(id, picture.branch, noted) for id in suspended):
            return
    staying = [verdict.id for verdict in picture.extra if verdict.stays]
    ids = [*picture.branch.snapshot.entries, *staying]
    note(
        session.cluster,
        picture.parent,
        picture.branch.tip.commit,
        group_kinds=_group_kinds(ids),
        namespaces=_namespaces(ids),
    )


def _group_kinds(ids: Iterable[ResourceId]) -> set[str]:
    return {id.group_kind for id in ids}


def _namespaces(ids: Iterable[ResourceId]) -> set[str]:
    return {id.namespace for id in ids if id.namespace}


def _reported(
    picture: Picture,
    prune: _Prune,
    plan: Plan,
    ended: dict[ResourceId, Outcome],
    *,
    dry_run: bool = False,
) -> Report:
    findings = (*picture.unread, prune.held) if prune.held else picture.unread
    return Report(
        "pull",
        picture.branch.tip.commit,
        plan,
        tuple(ended.values()),
        refused=picture.plan.refused,
        findings=findings,
        hints=(prune.hint,) if prune.hint else (),
        dry_run=dry_run,
    )
