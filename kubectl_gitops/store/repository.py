"""The `Store`: one branch of one repository, read and written by object id.

Where the refs live is the origin's affair (`LocalOrigin` for a repository on this machine,
`RemoteOrigin` for a server and our mirror of it); everything else is the same for both.
"""

from __future__ import annotations

import stat
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import Snapshot, indexed_snapshot, is_manifest_path, read_snapshot
from kubectl_gitops.message import Message, render
from kubectl_gitops.ports import File, Moved, StoreRefusal, Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import commits, objects, records
from kubectl_gitops.store.chain import Chain, links
from kubectl_gitops.store.fsck import damaged
from kubectl_gitops.store.local import LocalOrigin
from kubectl_gitops.store.log import Log, Told
from kubectl_gitops.store.objects import oid
from kubectl_gitops.store.signing import distrusted, sign

if TYPE_CHECKING:
    from kubectl_gitops.store.remote import RemoteOrigin

__all__ = ["GitStore"]

_HISTORY_ATTEMPTS = 20
"""Writers race for the history ref after each won the branch; every round one of them is done."""

_LISTED = 4
"""File lists that are kept: those of the trees that a command compares."""


class GitStore:
    """One Git repository, one branch in it; implements `kubectl_gitops.ports.Store`."""

    def __init__(
        self,
        repo: Repo,
        origin: LocalOrigin | RemoteOrigin,
        url: str,
        branch: str,
        saved: Path,
        warn: Callable[[str], None],
        told: Told,
    ) -> None:
        self._repo = repo
        self._objects = repo.object_store
        self._origin = origin
        self._url = url
        self._branch = branch
        self._warn = warn
        self._held: dict[str, bytes] = {}
        self._log = Log(repo, saved, self._content, told, origin.deepen)
        self._chain = Chain(self._objects, "")
        # Its packs are mapped into memory; nobody has to remember to close a store.
        weakref.finalize(self, repo.close)
        self._listed: dict[tuple[str, str], Mapping[str, File]] = {}

    @property
    def url(self) -> str:
        """Where it is, without credentials: safe to print."""
        return self._url

    @property
    def branch(self) -> str:
        """The name of the branch, without `refs/heads/`."""
        return self._branch

    def fetch(self) -> Tip:
        """Look at the server and bring what is new."""
        with self._origin.guard():
            return self._origin.fetch()

    def files(self, commit: str, path: str = "") -> Mapping[str, File]:
        """Every file below `path` in a commit, by full path; see `objects.files`."""
        if not commit:
            return MappingProxyType({})
        tree = objects.tree_of(self._objects, commit)
        key = (tree.decode("ascii"), path)
        if key not in self._listed:
            listed = objects.files(self._objects, tree, path)
            if len(self._listed) >= _LISTED:
                del self._listed[next(iter(self._listed))]
            self._listed[key] = MappingProxyType(listed)
        return self._listed[key]

    def file(self, commit: str, path: str) -> File | None:
        """One file of a commit; nothing beside the directories on the way to it is read."""
        found = objects.entry(self._objects, objects.tree_of(self._objects, commit), path)
        return found if found and _is_file(found) else None

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of blobs."""
        return {blob: self._content(blob) for blob in blobs}

    def _content(self, blob: str) -> bytes:
        held = self._held.get(blob)
        return objects.blob_at(self._objects, blob) if held is None else held

    def _hold(self, blob: str) -> bytes:
        """The content of a blob, which stays at hand."""
        return self._held.setdefault(blob, self._content(blob))

    def snapshot(self, commit: str, path: str, default_namespace: str) -> Snapshot:
        """The set at `path` of a commit; what most files hold is known (see `Log.index`)."""
        index = self._log.index(commit, path)
        if index is not None and index.default_namespace == default_namespace:
            kept = self._held.keys() & index.blobs.values()
            self._held = {blob: self._held[blob] for blob in kept}
            return indexed_snapshot(commit, index, self._hold)
        files = self.files(commit, path)
        links = [p for p, file in files.items() if is_manifest_path(p) and not _is_file(file)]
        snapshot = read_snapshot(
            commit,
            {p: self._content(f.blob) for p, f in files.items() if _is_file(f) and _may_count(p)},
            root=path,
            default_namespace=default_namespace,
        )
        return snapshot.without_links(links)

    def parent(self, commit: str) -> str:
        """The first parent, empty for a root commit."""
        return next((p.decode("ascii") for p in commits.parents(self._repo, oid(commit))), "")

    def operations(self, commit: str, path: str = "") -> Iterator[str]:
        """The commits that changed a file of the set at `path`, newest first, by first parents."""
        before = self._place(commit, path)
        while commit:
            parent = self.parent(commit)
            place, before = before, self._place(parent, path)
            if place != before:
                yield commit
            commit = parent

    def _place(self, commit: str, path: str) -> File | None:
        """The directory of a set in a commit."""
        if not commit:
            return None
        return objects.entry(self._objects, objects.tree_of(self._objects, commit), path)

    def message(self, commit: str) -> Message:
        """Who made a commit, when and why."""
        return objects.message_of(objects.commit_at(self._objects, commit))

    def distrusted(self, commit: str, since: str = "") -> Iterator[tuple[str, str]]:
        """The commits of a range that are unsigned or not to be trusted, each with the reason."""
        known = set(commits.newest_first(self._repo, oid(since))) if since else set()
        if oid(commit) in known:
            return
        for one in commits.newest_first(self._repo, oid(commit), known):
            why = distrusted(objects.commit_at(self._objects, one.decode("ascii")))
            if why:
                yield one.decode("ascii"), why

    def damage(self) -> Iterator[str]:
        """What is not as it was written, object by object: the repository's own checksums."""
        yield from damaged(self._repo)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """True where `older` is reachable from `newer` (a commit is its own ancestor)."""
        return commits.is_ancestor(self._repo, oid(older), oid(newer))

    def writable(self) -> StoreRefusal | None:
        """Why a push would be refused, as far as that can be told without one."""
        with self._origin.guard():
            return self._origin.writable()

    def resolve(self, name: str) -> str:
        """The full id of a commit by (abbreviated) id, also of one that a rewrite abandoned."""
        tip = self._origin.tip()
        try:
            own = {oid(link.name) for link in links(self._objects, tip.history)}
        except GitopsError:  # a damaged history knows of no commit that the branch has not
            return commits.resolve(self._repo, name, (tip.commit,), ())
        return commits.resolve(self._repo, name, (tip.commit, tip.history), own)

    def commit(self, parent: str, edits: Mapping[str, bytes | None], message: Message) -> str:
        """Write a commit on top of `parent` (None removes a file). No ref moves."""
        tree = objects.tree_of(self._objects, parent) if parent else None
        top, made = objects.edit_tree(self._objects, tree, edits)
        above = [oid(parent)] if parent else []
        commit = objects.build_commit(top, above, message.author, render(message))
        sign(commit)
        with self._origin.guard():
            objects.add(self._objects, [*made, commit])
        self._held |= {m.id.decode("ascii"): m.data for m in made if isinstance(m, Blob)}
        return commit.id.decode("ascii")

    def publish(self, base: Tip, commit: str) -> Tip | Moved | StoreRefusal:
        """Extend the history to `commit` and move both refs, if the branch still is at `base`.

        Where only the history moved meanwhile, it is extended again on top of the server's. A
        commit that is found in the branch was published, whatever became of the answer.
        """
        with self._origin.guard():
            at, history = base.commit, base.history
            for _ in range(_HISTORY_ATTEMPTS):
                outcome = self._origin.push(at, self._extended_or_left(Tip(commit, history)))
                if not isinstance(outcome, Moved):
                    return outcome
                if not self._has(outcome.tip, commit, base.commit):
                    at = base.commit
                    if outcome.tip.commit != at:
                        return outcome
                elif outcome.tip.commit != commit:
                    return Tip(commit, outcome.tip.history)
                else:
                    at = commit
                history = outcome.tip.history
        raise GitopsError("the history ref of the store keeps moving", "kubectl gitops pull")

    def _has(self, tip: Tip, commit: str, base: str) -> bool:
        """True where the branch has a commit that was made on top of `base`."""
        if not tip.commit:
            return False
        known = {oid(base)} if base else ()
        return oid(commit) in commits.newest_first(self._repo, oid(tip.commit), known)

    def extend(self, tip: Tip) -> Tip:
        """Index commits of the branch that the history lacks; nothing is sent to a server."""
        with self._origin.guard():
            extended = self._extended(tip)
            if extended != tip:
                self._origin.keep(tip.history, extended.history)
            return extended

    def rebuild(self, tip: Tip) -> Tip | Moved | StoreRefusal:
        """Make the history anew from the branch alone, in the place of the one at `tip`."""
        with self._origin.guard():
            made = Tip(tip.commit, self._log.extend("", tip.commit))
            return self._origin.replace_history(tip.history, made)

    def _extended(self, tip: Tip) -> Tip:
        return Tip(tip.commit, self._log.extend(tip.history, tip.commit))

    def _extended_or_left(self, tip: Tip) -> Tip:
        """The history is derived: what is wrong with it stops no change of the branch."""
        try:
            return self._extended(tip)
        except GitopsError as error:
            self._warn(f"{error.message}; it is left as it is (kubectl gitops verify)")
            return tip

    def revisions(self, tip: Tip, resource: ResourceId, path: str = "") -> Iterator[Revision]:
        """The history of one resource of the set at `path`, newest first, read when asked for."""
        if tip.history:
            yield from records.revisions(self._objects, self._records(tip), path, resource)

    def latest(self, tip: Tip, path: str = "") -> Iterator[Revision]:
        """The newest revision of every resource that ever was in the set at `path`."""
        if tip.history:
            for last in records.latest(self._objects, self._records(tip), path):
                yield last.revision

    def recorded(self, tip: Tip, path: str = "") -> Mapping[str, str]:
        """The blobs of the latest records of the set at `path`, by the files they stand in."""
        if not tip.history:
            return {}
        return records.listed(self._objects, self._records(tip), path)

    def record(self, blob: str) -> Revision:
        """The record in a blob of the history; `GitopsError` where there is none."""
        return records.read(self._objects, blob).revision

    def changes(self, tip: Tip, path: str = "") -> Iterator[Revision]:
        """Every revision of the set at `path`, newest first, read when asked for."""
        return self._chain_of(tip).changes(path)

    def changed_by(self, tip: Tip, commit: str, path: str = "") -> tuple[Revision, ...]:
        """The revisions of the set at `path` that one commit made."""
        return self._chain_of(tip).changed_by(commit, path)

    def _chain_of(self, tip: Tip) -> Chain:
        if tip.history:
            self._records(tip)
        if self._chain.head != tip.history:
            self._chain = Chain(self._objects, tip.history)
        return self._chain

    def abandoned(self, tip: Tip, names: Collection[str]) -> frozenset[str]:
        """Those of some commits of the history that are no more in the branch."""
        if not tip.history or not self._format(tip).rewritten:
            return frozenset()
        left = set(names)
        for commit in commits.newest_first(self._repo, oid(tip.commit)):
            left.discard(commit.decode("ascii"))
            if not left:
                break
        return frozenset(left)

    def _records(self, tip: Tip) -> ObjectID:
        """The tree of the history, if it is in a format that we read."""
        self._format(tip)
        return objects.tree_of(self._objects, tip.history)

    def _format(self, tip: Tip) -> records.Format:
        return records.format_of(self._objects, objects.tree_of(self._objects, tip.history))


def _is_file(file: File) -> bool:
    return stat.S_ISREG(file.mode)


def _may_count(path: str) -> bool:
    """Files that may hold manifests, and those that tell that a directory is another set."""
    return path.endswith((".yaml", ".yml", ".json", ".toml"))
