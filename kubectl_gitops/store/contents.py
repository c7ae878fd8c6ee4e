"""Which resources each set of the branch holds, brought from one commit to the next.

A directory with a `.gitops.toml` is a set; what lies in a set inside another belongs to the inner
one. A branch without any such file is one set. Only files that a commit changed are read: the rest
is known from the commit before.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID

from kubectl_gitops.manifest import Index, custom_scopes, is_manifest_path
from kubectl_gitops.ports import File
from kubectl_gitops.resource import ResourceId, ResourcePattern
from kubectl_gitops.sealing import SealRule
from kubectl_gitops.store import objects
from kubectl_gitops.store.documents import (
    Context,
    Documents,
    FileContent,
    Scope,
)

__all__ = ["Contents", "Delta", "Occurrence", "SetContents", "State"]

_SETTINGS_FILE = ".gitops.toml"
_DEFAULT_NAMESPACE = "default"

Changes = Mapping[str, "tuple[File | None, File | None]"]
"""Old and new file of every path that differs."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a resource stands: a file and the blob of it."""

    path: str
    blob: str


Before = dict[ResourceId, tuple[Occurrence, ...]]
"""Where the resources of changed files stood before the change."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What a commit did to one set.

    `touched` are the resources in files that differ, with the places where they stood before.
    Where `whole` is true nothing is known of before: every resource must be looked at. `revealed`
    says that a file nobody could read is no longer what it was: what was last seen in it may now
    be known as gone.
    """

    root: str
    touched: Mapping[ResourceId, tuple[Occurrence, ...]]
    whole: bool = False
    revealed: bool = False


@dataclass(slots=True)
class SetContents:
    """The resources of one set at one commit, by file and by resource."""

    context: Context
    blobs: dict[str, str] = field(default_factory=dict)
    ids: dict[str, tuple[ResourceId, ...]] = field(default_factory=dict)
    where: dict[ResourceId, tuple[str, ...]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    scopes: dict[str, frozenset[Scope]] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)

    def places(self, id: ResourceId) -> tuple[Occurrence, ...]:
        """Every document that is this resource."""
        return tuple(Occurrence(path, self.blobs[path]) for path in self.where.get(id, ()))

    def update(self, documents: Documents, files: Mapping[str, str | None]) -> Before:
        """Read files anew; tells what they touched.

        Given is the blob by path: None removes a file, and an empty one stands for a link.
        """
        contents = {
            path: documents.content(blob, path, self.context)
            for path, blob in files.items()
            if blob
        }
        touched = {id for path in files for id in self.ids.get(path, ())}
        touched.update(id for content in contents.values() for id in content.ids)
        before = {id: self.places(id) for id in touched}
        for path, blob in files.items():
            self._drop(path)
            if blob:
                self._put(path, blob, contents[path])
            elif blob is not None:
                self.links.add(path)
        return before

    def rescope(self, documents: Documents) -> Before:
        """Follow the CRDs of the set: files with kinds whose scope is new are read again."""
        scopes = frozenset(scope for found in self.scopes.values() for scope in found)
        kinds = {kind for kind, _ in scopes ^ self.context.scopes}
        if not kinds:
            return {}
        self.context = Context(self.context.default_namespace, scopes)
        stale = {
            path: self.blobs[path]
            for path, ids in self.ids.items()
            if any((id.group, id.kind) in kinds for id in ids)
        }
        return self.update(documents, stale)

    def index(self, root: str) -> Index:
        """What is known by now; later updates leave it as it is."""
        return Index(
            root,
            self.context.default_namespace,
            dict(sorted(self.context.scopes)),
            dict(self.blobs),
            dict(self.ids),
            dict(self.where),
            frozenset(self.unreadable),
            frozenset(self.links),
        )

    def _put(self, path: str, blob: str, content: FileContent) -> None:
        self.place(path, blob, content.ids, readable=content.readable)
        if scopes := custom_scopes((content.bodies or {}).values()):
            self.scopes[path] = frozenset(scopes.items())

    def place(self, path: str, blob: str, ids: tuple[ResourceId, ...], *, readable: bool) -> None:
        """Add a file of which is known what it holds."""
        self.blobs[path] = blob
        self.ids[path] = ids
        for id in ids:
            self.where[id] = (*self.where.get(id, ()), path)
        if not readable:
            self.unreadable.add(path)

    def _drop(self, path: str) -> None:
        self.blobs.pop(path, None)
        self.scopes.pop(path, None)
        self.unreadable.discard(path)
        self.links.discard(path)
        for id in dict.fromkeys(self.ids.pop(path, ())):
            self.where[id] = tuple(other for other in self.where[id] if other != path)
            if not self.where[id]:
                del self.where[id]


@dataclass(slots=True)
class State:
    """The sets of a branch at one tree. `sets` lacks those whose settings cannot be read."""

    tree: ObjectID | None = None
    settings: dict[str, str] = field(default_factory=dict)
    roots: frozenset[str] = frozenset()
    sets: dict[str, SetContents] = field(default_factory=dict)


