"""What would make the cluster equal to the manifests: changes, decided from what was observed.

Pure: `kubectl_gitops.reconcile` asks the API server and hands the answers in, and is the only one
that carries a plan out. `diff`, `status` and `--dry-run` are plans nobody executes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from kubectl_gitops import applyset, equality, takeover
from kubectl_gitops.annotations import RECONCILE, keeps
from kubectl_gitops.catalog import Api, declared_by
from kubectl_gitops.errors import printable
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import Body, ResourceId, is_terminating

__all__ = [
    "Action",
    "Change",
    "Outcome",
    "Plan",
    "Preview",
    "PruneVerdict",
    "Result",
    "Rights",
    "Taken",
    "asks",
    "controller_of",
    "decide",
    "foreign",
    "may_force",
    "prune_limit",
    "prune_verdict",
]


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    SKIP = "skip"


class Rights(IntEnum):
    """How far a write may take fields from other field managers.

    `OWN` stops at any conflict (`apply`); `DRIFT` takes back what somebody changed by an update
    (`pull` reverts drift, but never another applier's field); `ALL` is `--force-conflicts`.
    """

    OWN = 0
    DRIFT = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """One field that a write takes from another manager."""

    manager: str
    field: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The server's dry-run of a write: the object it would store, or why it refuses."""

    answer: Body | Refusal
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's part of a plan.

    `sent` is the body as it goes to the cluster (opened, labelled); None for a removal. `preview`
    is None where no dry-run was needed (proven equal) or possible yet (`unchecked` says why).
    `private`: `sent` holds values that are sealed in the branch. `afresh` is what would be stored
    if a refused update were made a new creation, None where that was not tried or is refused, too;
    `recreates`: it is deleted and created again. `retakes`: list items that others put in place of
    ours go with it.
    """

    id: ResourceId
    action: Action
    api: Api | None
    sent: Body | None
    live: Body | None
    preview: Preview | None = None
    unchecked: str = ""
    reason: str = ""
    private: bool = False
    afresh: Body | None = None
    recreates: bool = False
    retakes: bool = False

    @property
    def refusal(self) -> Refusal | None:
        """Why the server would not take it, if it said so."""
        answer = self.preview.answer if self.preview else None
        return answer if isinstance(answer, Refusal) else None

    @property
    def suspended(self) -> bool:
        """True where it was asked to be left alone for a while: the branch may go on meanwhile."""
        return self.action is Action.SKIP and self.reason.startswith(RECONCILE)

    @property
    def writes(self) -> bool:
        """True where carrying it out calls the cluster."""
        return self.action in (Action.CREATE, Action.UPDATE, Action.DELETE)


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes of one operation, writes and non-writes, in the order of the resources given."""

    changes: tuple[Change, ...]

    @property
    def refused(self) -> tuple[Change, ...]:
        """Those that the server refused in its dry-run."""
        return tuple(change for change in self.changes if change.refusal)

    def ids(self, *actions: Action) -> tuple[ResourceId, ...]:
        """The resources that any of these actions is planned for."""
        return tuple(change.id for change in self.changes if change.action in actions)


class Result(StrEnum):
    """How one change ended. `MOVED`: somebody wrote the resource since we looked at it.

    `RECORDED`: the branch says it now, and the cluster was left alone (`--record-only`).
    """

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SKIPPED = "skipped"
    REFUSED = "refused"
    MOVED = "moved"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    RECORDED = "recorded"

    @property
    def done(self) -> bool:
        """True where cluster and branch agree on this resource now."""
        return self not in (Result.REFUSED, Result.MOVED, Result.UNKNOWN, Result.BLOCKED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change and how it ended; `live` is the object as the server stored it."""

    change: Change
    result: Result
    live: Body | None = None
    refusal: Refusal | None = None
    message: str = ""
    taken: tuple[Taken, ...] = ()

    @property
    def id(self) -> ResourceId:
        """The resource it is about."""
        return self.change.id


def foreign(set_id: str) -> Refusal:
    """Two sets never share a resource: our own refusal to write or remove another one's member."""
    message = f"it belongs to another apply set, {set_id}; two sets never share a resource"
    return Refusal(409, "Foreign", message)


def may_force(refusal: Refusal, rights: Rights, *, first: bool) -> tuple[Taken, ...]:
    """The fields a write may take over to get past a conflict; empty where it must stop.

    `first`: the resource is being taken over from kubectl, whose fields are the user's own
    (kubernetes#99003). Another tool that applies (not updates) is never forced without `ALL`.
    """
    conflicts = takeover.conflicts(refusal.causes)
    if not conflicts:
        return ()
    taken = tuple(Taken(conflict.manager, conflict.field) for conflict in conflicts)
    if rights is Rights.ALL:
        return taken
    if rights is Rights.DRIFT and not any(conflict.applied for conflict in conflicts):
        return taken
    if first and takeover.forcible(conflict.manager for conflict in conflicts):
        return taken
    return ()


def decide(
    id: ResourceId, api: Api, sent: Body, live: Body | None, preview: Preview | None
) -> Change:
    """The change that one observation calls for; `preview` None means proven equal."""
    if live is None or is_terminating(live):
        return Change(id, Action.CREATE, api, sent, live, preview)
    if preview is None:
        return Change(id, Action.UNCHANGED, api, sent, live)
    if isinstance(preview.answer, Refusal):
        return Change(id, Action.UPDATE, api, sent, live, preview)
    same = equality.same_after_preview(live, preview.answer)
    action = Action.UNCHANGED if same else Action.UPDATE
    return Change(id, action, api, sent, live, preview)


def asks(id: ResourceId) -> bool:
    """Whether a person has to say yes before it is removed."""
    return (id.group, id.kind) in _ASKS


@dataclass(frozen=True, slots=True)
class PruneVerdict:
    """Whether a live member of the set that the branch lacks may go, and if not, why it stays."""

    id: ResourceId
    live: Body
    stays: str = ""
    asks: bool = False


def controller_of(live: Body) -> str:
    """`replicaset/web`: what made an object and makes it again; empty where no controller did."""
    owners = live["metadata"].get("ownerReferences") or ()
    names = (f"{o['kind'].lower()}/{o['name']}" for o in owners if o.get("controller"))
    return printable(next(names, ""))


# Removing one of these takes data or other resources with it, so a person has to say yes
# (argo-cd#5214: a pruned CRD deleted every one of its resources).
_ASKS = frozenset(
    {
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)


def prune_verdict(
    id: ResourceId,
    live: Body,
    set_id: str,
    *,
    applied_uids: frozenset[str],
    namespaces_in_use: frozenset[str],
    kinds_in_use: frozenset[str] = frozenset(),
    outside: str = "",
) -> PruneVerdict:
    """Decide about one member. Branch and cluster must both say that it is ours and not wanted.

    `applied_uids`: objects the plan keeps under any API group (an Ingress seen as extensions and
    as networking.k8s.io is one object). `namespaces_in_use`: those that hold declared resources
    or members that stay; `kinds_in_use`: the declared ones, as `Kind.group`.
    `outside`: why the scope does not hold it, empty where it does.
    """
    metadata = live["metadata"]
    stays = keeps(live) or ""
    if not applyset.owns(live, set_id):
        stays = "its part-of label is not ours"
    elif outside:
        stays = outside
    elif metadata["uid"] in applied_uids:
        stays = "it is declared under another API group"
    elif controller_of(live):
        stays = "a controller owns it"
    elif (id.group, id.kind) == ("", "Namespace") and id.name in namespaces_in_use:
        stays = "it holds resources that stay"
    elif any(api.group_kind in kinds_in_use for api in _defined(id, live)):
        stays = "it defines declared resources"
    return PruneVerdict(id, live, stays, asks=asks(id))


def _defined(id: ResourceId, live: Body) -> tuple[Api, ...]:
    is_definition = id.group_kind == "CustomResourceDefinition.apiextensions.k8s.io"
    return declared_by(live) if is_definition else ()


def prune_limit(declared: int, removals: int) -> int:
    """How many removals need no yes: max(5, 30 %) of what the set holds (argo-cd#3484)."""
    return max(5, (declared + removals) * 30 // 100)
