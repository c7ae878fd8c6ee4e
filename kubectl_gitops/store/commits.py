"""Questions about the graph of commits: first parents, ancestry, abbreviated ids."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable, Iterator

from dulwich.objects import Commit, ObjectID
from dulwich.repo import BaseRepo

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store.objects import commit_at, oid

__all__ = ["first_parents", "is_ancestor", "newest_first", "parents", "resolve"]

_ABBREVIATED = re.compile(r"[0-9a-f]{4,40}")


def parents(repo: BaseRepo, commit: ObjectID) -> list[ObjectID]:
    """The parents of a commit that the repository has: none where a shallow one ends."""
    store = repo.object_store
    found = commit_at(store, commit.decode("ascii"))
    return [ObjectID(parent) for parent in found.parents if parent in store]


def first_parents(repo: BaseRepo, commit: ObjectID) -> Iterator[ObjectID]:
    """The commit and its line of first parents, newest first."""
    line: list[ObjectID] = [commit]
    while line:
        yield line[0]
        line = parents(repo, line[0])


def newest_first(
    repo: BaseRepo, commit: ObjectID, known: Collection[ObjectID] = ()
) -> Iterator[ObjectID]:
    """Everything reachable from a commit, itself included, by commit time.

    Those `known`, and what only they lead to, are left out. Clocks lie, so the time only decides
    what is looked at first, never where to stop.
    """
    seen = {commit, *known}
    queue = [_looked_at(repo, commit)]
    while queue:
        _, next_one, above = heapq.heappop(queue)
        yield next_one
        for parent in above:
            if parent not in seen and parent in repo.object_store:
                seen.add(parent)
                heapq.heappush(queue, _looked_at(repo, parent))


def _looked_at(repo: BaseRepo, name: ObjectID) -> tuple[int, ObjectID, list[ObjectID]]:
    """A commit's place in the queue, its id and its parents, with one look at the object."""
    commit = commit_at(repo.object_store, name.decode("ascii"))
    return -commit.commit_time, name, commit.parents


def is_ancestor(repo: BaseRepo, older: ObjectID, newer: ObjectID) -> bool:
    """True where `older` is reachable from `newer`; a commit is its own ancestor."""
    return any(commit == older for commit in newest_first(repo, newer))


def resolve(repo: BaseRepo, name: str, tips: Iterable[str], not_in: Collection[ObjectID]) -> str:
    """The full id of a commit below one of some others, from its first four or more digits.

    Those `not_in` are none of the branch's: the commits of its history.
    """
    found = _named(repo, name) if _ABBREVIATED.fullmatch(name) else []
    heads = [oid(tip) for tip in tips if tip]
    reachable = [
        one
        for one in found
        if one not in not_in and any(is_ancestor(repo, one, head) for head in heads)
    ]
    if not reachable:
        raise GitopsError(f"the branch has no commit {printable(name)}", "kubectl gitops history")
    if len(reachable) > 1:
        raise GitopsError(
            f"{printable(name)} begins the id of {len(reachable)} commits", "kubectl gitops history"
        )
    return reachable[0].decode("ascii")


def _named(repo: BaseRepo, prefix: str) -> list[ObjectID]:
    names = sorted(set(repo.object_store.iter_prefix(prefix.encode("ascii"))))
    return [name for name in names if isinstance(repo.object_store[name], Commit)]