class Contents:
    """The sets of the branch, brought from tree to tree. `read` counts the files looked at."""

    def __init__(self, store: BaseObjectStore, documents: Documents, state: State) -> None:
        self._store = store
        self._documents = documents
        self.state = state
        self.read = 0
        self._parsed: tuple[str, dict[str, Any] | None] = ("", None)  # the settings read last

    def advance(self, tree: ObjectID, known: frozenset[str]) -> list[Delta]:
        """Go on to another tree; `known` are the sets that the history has records of."""
        state = self.state
        changes = dict(objects.changes(self._store, state.tree, tree))
        settings = _settings(state.settings, changes)
        roots = _roots(settings, known)
        sets = state.sets
        if state.tree is None or roots != state.roots:
            changes = dict(objects.changes(self._store, None, tree))
            sets = {}
        by_root = _by_root(changes, roots)
        moved = {root for root in roots if settings.get(root) != state.settings.get(root)}
        self.state = State(tree, settings, roots, sets)
        return [
            self._advance_set(root, by_root.get(root, {}))
            for root in sorted(roots)
            if root in by_root or root in moved or root not in sets
        ]

    def index(self, tree: ObjectID, root: str) -> Index | None:
        """What the set at `root` holds at a tree, None where other sets than its own are known.

        The history knows sets of which the branch has no settings any more.
        """
        self.advance(tree, self.state.roots)
        found = self.state.sets.get(root)
        if found is None or self.state.roots != self.state.settings.keys():
            return None
        return found.index(root)

    def _advance_set(self, root: str, files: dict[str, str | None]) -> Delta:
        namespace = self._default_namespace(root)
        if namespace is None:
            self.state.sets.pop(root, None)
            return Delta(root, {})
        before = self.state.sets.get(root)
        if before is None:
            files = self._all_files(root)
            current = self.state.sets[root] = SetContents(Context(namespace))
        elif before.context.default_namespace != namespace:
            current = before
            current.context = Context(namespace, current.context.scopes)
            files = {**current.blobs, **files}
        else:
            current = before
        self.read += len(files)
        revealed = not current.unreadable.isdisjoint(files)
        touched = current.update(self._documents, files)
        touched = {**current.rescope(self._documents), **touched}
        return Delta(root, touched, before is None, revealed)

    def _default_namespace(self, root: str) -> str | None:
        settings = self._settings(root)
        if settings is None:
            return None
        namespace = settings.get("default-namespace", _DEFAULT_NAMESPACE)
        return namespace if isinstance(namespace, str) else None

    def seals(self, root: str) -> tuple[SealRule, ...]:
        """What the set's own settings call secret, as far as they can be read."""
        rules = (self._settings(root) or {}).get("seal")
        tables = rules if isinstance(rules, list) else []
        return tuple(_seal_rule(table) for table in tables if isinstance(table, dict))

    def _settings(self, root: str) -> dict[str, Any] | None:
        """A set's settings, empty where the branch has none; None where they cannot be read."""
        if root not in self.state.settings:
            return {}
        blob = self.state.settings[root]
        if self._parsed[0] != blob:
            self._parsed = blob, self._parse(blob)
        return self._parsed[1]

    def _parse(self, blob: str) -> dict[str, Any] | None:
        try:
            return tomllib.loads(self._documents.text(blob).decode())
        except ValueError:
            return None

    def _all_files(self, root: str) -> dict[str, str | None]:
        listed = dict(objects.changes(self._store, None, self.state.tree))
        return _by_root(listed, self.state.roots).get(root, {})


def _settings(before: Mapping[str, str], changes: Changes) -> dict[str, str]:
    """Blob of the settings file by directory."""
    settings = dict(before)
    for path, (_, new) in changes.items():
        root, _, name = path.rpartition("/")
        if name != _SETTINGS_FILE:
            continue
        settings.pop(root, None)
        if new is not None and stat.S_ISREG(new.mode):
            settings[root] = new.blob
    return settings


def _roots(settings: Mapping[str, str], known: frozenset[str]) -> frozenset[str]:
    """The sets: once recorded a set stays one, or its removal could not be recorded.

    The whole branch is a set only where its root says so or nothing else is one.
    """
    named = frozenset(settings) | (known - {""})
    return named if settings else named | {""}


def _by_root(changes: Changes, roots: frozenset[str]) -> dict[str, dict[str, str | None]]:
    """The manifests that differ, by set."""
    grouped: dict[str, dict[str, str | None]] = {}
    for path, (_, new) in changes.items():
        root = _root_of(path, roots)
        if root is not None and is_manifest_path(path, root):
            grouped.setdefault(root, {})[path] = _blob(new) if new else None
    return grouped


def _blob(file: File) -> str:
    """The blob of a file, empty for a link: those are not followed."""
    return file.blob if stat.S_ISREG(file.mode) else ""


def _root_of(path: str, roots: frozenset[str]) -> str | None:
    """The innermost set that a file lies in."""
    while path:
        path = path.rpartition("/")[0]
        if path in roots:
            return path
    return None


def _seal_rule(table: dict[str, Any]) -> SealRule:
    """A `[[seal]]` table; what is amiss in it is left out, and the rest counts all the same."""
    said = {
        part: table[part]
        for part in ("group", "kind", "namespace", "name")
        if isinstance(table.get(part), str)
    }
    paths = table.get("paths")
    texts = [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
    return SealRule(ResourcePattern(**said), tuple(path for path in texts if path.startswith("/")))
