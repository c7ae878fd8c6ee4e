"""Every resource of a set as one commit holds it, found by what files say, not by their names.

A resource may stand in a file of its own, be one document of many or an item of a list; people
arrange their files as they like, and a move between files is no change to the cluster. Changes are
made where a resource stands already, and only new ones get a file with a name of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest.documents import Document, document_of
from kubectl_gitops.manifest.edit import edit_text
from kubectl_gitops.manifest.files import Parsed, Replacement, edit_file, parse_file
from kubectl_gitops.manifest.layout import path_of
from kubectl_gitops.manifest.lists import flatten
from kubectl_gitops.manifest.model import Manifest
from kubectl_gitops.manifest.prepare import identified
from kubectl_gitops.manifest.scope import custom_scopes, is_namespaced
from kubectl_gitops.resource import Body, ResourceId, group_of

__all__ = ["Entry", "Place", "Snapshot", "is_kustomization", "is_manifest_path", "read_snapshot"]

_SET = ".gitops.toml"
_SUFFIXES = (".yaml", ".yml", ".json")
_KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml")
_KUSTOMIZE = "kustomize.config.k8s.io"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a resource stands: a file, the number of its document, and the way into a list."""

    path: str
    index: int
    item: tuple[int, ...] = ()

    def __str__(self) -> str:
        """`shop.yaml (document 3)`."""
        return f"{printable(self.path)} (document {self.index + 1})"


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of the branch, and where it stands."""

    manifest: Manifest
    place: Place


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A set at one commit.

    `entries` are the resources that stand there once; `duplicates` those that stand in several
    places, which count as neither there nor absent. `unreadable` tells why the resources of a file
    are not known.
    """

    commit: str
    entries: Mapping[ResourceId, Entry]
    unreadable: Mapping[str, GitopsError] = field(default_factory=dict)
    duplicates: Mapping[ResourceId, tuple[Place, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    root: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def without_links(self, links: Iterable[str]) -> Snapshot:
        """The same where these paths are links: nobody knows what is in a file like that."""
        refused = {
            path: GitopsError(f"{printable(path)} is a link: links in a branch are not followed")
            for path in sorted(links)
        }
        return replace(self, unreadable={**self.unreadable, **refused}) if refused else self

    def edit(
        self, puts: Iterable[Manifest], removals: Iterable[ResourceId]
    ) -> dict[str, bytes | None]:
        """The file edits after which the set holds `puts` and lacks `removals`; None removes.

        Empty where that is so already. Raises GitopsError for a resource that stands twice, and
        for a new one whose file cannot be read.
        """
        changes: dict[ResourceId, Manifest | None] = dict.fromkeys(removals)
        changes |= {manifest.id: manifest for manifest in puts}
        self.refuse_duplicates(changes)
        edits = dict(self._edited({id: changes[id] for id in changes if id in self.entries}))
        for id, manifest in changes.items():
            if manifest is not None and id not in self.entries:
                edits[self._free_path(id, edits)] = manifest.text.encode()
        return {path: data for path, data in edits.items() if data != self.files.get(path)}

    def refuse_duplicates(self, ids: Iterable[ResourceId]) -> None:
        """`GitopsError` for the first that stands twice: nobody knows which one to change."""
        for id in ids:
            if id in self.duplicates:
                places = " and ".join(map(str, self.duplicates[id]))
                raise GitopsError(f"{id} stands twice in the branch: {places}")

    def _edited(
        self, changes: Mapping[ResourceId, Manifest | None]
    ) -> Iterator[tuple[str, bytes | None]]:
        by_document: dict[str, dict[int, dict[tuple[int, ...], Manifest | None]]] = {}
        for id, manifest in changes.items():
            place = self.entries[id].place
            document = by_document.setdefault(place.path, {}).setdefault(place.index, {})
            document[place.item] = manifest
        for path, documents in by_document.items():
            file = parse_file(self.files[path], path)
            edits = {index: _changed(file, index, items) for index, items in documents.items()}
            yield path, edit_file(self.files[path], path, edits)

    def _free_path(self, id: ResourceId, edits: Mapping[str, bytes | None]) -> str:
        """The canonical path, or one beside it where people keep something else there."""
        canonical = PurePosixPath(self.root, path_of(id))
        if str(canonical) in self.unreadable:
            raise self.unreadable[str(canonical)]
        path, number = canonical, 1
        while edits.get(str(path), self.files.get(str(path))) is not None:
            number += 1
            path = canonical.with_stem(f"{canonical.stem}-{number}")
        return str(path)


def _changed(
    file: Parsed, index: int, items: Mapping[tuple[int, ...], Manifest | None]
) -> Replacement | None:
    """What a document becomes: a manifest, nothing, or a list with some items changed."""
    if () in items:
        manifest = items[()]
        return Replacement(manifest.text, manifest.body) if manifest else None
    chunk = file.chunks[index]
    body = _relisted(chunk.value, items)
    if body is None:
        return None
    return Replacement(edit_text(file.text[chunk.start : chunk.end], chunk.value, body)[0], body)


def _relisted(parent: Body, items: Mapping[tuple[int, ...], Manifest | None]) -> Body | None:
    """A list with items replaced or removed, at any depth; None where none is left."""
    kept = []
    for number, item in enumerate(parent["items"]):
        below = {path[1:]: manifest for path, manifest in items.items() if path[0] == number}
        if not below:
            kept.append(item)
        elif () not in below:
            kept.append(_relisted(item, below))
        elif below[()]:
            kept.append(below[()].body)
    return {**parent, "items": [item for item in kept if item is not None]} if any(kept) else None


def is_manifest_path(path: str, root: str = "") -> bool:
    """True for a file whose content is looked at: YAML or JSON, not hidden, below `root`."""
    below = path[len(root) + 1 :] if root and path.startswith(f"{root}/") else path
    inside = not root or below != path
    return inside and path.endswith(_SUFFIXES) and "/." not in f"/{below}"


def read_snapshot(
    commit: str,
    files: Mapping[str, bytes],
    *,
    root: str = "",
    default_namespace: str = "default",
    scopes: Mapping[tuple[str, str], bool] | None = None,
) -> Snapshot:
    """Find the resources of the set at `root` among files, by their full paths.

    A file is looked at if its path may be that of a manifest and no directory below `root` makes
    it part of another set (by a `.gitops.toml` of its own). `scopes` tells of custom kinds whose
    CRD is not among the files: (group, kind) → namespaced.
    """
    looked_at = {path: files[path] for path in sorted(_of_set(files, root))}
    found: list[Document] = []
    unreadable: dict[str, GitopsError] = {}
    for path, data in looked_at.items():
        try:
            found += _resources(data, path)
        except GitopsError as error:
            unreadable[path] = error
    places: dict[ResourceId, list[Entry]] = {}
    custom = {**(scopes or {}), **custom_scopes(document.body for document in found)}
    for document in found:
        entry = _entry(document, default_namespace, custom)
        places.setdefault(entry.manifest.id, []).append(entry)
    return Snapshot(
        commit,
        {id: entries[0] for id, entries in places.items() if len(entries) == 1},
        unreadable,
        {id: tuple(e.place for e in entries) for id, entries in places.items() if entries[1:]},
        tuple(_warnings(looked_at)),
        root,
        looked_at,
    )


def _of_set(paths: Iterable[str], root: str) -> Iterator[str]:
    own = f"{root}/{_SET}" if root else _SET
    others = tuple(
        path.removesuffix(_SET) for path in paths if path.endswith(f"/{_SET}") and path != own
    )
    others = tuple(other for other in others if not f"{root}/".startswith(other))
    for path in paths:
        if is_manifest_path(path, root) and not path.startswith(others):
            yield path


def _resources(data: bytes, path: str) -> list[Document]:
    """The resources in a file; none in one that cannot hold any, whether it is YAML or not."""
    if is_kustomization(path):
        return []
    words = (b"apiVersion" in data) + (b"kind" in data)
    if not words and data[:2] not in _UTF16:
        return []
    try:
        file = parse_file(data, path)
    except GitopsError:
        if words == 1:
            return []  # values, templates: what is no YAML and has half the words is no manifest
        raise
    found: list[Document] = []
    for index, chunk in enumerate(file.chunks):
        if _is_manifest(chunk.value):
            found += flatten(document_of(file.text, chunk, index, path))
        elif _is_slip(chunk.value):
            # Read as no manifest, a slip of the hand would have the resource pruned.
            identified(document_of(file.text, chunk, index, path))
    for resource in found:
        identified(resource)
    return found


def is_kustomization(path: str) -> bool:
    """True for a file that says how resources are made, and holds none."""
    return path.rpartition("/")[2] in _KUSTOMIZATION


def _is_manifest(value: object) -> bool:
    match value:
        case {"apiVersion": str(version), "kind": str(kind)} if version and kind:
            return group_of(version) != _KUSTOMIZE
    return False


def _is_slip(value: object) -> bool:
    """A document that was meant as a manifest: it has metadata, and apiVersion or kind is amiss."""
    match value:
        case {"apiVersion": str(version), "kind": str(kind)} if version and kind:
            return False
        case {"metadata": {"name": str()}, "apiVersion": _}:
            return True
        case {"metadata": {"name": str()}, "kind": _}:
            return True
    return False


def _entry(
    document: Document, default_namespace: str, custom: Mapping[tuple[str, str], bool]
) -> Entry:
    written = ResourceId.of(document.body)
    namespaced = is_namespaced(written.group, written.kind, custom)
    namespace = written.namespace
    if namespaced is not None:
        namespace = (namespace or default_namespace) if namespaced else ""
    id = ResourceId(written.group, written.kind, namespace, written.name)
    manifest = Manifest(id, document.body["apiVersion"], document.text, document.body)
    return Entry(manifest, Place(document.source, document.index, document.item))


def _warnings(paths: Iterable[str]) -> Iterator[str]:
    ignored = [path for path in paths if is_kustomization(path)]
    if ignored:
        names = ", ".join(map(printable, ignored))
        yield f"{names} ignored: the branch holds resources as they are, not what makes them"
