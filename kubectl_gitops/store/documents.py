"""The documents of one file of the branch, by resource, read once and kept while they are needed.

A file is read on its own: what is in its neighbours decides only whether a custom kind has
namespaces (from its CRD) and where a namespaced resource lives that names none.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kubectl_gitops.manifest import read_snapshot
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Context", "Documents", "FileContent", "Scope"]

Scope = tuple[tuple[str, str], bool]
"""Group and kind, and whether it lives in a Namespace."""

_KEPT_FILES = 1 << 15
"""As many as `manifest.parse_file` recalls, whose values these are."""

# A file of this name cannot stand in a branch, since such names are refused there; and no CRD has
# a name without a dot.
_CONTEXT_FILE = "\n.json"


@dataclass(frozen=True, slots=True)
class Context:
    """What decides the identity of a document besides its text.

    `scopes` are those of the custom kinds, as their CRDs in the set say.
    """

    default_namespace: str
    scopes: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class FileContent:
    """The resources of one file: `ids` has one entry per document, `bodies` those that are unique.

    `readable` is false where the file is no valid YAML or JSON: what it holds is not known.
    """

    ids: tuple[ResourceId, ...] = ()
    bodies: Mapping[ResourceId, Body] | None = None

    @property
    def readable(self) -> bool:
        """False where nobody knows what the file holds."""
        return self.bodies is not None


class Documents:
    """Reads blobs as manifests; the latest ones stay read."""

    def __init__(self, blob: Callable[[str], bytes]) -> None:
        self._blob = blob
        self._kept: OrderedDict[tuple[str, str, Context], FileContent] = OrderedDict()

    def content(self, blob: str, path: str, context: Context) -> FileContent:
        """What a file holds. Of its path only the name counts: some names are never manifests."""
        name = PurePosixPath(path).name
        key = (blob, name, context)
        if key not in self._kept:
            self._kept[key] = _content(self._blob(blob), name, context)
            if len(self._kept) > _KEPT_FILES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def text(self, blob: str) -> bytes:
        """The bytes of a file."""
        return self._blob(blob)


def _content(data: bytes, name: str, context: Context) -> FileContent:
    alone = _read({name: data}, Context(context.default_namespace))
    present = {(id.group, id.kind) for id in alone.ids}
    needed = frozenset(scope for scope in context.scopes if scope[0] in present)
    if not needed:
        return alone
    return _read({name: data}, Context(context.default_namespace, needed))


def _read(files: Mapping[str, bytes], context: Context) -> FileContent:
    definitions = {_CONTEXT_FILE: _definitions(context)} if context.scopes else {}
    snapshot = read_snapshot(
        "", {**files, **definitions}, default_namespace=context.default_namespace
    )
    if snapshot.unreadable:
        return FileContent()
    bodies = {
        id: entry.manifest.body
        for id, entry in snapshot.entries.items()
        if entry.place.path != _CONTEXT_FILE
    }
    repeated = [id for id, places in snapshot.duplicates.items() for _ in places]
    return FileContent((*bodies, *repeated), bodies)


def _definitions(context: Context) -> bytes:
    """The CRDs of the set, reduced to what identity needs, as one List."""
    items: list[Any] = [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": str(number)},
            "spec": {
                "group": group,
                "names": {"kind": kind},
                "scope": "Namespaced" if namespaced else "Cluster",
            },
        }
        for number, ((group, kind), namespaced) in enumerate(sorted(context.scopes))
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
