"""`refs/gitops/history/<branch>`: the append-only log that is derived from the branch.

Each history commit has two parents, the history commit before it and the branch commit it
indexes, so that abandoned commits stay reachable. It records every resource whose body differs
from its last record: what counts is the state, not the way the branch took. So mirrors that lag,
race or lose a push agree again as soon as they start from what the server holds, after any
rewrite of the branch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from dulwich.object_store import BaseObjectStore, MemoryObjectStore, OverlayObjectStore
from dulwich.objects import Commit, ObjectID, ShaFile
from dulwich.repo import BaseRepo

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import REBUILD, encode, next_revision
from kubectl_gitops.manifest import Index, Manifest
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import SealRule, unsealed
from kubectl_gitops.store import commits, objects, records
from kubectl_gitops.store.compare import Comparison
from kubectl_gitops.store.contents import Contents, Delta, State
from kubectl_gitops.store.documents import Documents
from kubectl_gitops.store.objects import oid
from kubectl_gitops.store.saved import load, save

__all__ = ["Log"]

_UNSAVED_FILES = 100
"""Up to so many files are read again by every command rather than all knowledge written again.
A set that has no more is written whenever one is new: a TAB offers what was written."""

_HELD_OBJECTS = 5_000
_HELD_BYTES = 64 << 20
"""So much that is new is held in memory before it is written, as one pack."""

Told = Callable[[int, int], None]
"""Hears how many of how many commits are indexed."""


class Log:
    """Extends the history of one repository; what it has read stays read between two calls.

    `content` gives the bytes of a blob, `told` hears how far it is, and `deepen` brings commits
    that a shallow repository lacks, where that is possible.
    """

    def __init__(
        self,
        repo: BaseRepo,
        saved: Path,
        content: Callable[[str], bytes],
        told: Told = lambda _done, _of: None,
        deepen: Callable[[], None] = lambda: None,
    ) -> None:
        self._repo = repo
        self._saved = saved
        self._told = told
        self._deepen = deepen
        self._fresh = MemoryObjectStore()
        self._unwritten: list[ShaFile] = []
        self._held = 0
        # The repository, with what is not written yet on top.
        self._store = OverlayObjectStore([self._fresh, repo.object_store], self._fresh)
        self._documents = Documents(content)

    @cached_property
    def _contents(self) -> Contents:
        store = self._repo.object_store
        return Contents(store, self._documents, load(self._saved, store))

    def index(self, commit: str, root: str) -> Index | None:
        """What is known of the set at `root` in a commit; see `Contents.index`."""
        index = self._contents.index(self._tree(oid(commit)), root)
        self._keep()
        return index

    def extend(self, history: str, tip: str) -> str:
        """The history commit that indexes the branch up to `tip`, made on top of `history`.

        The tip is always indexed, a commit on the way only where it changed a resource. Raises
        GitopsError where the history is damaged or has a newer format, where the repository is
        shallow, or a commit has a tree that is refused.
        """
        head = oid(history) if history else None
        last = indexed(self._store, head) if head else None
        if not tip or last == oid(tip):
            return history
        if last:
            self._advance(last, head)
        else:
            self._contents.state = State()  # what is known has no records yet
        todo = self._missing(last, oid(tip))
        for number, commit in enumerate(todo.commits):
            self._told(number, len(todo.commits))
            rewritten = todo.rewritten and number == 0
            head = self._index(head, commit, is_tip=commit == oid(tip), rewritten=rewritten)
            if len(self._unwritten) > _HELD_OBJECTS or self._held > _HELD_BYTES:
                self._write()
        self._write()
        self._keep()
        return head.decode("ascii") if head else ""

    def _missing(self, last: ObjectID | None, tip: ObjectID) -> Missing:
        """What is to be indexed, if need be after the repository was asked for what it lacks."""
        todo = missing(self._repo, last, tip)
        if todo.cut is not None:
            self._deepen()
            todo = missing(self._repo, last, tip)
        if todo.cut is not None:
            # A history that began here would be a wrong one.
            raise GitopsError(
                f"the repository is a shallow clone that begins at {todo.cut[:7].decode('ascii')}: "
                "its history cannot be told",
                "git fetch --unshallow   # in the repository",
            )
        return todo

    def _keep(self) -> None:
        """Save what is known, if enough is new to be worth it; of a small set anything is."""
        known = sum(len(one.blobs) for one in self._contents.state.sets.values())
        if self._contents.read > (_UNSAVED_FILES if known > _UNSAVED_FILES else 0):
            save(self._saved, self._contents.state)
            self._contents.read = 0

    def _advance(self, commit: ObjectID, head: ObjectID | None) -> list[Delta]:
        known = records.format_of(self._store, self._tree(head)) if head else records.Format()
        return self._contents.advance(self._tree(commit), known.sets)

    def _tree(self, commit: ObjectID) -> ObjectID:
        return objects.tree_of(self._store, commit.decode("ascii"))

    def _index(
        self, head: ObjectID | None, commit: ObjectID, *, is_tip: bool, rewritten: bool
    ) -> ObjectID | None:
        tree = self._tree(head) if head else None
        known = records.format_of(self._store, tree) if tree else records.Format()
        indexed_commit = objects.commit_at(self._store, commit.decode("ascii"))
        edits: dict[str, bytes | None] = {}
        said = replace(known, rewritten=known.rewritten or rewritten)
        for delta in self._contents.advance(indexed_commit.tree, known.sets):
            made = self._records(tree, delta, indexed_commit)
            edits.update(made)
            if made:
                said = replace(said, sets=said.sets | {delta.root})
        if said != known or (tree is None and (edits or is_tip)):
            edits[records.FORMAT_FILE] = records.encode_format(said)
        if not edits and not is_tip:
            return head
        return self._commit(head, tree, edits, indexed_commit)

    def _records(
        self, tree: ObjectID | None, delta: Delta, commit: Commit
    ) -> dict[str, bytes | None]:
        current = self._contents.state.sets.get(delta.root)
        if current is None:
            return {}
        message = objects.message_of(commit)
        seals = self._contents.seals(delta.root)
        comparison = Comparison(self._store, self._documents, tree, current, delta)
        return {
            records.record_path(delta.root, change.resource): encode(
                next_revision(
                    change,
                    last,
                    commit=commit.id.decode("ascii"),
                    message=message,
                    is_open=partial(_is_open, change.resource, seals),
                )
            )
            for change, last in comparison.changes()
        }

    def _commit(
        self,
        head: ObjectID | None,
        tree: ObjectID | None,
        edits: dict[str, bytes | None],
        commit: Commit,
    ) -> ObjectID:
        top, made = objects.edit_tree(self._store, tree, edits)
        entry = Commit()
        entry.tree = top
        entry.parents = [head, commit.id] if head else [commit.id]
        entry.author = entry.committer = commit.author
        entry.author_time = entry.commit_time = commit.author_time
        entry.author_timezone = entry.commit_timezone = commit.author_timezone
        entry.message = f"index {commit.id.decode('ascii')[:12]}\n".encode()
        for new in (*made, entry):
            if new.id not in self._fresh:
                self._fresh.add_object(new)
                self._unwritten.append(new)
                self._held += new.raw_length()
        return entry.id

    def _write(self) -> None:
        """Write the new objects to the repository."""
        objects.add(self._repo.object_store, self._unwritten)
        for made in self._unwritten:
            del self._fresh[made.id]
        self._unwritten, self._held = [], 0


def indexed(store: BaseObjectStore, head: ObjectID) -> ObjectID:
    """The branch commit that a history commit indexes: the last of its one or two parents."""
    parents = objects.commit_at(store, head.decode("ascii")).parents
    if len(parents) not in (1, 2):
        raise GitopsError("the history cannot be read", REBUILD)
    return ObjectID(parents[-1])


@dataclass(frozen=True, slots=True)
class Missing:
    """The commits to index, oldest first; `rewritten`: the last indexed one left the branch.

    `cut` is the commit where a shallow repository begins, if that is where the search ended.
    """

    commits: Sequence[ObjectID]
    rewritten: bool = False
    cut: ObjectID | None = None


def missing(repo: BaseRepo, last: ObjectID | None, tip: ObjectID) -> Missing:
    """What is to be indexed: the first parents from after `last` up to the tip.

    Where `last` is not on that line the branch was rewritten, and the line is taken up again at
    the newest commit with the same tree (a squash, a reworded message), else at the oldest commit
    that was made on top of it (a merge the other way round), else at the tip alone.
    """
    line: list[ObjectID] = []
    for commit in commits.first_parents(repo, tip):
        if commit == last:
            return Missing(line[::-1])
        line.append(commit)
    if objects.commit_at(repo.object_store, line[-1].decode("ascii")).parents:
        return Missing((), cut=line[-1])
    if last is None:
        return Missing(line[::-1])
    line = line[: _restart(repo, last, line) + 1]
    return Missing(line[::-1], rewritten=not commits.is_ancestor(repo, last, tip))


def _restart(repo: BaseRepo, last: ObjectID, line: list[ObjectID]) -> int:
    tree = _tree_of(repo, last)
    for index, commit in enumerate(line):
        if _tree_of(repo, commit) == tree:
            return index
    # What a commit of the line was made on top of, all newer ones were.
    above = bisect_left(line, 1, key=lambda commit: not commits.is_ancestor(repo, last, commit))
    return max(above - 1, 0)


def _tree_of(repo: BaseRepo, commit: ObjectID) -> ObjectID:
    return objects.tree_of(repo.object_store, commit.decode("ascii"))


def _is_open(id: ResourceId, seals: Sequence[SealRule], body: Body) -> bool:
    """True where a Secret's value stands in the branch in the clear: somebody committed by hand."""
    return bool(unsealed(Manifest(id, body["apiVersion"], "", body), seals))
