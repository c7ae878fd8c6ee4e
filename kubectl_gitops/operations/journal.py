"""`log`: the operations of a set, as its branch tells them. No cluster is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import Revision
from kubectl_gitops.message import Message
from kubectl_gitops.operations.past import Past, Told
from kubectl_gitops.operations.revisions import Sieve
from kubectl_gitops.resource import ResourceId

__all__ = ["Operation", "operation", "operations"]

_RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Operation:
    """One commit of the branch that concerns the set.

    `resources` are those whose meaning it changed; `refused` how many of them the cluster refused
    later, so that a commit of ours gave them their former content.
    """

    commit: str
    message: Message
    resources: tuple[ResourceId, ...]
    refused: int = 0

    @property
    def time(self) -> datetime:
        """When it was made, with its author's offset."""
        return self.message.author.moment

    @property
    def author(self) -> str:
        """`Ada Lovelace <ada@example.com>`."""
        return self.message.author.person

    @property
    def result(self) -> str:
        """`committed`, `refused`, `1 of 3 refused`."""
        if not self.refused:
            return "committed"
        total = len(self.resources)
        return "refused" if self.refused == total else f"{self.refused} of {total} refused"


def operations(past: Past, sieve: Sieve) -> list[Operation]:
    """The operations on the branch, newest first."""
    told = (one for one in _all(past) if sieve.takes(one.time, one.author))
    return list(islice(told, sieve.limit))


def _all(past: Past) -> Iterator[Operation]:
    """Every operation, newest first; a restoration is about the newest change below it."""
    restored: Counter[ResourceId] = Counter()
    for commit in past.store.operations(past.tip.commit, past.path):
        message = past.store.message(commit)
        changed = past.store.changed_by(past.tip, commit, past.path)
        ids = tuple(sorted(revision.resource for revision in changed))
        if message.operation == _RESTORE:
            yield Operation(commit, message, ids)
            restored.update(ids)
        else:
            refused = [id for id in ids if restored[id]]
            yield Operation(commit, message, ids, len(refused))
            restored.subtract(refused)


def operation(past: Past, name: str) -> tuple[Operation, list[Told]]:
    """One operation by its commit, abandoned ones included, and what it changed.

    `GitopsError` for a commit that changed nothing of this set.
    """
    commit = past.store.resolve(name)
    changed = past.store.changed_by(past.tip, commit, past.path)
    message = past.store.message(commit)
    if not changed and not message.operation:
        raise GitopsError(f"{commit[:7]} changed no resource of this set", "kubectl gitops log")
    ids = tuple(sorted(revision.resource for revision in changed))
    refused = sum(_is_restored(past, revision) for revision in changed)
    return Operation(commit, message, ids, refused), past.told(changed)


def _is_restored(past: Past, revision: Revision) -> bool:
    """Whether the next revision of the resource gave it its former content again."""
    following = None
    for one in past.of(revision.resource):
        if one.revision == revision.revision:
            break
        following = one
    return following is not None and following.operation == _RESTORE
