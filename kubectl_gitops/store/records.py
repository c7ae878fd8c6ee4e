"""The tree of the history: one file per resource that ever existed, holding its latest record.

A record stands at the canonical path of its resource, under the directory of its set; the records
before it are blobs that name one another. A root file `format` says how to read the tree, which
sets it knows, and whether the branch was ever rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import FORMAT, REBUILD, Recorded, Revision, decode
from kubectl_gitops.manifest import path_of
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import objects

__all__ = [
    "FORMAT_FILE",
    "Format",
    "changed",
    "encode_format",
    "format_of",
    "latest",
    "listed",
    "lookup",
    "read",
    "record_path",
    "recorded",
    "revisions",
]

FORMAT_FILE = "format"

# A record lies exactly three parts below its set: namespace, kind and name. So the records of a
# set are never taken for those of one inside it.
_PARTS = 3

_FEW_RECORDS = 8


def record_path(root: str, resource: ResourceId) -> str:
    """`production/shop/deployment.apps/web.json`."""
    return _beside_format(_folder(root) + path_of(resource).removesuffix(".yaml") + ".json")


def _folder(root: str) -> str:
    """The directory of a set's records, ending in `/`; no part of it has the name of a record."""
    parts = (part.replace("%", "%25") for part in root.split("/"))
    safe = (f"{p.removesuffix('.json')}%2ejson" if p.endswith(".json") else p for p in parts)
    return "/".join(safe) + "/" if root else ""


def _beside_format(path: str) -> str:
    """A set or a Namespace may be called `format`, too; an `f` is escaped nowhere else."""
    return f"%66{path[1:]}" if path.startswith(f"{FORMAT_FILE}/") else path


def _place(root: str) -> str:
    return _beside_format(_folder(root)).rstrip("/")


@dataclass(frozen=True, slots=True)
class Format:
    """What the root file says beside its number: the sets that have records.

    `rewritten`: commits that were indexed may have left the branch. Where it is false, nobody
    needs to look for them.
    """

    sets: frozenset[str] = frozenset()
    rewritten: bool = False


def encode_format(said: Format) -> bytes:
    """The content of the root file."""
    content: dict[str, Any] = {"format": FORMAT, "sets": sorted(said.sets)}
    if said.rewritten:
        content["rewritten"] = True
    return json.dumps(content).encode() + b"\n"


def format_of(store: BaseObjectStore, tree: ObjectID) -> Format:
    """What the root file says; `GitopsError` where the format is newer than ours, or damaged."""
    file = objects.entry(store, tree, FORMAT_FILE)
    try:
        found: Any = json.loads(objects.blob_at(store, file.blob)) if file else None
        number, sets = found["format"], found["sets"]
        valid = type(number) is int and isinstance(sets, list) and all(map(_is_text, sets))
    except (ValueError, TypeError, KeyError, RecursionError):
        valid = False
    if not valid:
        raise GitopsError("the history cannot be read", REBUILD)
    if number > FORMAT:
        raise GitopsError(
            f"the history has format {number}, this version reads {FORMAT}",
            "kubectl krew upgrade gitops",
        )
    return Format(frozenset(sets), rewritten=found.get("rewritten") is True)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def recorded(
    store: BaseObjectStore, tree: ObjectID, root: str, resource: ResourceId
) -> Recorded | None:
    """The latest record of a resource, None where it never existed."""
    file = objects.entry(store, tree, record_path(root, resource))
    return None if file is None else read(store, file.blob)


def lookup(
    store: BaseObjectStore, tree: ObjectID, root: str, count: int
) -> Callable[[ResourceId], Recorded | None]:
    """`recorded` for about `count` resources: where they are many, the tree is read only once."""
    if count < _FEW_RECORDS:
        return lambda resource: recorded(store, tree, root, resource)
    listed = objects.files(store, tree, _place(root))

    def listed_record(resource: ResourceId) -> Recorded | None:
        file = listed.get(record_path(root, resource))
        return None if file is None else read(store, file.blob)

    return listed_record


def read(store: BaseObjectStore, blob: str) -> Recorded:
    """The record in a blob; `GitopsError` where there is none that can be read."""
    return Recorded(blob, decode(objects.blob_at(store, blob)))


def revisions(
    store: BaseObjectStore, tree: ObjectID, root: str, resource: ResourceId
) -> Iterator[Revision]:
    """The records of one resource, newest first; each is read when it is asked for.

    The chain must be what `extend` writes: the same resource, numbers that fall.
    """
    record = recorded(store, tree, root, resource)
    while record is not None:
        yield record.revision
        previous = record.revision.previous
        if previous is None:
            return
        older = read(store, previous)
        if (
            older.revision.resource != resource
            or older.revision.revision >= record.revision.revision
        ):
            raise GitopsError(f"the history of {resource} is damaged", REBUILD)
        record = older


def changed(
    store: BaseObjectStore, older: ObjectID | None, tree: ObjectID, root: str
) -> Iterator[Revision]:
    """The records of a set in which a tree of the history differs from the one before it."""
    place = _place(root)
    before, after = (_directory(store, one, place) for one in (older, tree))
    prefix = f"{place}/" if place else ""
    slashes = _folder(root).count("/") + _PARTS - 1
    for path, (_, file) in objects.changes(store, before, after, prefix):
        if file is not None and path.count("/") == slashes:
            yield read(store, file.blob).revision


def _directory(store: BaseObjectStore, tree: ObjectID | None, place: str) -> ObjectID | None:
    found = objects.entry(store, tree, place) if tree else None
    return objects.oid(found.blob) if found else None


def latest(
    store: BaseObjectStore, tree: ObjectID, root: str, skip: frozenset[str] = frozenset()
) -> Iterator[Recorded]:
    """The latest record of every resource of a set, in the order of their paths.

    `skip` are record paths that the caller knows already.
    """
    for path, blob in listed(store, tree, root).items():
        if path not in skip:
            yield read(store, blob)


def listed(store: BaseObjectStore, tree: ObjectID, root: str) -> dict[str, str]:
    """The blobs of the latest records of a set, by path."""
    slashes = _folder(root).count("/") + _PARTS - 1
    found = objects.files(store, tree, _place(root))
    return {path: file.blob for path, file in found.items() if path.count("/") == slashes}
