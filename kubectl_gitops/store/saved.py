"""What was last known of a branch, kept on disk between two commands.

It says which resources each file holds, so that a command reads only the files that changed since
(of 10,000, parsing all takes two seconds, reading this some 50 ms). It follows from the branch
alone and may be lost at any time; one that another version wrote is not used.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from dulwich.object_store import BaseObjectStore

from kubectl_gitops import __version__
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store.contents import SetContents, State
from kubectl_gitops.store.documents import Context, Scope
from kubectl_gitops.store.objects import oid

__all__ = ["load", "save"]


def load(path: Path, store: BaseObjectStore) -> State:
    """What was saved, or an empty state."""
    try:
        found = json.loads(path.read_bytes())
        if found["version"] != __version__ or oid(found["tree"]) not in store:
            return State()
        sets = {root: _set(**fields) for root, fields in found["sets"].items()}
        return State(oid(found["tree"]), found["settings"], frozenset(found["roots"]), sets)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return State()


def _set(namespace: str, scopes: list[Any], files: dict[str, Any], links: list[str]) -> SetContents:
    made = SetContents(Context(namespace, _scopes(scopes)), links=set(links))
    for path, (blob, ids, readable, defined) in files.items():
        made.place(path, blob, tuple(ResourceId(*id) for id in ids), readable=readable)
        if defined:
            made.scopes[path] = _scopes(defined)
    return made


def _scopes(found: list[Any]) -> frozenset[Scope]:
    return frozenset(((group, kind), namespaced) for group, kind, namespaced in found)


def save(path: Path, state: State) -> None:
    """Keep a state; where that is not possible, the next command reads all again."""
    if state.tree is None:
        return
    text = json.dumps({
        "version": __version__,
        "tree": state.tree.decode("ascii"),
        "settings": state.settings,
        "roots": sorted(state.roots),
        "sets": {root: _saved(found) for root, found in state.sets.items()},
    })  # fmt: skip
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)


def _saved(found: SetContents) -> dict[str, Any]:
    return {
        "namespace": found.context.default_namespace,
        "scopes": _listed(found.context.scopes),
        "files": {
            path: [
                blob,
                [(id.group, id.kind, id.namespace, id.name) for id in found.ids[path]],
                path not in found.unreadable,
                _listed(found.scopes.get(path, frozenset())),
            ]
            for path, blob in found.blobs.items()
        },
        "links": sorted(found.links),
    }


def _listed(scopes: frozenset[Scope]) -> list[tuple[str, str, bool]]:
    return sorted((group, kind, namespaced) for (group, kind), namespaced in scopes)
