"""What a push has to send: the objects that are new, found without walking the whole tree.

dulwich would look at every object of both trees (1.1 s at 10,000 files); comparing each commit's
tree with its parent's from the top down takes a tenth of that.
"""

from __future__ import annotations

import heapq
import stat
from collections.abc import Iterable, Iterator

from dulwich.objects import Commit, ObjectID, Tree, TreeEntry
from dulwich.pack import UnpackedObject, full_unpacked_object
from dulwich.repo import BaseRepo

from kubectl_gitops.store import commits
from kubectl_gitops.store.objects import oid, tree_of

__all__ = ["new_commits", "new_objects", "pack_data"]


def new_objects(repo: BaseRepo, heads: Iterable[str], known: Iterable[str]) -> list[ObjectID]:
    """The objects reachable from `heads` and not from `known`, each once.

    A few that are known may be among them: where two commits swapped places in time, and files
    that an older commit already had.
    """
    names: dict[ObjectID, None] = {}
    for commit in new_commits(repo, heads, known):
        above = commits.parents(repo, commit)
        old = _tree(repo, above[0]) if above else None
        names.update(dict.fromkeys(_differences(repo, _tree(repo, commit), old)))
        names[commit] = None
    return [*names]


def new_commits(repo: BaseRepo, heads: Iterable[str], known: Iterable[str]) -> Iterator[ObjectID]:
    """The commits reachable from `heads` and not from `known`, by time, newest first."""
    is_known = {oid(name): True for name in known if name}
    is_known |= {name: name in is_known for name in map(oid, filter(None, heads))}
    queue = [_place(repo, name, known=old) for name, old in is_known.items()]
    heapq.heapify(queue)
    done: set[ObjectID] = set()
    while any(not is_known[name] for _, _, name in queue):
        _, _, name = heapq.heappop(queue)
        if name in done:
            continue
        done.add(name)
        if not is_known[name]:
            yield name
        for parent in commits.parents(repo, name):
            if parent not in is_known or (is_known[name] and not is_known[parent]):
                is_known[parent] = is_known[name]
                heapq.heappush(queue, _place(repo, parent, known=is_known[name]))


def _place(repo: BaseRepo, name: ObjectID, *, known: bool) -> tuple[int, bool, ObjectID]:
    """Where a commit stands in the queue: newer first, of one second the known ones first."""
    commit = repo.object_store[name]
    return -(commit.commit_time if isinstance(commit, Commit) else 0), not known, name


def _tree(repo: BaseRepo, commit: ObjectID) -> ObjectID:
    return tree_of(repo.object_store, commit.decode("ascii"))


def _items(repo: BaseRepo, tree: ObjectID) -> list[TreeEntry]:
    found = repo.object_store[tree]
    return found.items() if isinstance(found, Tree) else []


def _is_submodule(mode: int) -> bool:
    """True for a commit of another repository, which a push does not send."""
    return mode == 0o160000


def _differences(repo: BaseRepo, new: ObjectID, old: ObjectID | None) -> Iterator[ObjectID]:
    """The tree and what is below it, except what stands at the same place in the old tree."""
    if new == old:
        return
    yield new
    before = {item.path: item for item in _items(repo, old)} if old else {}
    for item in _items(repo, new):
        was = before.get(item.path)
        if was is not None and was.sha == item.sha:
            continue
        if stat.S_ISDIR(item.mode):
            is_directory = was is not None and stat.S_ISDIR(was.mode)
            yield from _differences(repo, item.sha, was.sha if was and is_directory else None)
        elif not _is_submodule(item.mode):
            yield item.sha


def pack_data(repo: BaseRepo, names: list[ObjectID]) -> tuple[int, Iterator[UnpackedObject]]:
    """The objects as dulwich sends them; read one by one while they are sent."""
    store = repo.object_store
    return len(names), (full_unpacked_object(store[name]) for name in names)
