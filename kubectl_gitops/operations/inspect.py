"""`diff` and `status`: the plan of a `pull`, shown and not executed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kubectl_gitops import fields, takeover
from kubectl_gitops.annotations import suspension
from kubectl_gitops.equality import Difference, differences
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.fields import Owner
from kubectl_gitops.health import Health, health
from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.operations.picture import Picture, take_picture
from kubectl_gitops.operations.prune import Pruning, intend_to_prune
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.plan import Action, Change, Plan, Rights
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import observe
from kubectl_gitops.resource import Body, ResourceId, same
from kubectl_gitops.sealing import SealRule, hiding, mask_pair
from kubectl_gitops.selector import Selector

__all__ = [
    "DiffItem",
    "DiffOptions",
    "Drift",
    "State",
    "StatusItem",
    "StatusReport",
    "diff",
    "drifts",
    "is_ahead",
    "noted_bodies",
    "status",
]


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not what the branch says, and who set it, if anybody owns it."""

    difference: Difference
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class DiffItem:
    """One resource before and after, Secret values masked; None where it does not exist.

    `drift` says who changed which field in the cluster, where that is why they differ.
    """

    id: ResourceId
    before: Body | None
    after: Body | None
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What `apply` of which manifests; `prunes`: also what `apply --prune` would remove."""

    manifests: Sequence[OpenManifest]
    rights: Rights = Rights.OWN
    prunes: Selector | None = None


def diff(
    session: Session, options: DiffOptions | None = None
) -> tuple[list[DiffItem], list[Change], tuple[str, ...]]:
    """What `pull` would change, or `apply` of manifests: items, refused changes, findings."""
    if options is not None:
        return _diff_of(session, options)
    picture = take_picture(session)
    branch = picture.branch
    drifted = _drifted(session, picture)
    items = [
        replace(item, drift=drifted.get(item.id, ()))
        for item in _items(picture.plan, branch.secrets)
    ]
    items += [
        DiffItem(verdict.id, mask_pair(verdict.live, None, branch.settings.seals)[0], None)
        for verdict in picture.extra
        if not verdict.stays
    ]
    return items, list(picture.plan.refused), picture.unread


def _drifted(session: Session, picture: Picture) -> dict[ResourceId, tuple[Drift, ...]]:
    """Who changed what, of the resources that Git has not changed since."""
    changes = [c for c in picture.plan.changes if c.writes and c.live and not c.refusal]
    if not changes:
        return {}
    noted, branch = noted_bodies(session, picture), picture.branch
    return {
        change.id: drifts(change, branch.secrets(change.id))
        for change in changes
        if not is_ahead(change.id, branch, noted)
    }


def _diff_of(
    session: Session, options: DiffOptions
) -> tuple[list[DiffItem], list[Change], tuple[str, ...]]:
    """What `apply` of the manifests would change, values that are sealed in them opened."""
    branch = session.read(session.store.fetch())
    session.bound(branch)
    wanted = session.sealed(branch, options.manifests)
    branch.snapshot.refuse_duplicates(one.id for one in wanted)
    sealed = {one.id: hiding(one.sealed) for one in wanted}
    rules = session.rules(branch, options.rights)
    plan = observe(session.cluster, [one.open for one in wanted], rules)
    items = _items(plan, lambda id: (*branch.secrets(id), sealed[id]))
    if options.prunes is not None:
        items += _pruned(session, branch, sealed.keys(), options.prunes)
    return items, list(plan.refused), ()


def _pruned(
    session: Session, branch: Branch, given: Collection[ResourceId], selector: Selector
) -> list[DiffItem]:
    pruning = Pruning(selector, confirm=lambda *_: True)
    removal = intend_to_prune(session, branch, given, pruning)
    return _items(removal.plan, branch.secrets)


def _items(plan: Plan, secrets: Callable[[ResourceId], Sequence[SealRule]]) -> list[DiffItem]:
    changes = (c for c in plan.changes if c.writes and not c.refusal)
    return [DiffItem(c.id, *mask_pair(c.live, _after(c), secrets(c.id))) for c in changes]


def _after(change: Change) -> Body | None:
    """What the server says it would store; what is sent, where it could not be asked."""
    if change.preview is None or isinstance(change.preview.answer, Refusal):
        return change.sent
    return change.preview.answer


class State(StrEnum):
    """How one resource of the set stands. `AHEAD`: Git changed it and no `pull` has run."""

    IN_SYNC = "InSync"
    DRIFTED = "Drifted"
    AHEAD = "Ahead"
    MISSING = "Missing"
    EXTRA = "Extra"
    IGNORED = "Ignored"
    SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One line of `status`; `message` says what differs, or what the resource waits for."""

    id: ResourceId
    state: State
    health: Health | None
    latest: Revision | None
    message: str = ""
    drift: tuple[Drift, ...] = ()


