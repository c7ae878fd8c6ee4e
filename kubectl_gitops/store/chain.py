"""The commits of the history, newest first: what each of them recorded.

They are in the order in which the branch changed, so the latest changes of a whole set are found
without looking at every resource that ever was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import REBUILD, Revision
from kubectl_gitops.store import objects, records

__all__ = ["Chain", "Link", "links"]


@dataclass(frozen=True, slots=True)
class Link:
    """One history commit: its id, the commit of the branch that it indexes, the trees around it."""

    name: str
    indexed: str
    older: ObjectID | None
    tree: ObjectID


def links(store: BaseObjectStore, head: str) -> Iterator[Link]:
    """The history commits from `head` to the first one; `GitopsError` where one is damaged."""
    commit = objects.commit_at(store, head) if head else None
    while commit is not None:
        if len(commit.parents) not in (1, 2):
            raise GitopsError("the history cannot be read", REBUILD)
        *older, indexed = commit.parents
        below = objects.commit_at(store, older[0].decode("ascii")) if older else None
        name, tree = commit.id.decode("ascii"), below.tree if below else None
        yield Link(name, indexed.decode("ascii"), tree, commit.tree)
        commit = below


@dataclass(slots=True)
class Chain:
    """The links of one history; walked once, and only as far as somebody asks."""

    store: BaseObjectStore
    head: str
    _passed: dict[str, Link] = field(default_factory=dict)
    _rest: Iterator[Link] = field(init=False)

    def __post_init__(self) -> None:
        self._rest = links(self.store, self.head)

    def changes(self, path: str) -> Iterator[Revision]:
        """Every record of a set, newest first; those of one commit in the order of their paths."""
        for link in links(self.store, self.head):
            yield from records.changed(self.store, link.older, link.tree, path)

    def changed_by(self, commit: str, path: str) -> tuple[Revision, ...]:
        """What was recorded of one commit; nothing where it changed no resource."""
        while commit not in self._passed:
            link = next(self._rest, None)
            if link is None:
                return ()
            self._passed.setdefault(link.indexed, link)
        link = self._passed[commit]
        return tuple(records.changed(self.store, link.older, link.tree, path))
