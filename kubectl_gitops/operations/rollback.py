"""`rollback` and `undo`: a new commit with former content, carried out like any other change.

History is never rewritten. What is brought back is what the branch declared then, Secrets sealed
anew with the key of today; resources that were not there then are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.operations.apply import intend_to_write
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.delete import DeleteOptions, intend_to_remove
from kubectl_gitops.operations.past import Past
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session, conflict
from kubectl_gitops.plan import Rights
from kubectl_gitops.reconcile import Execution, Rules
from kubectl_gitops.resource import ResourceId, labels_of, same
from kubectl_gitops.selector import parse_selector
from kubectl_gitops.settings import settings_path

__all__ = [
    "Former",
    "RollbackOptions",
    "bring_back",
    "newest_operation",
    "of_commit",
    "of_operation",
    "of_revision",
    "revision_before",
]

Former = Mapping[ResourceId, Manifest | None]
"""What resources were, sealed; None for one that was not there."""


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """What the flags ask for; `removal` confirms what goes along with what is removed."""

    operation: str
    reason: str = ""
    rights: Rights = Rights.OWN
    dry_run: bool = False
    how: Execution = field(default_factory=Execution)
    removal: DeleteOptions = field(default_factory=lambda: DeleteOptions(ignore_not_found=True))


def bring_back(
    session: Session, former: Callable[[Branch], Former], options: RollbackOptions
) -> Report:
    """Commit former content on the tip and carry it out.

    `former` is asked on every tip the push is tried on; it raises `GitopsError` (exit 3) where
    somebody changed meanwhile what is to be brought back.
    """

    def intend(branch: Branch) -> Intent:
        states = former(branch)
        gone = [id for id, manifest in states.items() if manifest is None]
        opened = [session.opened(branch, one) for one in states.values() if one is not None]
        rules = session.rules(branch, options.rights)
        written = intend_to_write(session, branch, opened, rules)
        return written.beside(intend_to_remove(session, branch, gone, options.removal))

    def rules(branch: Branch) -> Rules:
        return session.rules(branch, options.rights)

    request = Request(
        options.operation,
        options.reason,
        intend,
        rules,
        options.how,
        options.dry_run,
        allow_plain=None,
    )
    return carry(session, request)


def revision_before(past: Past, id: ResourceId) -> Revision:
    """What a resource was before its last change; `GitopsError` where there is only one."""
    last = next(past.of(id)).revision
    if last == 1:
        raise GitopsError(
            f"{id} has one revision: there is nothing before it",
            f"kubectl gitops delete {id.argument}",
        )
    return past.revision(id, last - 1)


def of_revision(past: Past, branch: Branch, revision: Revision) -> Former:
    """A resource as a revision left it.

    `GitopsError` (exit 3) where somebody has changed it since the past was opened.
    """
    id, seen = revision.resource, next(past.of(revision.resource))
    last = past.document(seen, seen.after)
    if not branch.is_unknown(id) and not _holds(branch, id, last):
        raise conflict(
            f"{id} was changed meanwhile; nothing was changed",
            f"kubectl gitops history {id.argument}",
        )
    return {id: past.manifest(revision) if revision.after is not None else None}


def of_commit(
    session: Session, branch: Branch, commit: str, namespace: str = "", selector: str = ""
) -> Former:
    """Everything that stands otherwise than at a commit, in a namespace, with some labels, or all.

    The labels are those a resource had then or has now.
    """
    then, wanted = session.read_at(commit), parse_selector(selector)
    ids = [
        id
        for id in {*then.snapshot.entries, *branch.snapshot.entries}
        if (not namespace or id.namespace == namespace)
        and any(
            wanted.selects(labels_of(body)) for body in (then.body(id), branch.body(id)) if body
        )
    ]
    states = _states(then, ids)
    return {id: state for id, state in states.items() if not _holds(branch, id, state)}


def newest_operation(session: Session) -> str:
    """The newest commit of the branch that changed a resource; `GitopsError` where none did."""
    store = session.store
    for commit in store.operations(store.fetch().commit, session.path):
        parent = store.parent(commit)
        begins = not parent or store.file(parent, settings_path(session.path)) is None
        if not begins and _changed(session.read_at(parent), session.read_at(commit)):
            return commit
    raise GitopsError("no operation has changed a resource yet", "kubectl gitops log")


def _changed(before: Branch, after: Branch) -> list[ResourceId]:
    """The resources that two commits declare otherwise."""
    ids = {*after.snapshot.entries, *before.snapshot.entries}
    return [id for id in sorted(ids) if not same(before.body(id), after.body(id))]


def of_operation(session: Session, branch: Branch, commit: str) -> Former:
    """What an operation changed, as it was before it.

    `GitopsError` (exit 3) names what somebody has changed again since.
    """
    parent = session.store.parent(commit)
    if not session.store.is_ancestor(commit, branch.tip.commit):
        raise GitopsError(
            f"{commit[:7]} is not in the branch any more: there is nothing to take back",
            "kubectl gitops log",
        )
    if not parent or session.store.file(parent, settings_path(branch.path)) is None:
        raise GitopsError(
            f"{commit[:7]} is the first commit of the set: there is nothing before it",
            "kubectl gitops log",
        )
    after, before = session.read_at(commit), session.read_at(parent)
    changed = _changed(before, after)
    if not changed:
        raise GitopsError(f"{commit[:7]} changed no resource of this set", "kubectl gitops log")
    later = [id for id in changed if not same(after.body(id), branch.body(id))]
    if later:
        raise conflict(
            f"{', '.join(map(str, later))} changed again after {commit[:7]}; nothing was changed",
            f"kubectl gitops history {later[0].argument}",
            f"kubectl gitops rollback --to-commit {parent[:7]}",
        )
    return _states(before, changed)


def _states(branch: Branch, ids: Iterable[ResourceId]) -> Former:
    """The resources as a branch declares them; `GitopsError` where it cannot be read."""
    entries = branch.snapshot.entries
    unknown = [id for id in sorted(ids) if branch.is_unknown(id)]
    if unknown:
        raise GitopsError(
            f"{unknown[0]} cannot be read in {branch.tip.commit[:7]}; nothing was changed",
            f"kubectl gitops history {unknown[0].argument}",
        )
    return {id: entries[id].manifest if id in entries else None for id in sorted(ids)}


def _holds(branch: Branch, id: ResourceId, state: Manifest | None) -> bool:
    return same(branch.body(id), state.body if state else None)