# What somebody wants left alone is no difference.
_FINE = (State.IN_SYNC, State.IGNORED, State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The whole set; `in_sync` only when nothing differs and everything could be read."""

    picture: Picture
    items: tuple[StatusItem, ...]

    @property
    def in_sync(self) -> bool:
        """Whether cluster and branch agree."""
        fine = all(item.state in _FINE for item in self.items)
        return fine and not self.picture.unread


def status(session: Session) -> StatusReport:
    """How every resource of the set stands."""
    picture = take_picture(session)
    noted = noted_bodies(session, picture)
    latest = _latest(session, picture)
    items = [
        _item(session, change, picture, noted, latest.get(change.id))
        for change in picture.plan.changes
    ]
    items += [
        StatusItem(
            verdict.id,
            State.EXTRA,
            health(verdict.live, session.clock.now()),
            latest.get(verdict.id),
            f"stays: {verdict.stays}" if verdict.stays else "pull removes it",
        )
        for verdict in picture.extra
    ]
    return StatusReport(picture, tuple(sorted(items, key=lambda item: item.id)))


def _latest(session: Session, picture: Picture) -> Mapping[ResourceId, Revision]:
    """The newest revisions; none, with a word, where the history cannot be told."""
    try:
        tip = session.store.extend(picture.branch.tip)
        return {r.resource: r for r in session.store.latest(tip, session.path)}
    except GitopsError as error:
        session.tell(f"warning: {error.message} (kubectl gitops verify)")
        return {}


def noted_bodies(session: Session, picture: Picture) -> Mapping[ResourceId, Body]:
    """What the branch declared at the commit the cluster stands at; nothing where none is known."""
    noted, tip = picture.parent.state.commit, picture.branch.tip.commit
    if noted == tip:
        return _bodies(picture.branch)
    if not noted or not session.store.is_ancestor(noted, tip):
        return {}
    return _bodies(session.read_at(noted))


def _bodies(branch: Branch) -> Mapping[ResourceId, Body]:
    return {id: entry.manifest.body for id, entry in branch.snapshot.entries.items()}


def _item(
    session: Session,
    change: Change,
    picture: Picture,
    noted: Mapping[ResourceId, Body],
    latest: Revision | None,
) -> StatusItem:
    found = health(change.live, session.clock.now()) if change.live else None
    if change.action is Action.UNCHANGED:
        return StatusItem(change.id, State.IN_SYNC, found, latest, _unhealthy(found))
    if change.suspended:
        by = suspension(change.live) if change.live else None
        return StatusItem(change.id, State.SUSPENDED, found, latest, f"by {by}" if by else "")
    if change.action is Action.SKIP:
        return StatusItem(change.id, State.IGNORED, found, latest, change.reason)
    if is_ahead(change.id, picture.branch, noted):
        return StatusItem(change.id, State.AHEAD, found, latest, _told(change, "pull applies it"))
    if change.action is Action.CREATE:
        return StatusItem(change.id, State.MISSING, found, latest, _told(change, "not there"))
    return StatusItem(
        change.id,
        State.DRIFTED,
        found,
        latest,
        _told(change, change.unchecked),
        () if change.unchecked else drifts(change, picture.branch.secrets(change.id)),
    )


def is_ahead(id: ResourceId, branch: Branch, noted: Mapping[ResourceId, Body]) -> bool:
    """Whether the branch changed a resource after the commit that the cluster stands at.

    Nobody can tell then whether the live state is an edit or what was applied before.
    """
    declared, before = branch.body(id), noted.get(id)
    return declared is None or before is None or not same(declared, before)


def _unhealthy(found: Health | None) -> str:
    return found.message if found and found.status != "Current" else ""


def _told(change: Change, otherwise: str) -> str:
    if change.refusal is None:
        return otherwise
    contested = takeover.conflicts(change.refusal.causes)
    if not contested or change.live is None:
        return change.refusal.message
    times = {entry.get("manager"): entry.get("time", "") for entry in fields.entries(change.live)}
    return "; ".join(
        f"{one.field} by {one.manager} at {times.get(one.manager, '?')}"
        + (", which applies it" if one.applied else "")
        for one in contested
    )


def drifts(change: Change, seals: Sequence[SealRule]) -> tuple[Drift, ...]:
    """Field by field what a write would take back, Secret values masked, and from whom."""
    after = _after(change)
    if change.live is None or after is None:
        return ()
    live, wanted = mask_pair(change.live, after, seals)
    assert live is not None
    assert wanted is not None
    return tuple(
        Drift(difference, next(iter(fields.owners(change.live, difference.pointer)), None))
        for difference in differences(live, wanted)
    )
