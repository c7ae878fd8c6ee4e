"""What of a live object is worth a commit: the fields that people and their tools set.

Server noise and what controllers write is told by field ownership, not by a list of names: a
field is kept if some manager set it through the object itself, or a person by `kubectl scale`.
Fields set through a subresource otherwise and by the control plane's own controllers are not. Where
that leaves nothing (an object of the control plane, or one without ownership) all of it is kept but
what a server sets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from typing import Any

from kubectl_gitops import fields
from kubectl_gitops.annotations import MARKS
from kubectl_gitops.equality import MANAGER
from kubectl_gitops.manifest import OpenManifest, write
from kubectl_gitops.pointer import ABSENT, remove
from kubectl_gitops.resource import SERVER_SIDE, Body, ResourceId, same

__all__ = ["recorded", "recorded_manifest", "with_drift"]

# Owners are named by uid: those of a cluster made anew would have the object collected as garbage.
_LEFT_OUT = SERVER_SIDE | {"ownerReferences"}
_CONTROLLERS = frozenset(
    {
        "cloud-controller-manager",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
    }
)


def recorded_manifest(id: ResourceId, live: Body) -> OpenManifest:
    """A live object as a manifest: what people set, not what servers and controllers added."""
    body = recorded(live)
    return OpenManifest(id, body["apiVersion"], write(body), body)


def recorded(live: Body) -> Body:
    """The body to commit for a live object: JSON data that `apply` would accept."""
    kept = [entry["fieldsV1"] for entry in fields.entries(live) if _by_people(entry)]
    return _without_noise(live, fields.owned(live, reduce(fields.union, kept)) if kept else live)


def _without_noise(live: Body, body: Body) -> Body:
    metadata = {k: v for k, v in body["metadata"].items() if k not in _LEFT_OUT}
    head = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": _without_marks(metadata),
    }
    rest = {k: v for k, v in body.items() if k not in (*head, "status")}
    return {**head, **rest}


def _by_people(entry: Body) -> bool:
    if "fieldsV1" not in entry:
        return False
    manager, subresource = entry.get("manager"), entry.get("subresource")
    # Anything else that scales is an autoscaler, whose number of the moment is nobody's wish.
    return (manager, subresource) == ("kubectl", "scale") or (
        not subresource and manager not in _CONTROLLERS
    )


def _without_marks(metadata: Body) -> Body:
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in MARKS}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**rest, "annotations": annotations} if annotations else rest


def with_drift(
    declared: Body, wanted: Body, live: Body, managers: Collection[str], ignored: Iterable[str] = ()
) -> Body:
    """The declared body as it has to read to say what is live.

    `wanted` is the server's answer to a dry-run of `declared`, so that what is only spelled
    otherwise (`1000m` and `1`, a default left out) keeps the spelling that the person chose.
    `managers` are those whose edit it was: what they added beside it is part of that edit. Fields
    under the `ignored` pointers stay as declared.
    """
    edits = [
        entry["fieldsV1"]
        for entry in fields.entries(live)
        if _by_people(entry) and entry.get("manager") in (MANAGER, *managers)
    ]
    seen = _without_noise(live, fields.owned(live, reduce(fields.union, edits, {})))
    # Which resource it is the manifest says already, or leaves to a default.
    seen = reduce(remove, ("/metadata/name", "/metadata/namespace", *ignored), seen)
    body: Body = _with_drift(declared, wanted, live, seen)
    return body


def _with_drift(declared: Any, wanted: Any, live: Any, seen: Any) -> Any:
    """One value of the body; `seen` is what of the live one those who edited it own."""
    if live is ABSENT:
        return declared if wanted is ABSENT else ABSENT
    if isinstance(declared, dict) and isinstance(live, dict):
        return _map_with_drift(declared, _map(wanted), live, _map(seen))
    if isinstance(declared, list) and isinstance(live, list):
        return _items_with_drift(declared, wanted, live, seen)
    return declared if same(wanted, live) else live if seen is ABSENT else seen


def _map_with_drift(declared: Body, wanted: Body, live: Body, seen: Body) -> Body:
    kept = {
        key: _with_drift(
            value, wanted.get(key, ABSENT), live.get(key, ABSENT), seen.get(key, ABSENT)
        )
        for key, value in declared.items()
    }
    added = {key: value for key, value in seen.items() if key not in declared}
    return {key: value for key, value in (kept | added).items() if value is not ABSENT}


def _items_with_drift(declared: list[Any], wanted: Any, live: list[Any], seen: Any) -> list[Any]:
    """Item by item where each has a name of its own; a list without names is one value."""
    match [_by_name(side) for side in (declared, wanted, live, seen)]:
        case [dict(one), dict(two), dict(three), dict(four)]:
            return list(_map_with_drift(one, two, three, four).values())
    return declared if same(wanted, live) else seen if isinstance(seen, list) else live


def _by_name(value: Any) -> Body | None:
    items = value if isinstance(value, list) else []
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
        return None
    return dict(zip(names, items, strict=True))  # type: ignore[arg-type]


def _map(value: Any) -> Body:
    return value if isinstance(value, dict) else {}
