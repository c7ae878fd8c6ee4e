"""A snapshot of a set of which is known where everything stands: files are read when asked for.

Reading ten thousand files to change one takes a second. Who keeps an index of them
(`kubectl_gitops.store.contents`) can say what `read_snapshot` would find, and this reads the text
of just the files that somebody wants to see.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Set, ValuesView
from dataclasses import dataclass, replace

from kubectl_gitops.manifest.snapshot import Entry, Snapshot, is_kustomization, read_snapshot
from kubectl_gitops.resource import ResourceId

__all__ = ["Index", "indexed_snapshot"]


@dataclass(frozen=True, slots=True)
class Index:
    """What is known of a set: the blob and the resources of each file that is looked at.

    `where` are the files of each resource, one for each document that is it. `scopes` are those of
    the custom kinds that the set itself defines.
    """

    root: str
    default_namespace: str
    scopes: Mapping[tuple[str, str], bool]
    blobs: Mapping[str, str]
    ids: Mapping[str, tuple[ResourceId, ...]]
    where: Mapping[ResourceId, tuple[str, ...]]
    unreadable: frozenset[str]
    links: frozenset[str]


def indexed_snapshot(commit: str, index: Index, content: Callable[[str], bytes]) -> Snapshot:
    """The snapshot that `read_snapshot` would make of these files; `content` reads a blob."""
    files = _Files(index.blobs, content)

    def read(paths: Iterable[str]) -> Snapshot:
        return read_snapshot(
            commit,
            {path: files[path] for path in paths},
            root=index.root,
            default_namespace=index.default_namespace,
            scopes=index.scopes,
        )

    shared = {path for paths in index.where.values() if len(paths) > 1 for path in paths}
    amiss = read({*index.unreadable, *shared, *filter(is_kustomization, index.blobs)})
    entries = _Entries(index, amiss.duplicates.keys(), lambda paths: read(paths).entries)
    return replace(amiss, entries=entries, files=files).without_links(index.links)


class _Files(Mapping[str, bytes]):
    """The bytes of files by path."""

    def __init__(self, blobs: Mapping[str, str], content: Callable[[str], bytes]) -> None:
        self._blobs = blobs
        self._content = content

    def __getitem__(self, path: str) -> bytes:
        return self._content(self._blobs[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)


class _Entries(Mapping[ResourceId, Entry]):
    """The resources that stand once; each is read when it is asked for, all when `items` is."""

    def __init__(
        self,
        index: Index,
        duplicates: Set[ResourceId],
        read: Callable[[Iterable[str]], Mapping[ResourceId, Entry]],
    ) -> None:
        self._index = index
        self._duplicates = duplicates
        self._read = read
        self._known: dict[ResourceId, Entry] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._index.where and id not in self._duplicates

    def __getitem__(self, id: ResourceId) -> Entry:
        if id not in self:
            raise KeyError(id)
        if id not in self._known:
            self._known |= self._read(self._index.where[id])
        return self._known[id]

    def __iter__(self) -> Iterator[ResourceId]:
        ids = self._index.ids
        return (id for path in sorted(ids) for id in ids[path] if id not in self._duplicates)

    def __len__(self) -> int:
        return len(self._index.where) - len(self._duplicates)

    def items(self) -> ItemsView[ResourceId, Entry]:
        self._known |= self._read(self._index.ids)
        return super().items()

    def values(self) -> ValuesView[Entry]:
        self._known |= self._read(self._index.ids)
        return super().values()
