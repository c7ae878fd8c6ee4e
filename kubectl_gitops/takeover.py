"""Taking a resource over from kubectl, and leaving alone what others are meant to set.

A resource that kubectl made is owned by kubectl's field managers. Applied as `gitops` beside them,
a field removed from the manifest would stay for ever, and a changed one would be a conflict with
oneself (kubernetes#99003). So their ownership is first moved into ours by a JSON patch of
`managedFields`, and then the ordinary server-side apply removes and changes what it must.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.annotations import LAST_APPLIED
from kubectl_gitops.equality import MANAGER
from kubectl_gitops.fields import (
    Fields,
    difference,
    entries,
    entry_of,
    owned_at,
    owners,
    remove_pointers,
    union,
)
from kubectl_gitops.pointer import ABSENT, assign, matches, remove
from kubectl_gitops.ports import Cause
from kubectl_gitops.resource import Body, ResourceId, annotations_of, group_of

__all__ = [
    "Conflict",
    "built_in_ignores",
    "conflicts",
    "forcible",
    "hpa_targets",
    "needs_takeover",
    "release_patch",
    "respect_ignored",
    "restamp_patch",
    "retake_patch",
    "takeover_patch",
]

_LAST_APPLIED_POINTER = pointer_to.join(("metadata", "annotations", LAST_APPLIED))

# Whose fields are the user's own manifest. `kubectl-edit`, `kubectl-patch` and their like are not
# among them: what they set was never in a manifest, and a conflict with them is shown.
_TAKEN = frozenset(
    {
        ("kubectl-client-side-apply", "Update"),
        ("kubectl-create", "Update"),
        ("kubectl-replace", "Update"),
        ("before-first-apply", "Update"),
        ("kubectl", "Apply"),
    }
)


def _is_kubectl(manager: str) -> bool:
    return manager == "kubectl" or manager.startswith("kubectl-")


def _is_taken(entry: Body) -> bool:
    owner = (entry.get("manager", ""), entry.get("operation", ""))
    return owner in _TAKEN and not entry.get("subresource")


def needs_takeover(live: Body, manager: str = MANAGER) -> bool:
    """Whether kubectl applied or created it and we never did."""
    if entry_of(live, manager) is not None:
        return False
    taken = any(_is_taken(entry) for entry in entries(live))
    return taken or LAST_APPLIED in annotations_of(live)


def takeover_patch(
    live: Body, ignored: Iterable[str] = (), manager: str = MANAGER
) -> list[Body] | None:
    """The JSON patch that moves kubectl's fields into our entry, None where there is nothing to.

    The first operation changes nothing but fails (409) where the object is no longer the one that
    was read. Fields under the `ignored` pointers become nobody's: so they stay as they are.
    """
    taken = [entry for entry in entries(live) if _is_taken(entry)]
    annotated = LAST_APPLIED in annotations_of(live)
    if not taken and not annotated:
        return None
    patch = [_guard(live)]
    if taken:
        patch.append(_replaced(_merged(live, taken, (*ignored, _LAST_APPLIED_POINTER), manager)))
    if annotated:
        patch.append({"op": "remove", "path": _LAST_APPLIED_POINTER})
    return patch


def _merged(live: Body, taken: list[Body], ignored: Iterable[str], manager: str) -> list[Body]:
    """All entries, those taken united with ours and put first.

    One of another apiVersion names its fields as that version did. Most are called the same, and
    the API server passes over those that are not (tried with an autoscaling/v1 object).
    """
    ours = entry_of(live, manager)
    merged = [*taken, ours] if ours else taken
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "time": max(entry.get("time", "") for entry in merged),
        "fieldsType": "FieldsV1",
        "fieldsV1": remove_pointers(_fields(merged), ignored, live),
    }
    return [entry, *(other for other in entries(live) if other not in merged)]


def release_patch(
    stored: Body, *, everyone: bool = False, manager: str = MANAGER
) -> list[Body] | None:
    """The JSON patch after which what our apply states is ours alone; None where it is already.

    What somebody set with `kubectl edit` before we took the resource over, and the manifest says
    as well, has two owners; the next changed manifest would be a conflict over it. kubectl's
    updates give way, those of `everyone` where the resource was recorded as it is; whatever they
    own beside it stays theirs. Appliers keep theirs: they would be back.
    """
    ours = (entry_of(stored, manager) or {}).get("fieldsV1") or {}

    def left(entry: Body) -> Body | None:
        if not _gives_way(entry, everyone=everyone):
            return entry
        rest = _undotted(difference(entry.get("fieldsV1") or {}, ours), ours)
        return {**entry, "fieldsV1": rest} if rest else None

    kept = [rest for entry in entries(stored) if (rest := left(entry)) is not None]
    return None if kept == entries(stored) else [_guard(stored), _replaced(kept)]


def retake_patch(live: Body, sent: Body, manager: str = MANAGER) -> list[Body] | None:
    """The JSON patch after which items that others put into our lists go with our next apply.

    Who edits the key of an item (the port of a Service, the name of a container) makes another
    item of it, and ours is gone; server-side apply would put ours beside theirs, and the server
    may refuse both together. So theirs become ours, and what `sent` does not say goes. None where
    updaters own no such item.
    """
    entry = entry_of(live, manager)
    if entry is None:
        return None
    taken: Fields = entry.get("fieldsV1") or {}
    others: list[Body] = []
    for other in entries(live):
        fields = other.get("fieldsV1") or {}
        items = _items(fields, sent) if _gives_way(other, everyone=True) else {}
        taken, left = union(taken, items), difference(fields, items)
        if other != entry and left:
            others.append({**other, "fieldsV1": left} if items else other)
    if taken == entry.get("fieldsV1"):
        return None
    return [_guard(live), _replaced([{**entry, "fieldsV1": taken}, *others])]


def _items(fields: Fields, value: Any) -> Fields:
    """The list items of a set that a body lacks, in lists that it has."""
    found: Fields = {}
    for element, node in fields.items():
        if element.startswith("k:") and isinstance(value, list):
            item = _item(value, json.loads(element[2:]))
            below = node if item is None else _items(node, item)
        elif element.startswith("f:") and isinstance(value, dict) and element[2:] in value:
            below = _items(node, value[element[2:]])
        else:
            continue
        if below:
            found[element] = below
    return found


def _item(items: list[Any], keys: Body) -> Any:
    """The item of these keys; one that leaves a key to its default may be any."""
    fitting = (
        item
        for item in items
        if isinstance(item, dict) and all(item.get(name, key) == key for name, key in keys.items())
    )
    return next(fitting, None)


def _undotted(fields: Fields, ours: Fields) -> Fields:
    """Without the bare nodes of maps and items that we own something in: appliers list no `.`."""
    kept: Fields = {}
    for element, node in fields.items():
        if element == ".":
            continue
        if not ours.get(element):
            kept[element] = node
        elif rest := _undotted(node, ours[element]):
            kept[element] = rest
    return kept


def _gives_way(entry: Body, *, everyone: bool) -> bool:
    if entry.get("operation") != "Update" or entry.get("subresource") == "status":
        return False
    return everyone or _is_kubectl(entry.get("manager", ""))


def restamp_patch(live: Body, served: Collection[str]) -> list[Body] | None:
    """The JSON patch that rewrites entries of versions no longer served; None where there are none.

    `served` are the apiVersions of this kind. With an entry of ours in another one, server-side
    apply answers 500 for ever. Entries that become alike by it are united.
    """
    if all(entry.get("apiVersion") in served for entry in entries(live)):
        return None
    stamp = {"apiVersion": live["apiVersion"]}
    stamped: dict[tuple[str, ...], Body] = {}
    for entry in entries(live):
        now = entry if entry.get("apiVersion") in served else {**entry, **stamp}
        key = tuple(
            now.get(part, "") for part in ("manager", "operation", "apiVersion", "subresource")
        )
        stamped[key] = _united(stamped[key], now) if key in stamped else now
    return [_guard(live), _replaced(list(stamped.values()))]


def _united(one: Body, other: Body) -> Body:
    fields = union(one.get("fieldsV1") or {}, other.get("fieldsV1") or {})
    newest = max(one.get("time", ""), other.get("time", ""))
    return {**one, "time": newest, "fieldsV1": fields}


def _guard(live: Body) -> Body:
    version = live["metadata"]["resourceVersion"]
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": version}


def _replaced(managed: list[Body]) -> Body:
    return {"op": "replace", "path": "/metadata/managedFields", "value": managed}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field of ours that another manager owns with another value.

    `field` is spelled as the server does: `.spec.containers[name="web"].image`. `applied` is true
    where the other one applies, too; one that updates may be a person at a terminal.
    """

    manager: str
    field: str
    subresource: str = ""
    applied: bool = True


# apimachinery, managedfields/internal/conflict.go: an Update manager is printed with the version
# it used, an Apply manager without.
_CONFLICT = re.compile(
    r'conflict with "(?P<manager>(?:[^"\\]|\\.)*)"'
    r'(?: with subresource "(?P<subresource>[^"]*)")?'
    r"(?P<updated> using \S+)?"
)


def conflicts(causes: Iterable[Cause]) -> tuple[Conflict, ...]:
    """The field conflicts among the causes of a 409; none where it is about the resourceVersion."""
    return tuple(_conflict(cause) for cause in causes if cause.reason == "FieldManagerConflict")


def _conflict(cause: Cause) -> Conflict:
    found = _CONFLICT.match(cause.message)
    if found is None:
        return Conflict("", cause.field)
    manager = re.sub(r"\\(.)", r"\1", found["manager"])
    return Conflict(manager, cause.field, found["subresource"] or "", not found["updated"])


def forcible(managers: Iterable[str]) -> bool:
    """Whether a conflict at the first takeover is with kubectl only: the user's own hand."""
    names = tuple(managers)
    return bool(names) and all(map(_is_kubectl, names))


_WEBHOOKS = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})
_REPLICAS = "/spec/replicas"
_CA_BUNDLES = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "/spec/conversion/webhook/clientConfig/caBundle"
    ),
    ("apiregistration.k8s.io", "APIService"): "/spec/caBundle",
}


def built_in_ignores(
    desired: Body, live: Body, hpa_targets: Collection[ResourceId] = frozenset()
) -> tuple[str, ...]:
    """Pointers to the fields that a controller sets by design, whatever the manifest says.

    Replicas under an autoscaler, the rules of an aggregated ClusterRole, the `caBundle` that a
    certificate injector writes. (Tried without: replicas fell from 4 to 1, aggregated roles were
    emptied.) A `caBundle` that the manifest states is ignored only where another manager wrote
    it, as a webhook with a certificate of its own has to be able to renew it.
    """
    ignores: list[str] = []
    if ResourceId.of(live) in hpa_targets or _is_scaled(live):
        ignores.append(_REPLICAS)
    if desired["kind"] == "ClusterRole" and (
        "aggregationRule" in desired or "aggregationRule" in live
    ):
        ignores.append("/rules")
    return (*ignores, *_ca_bundles(desired, live))


def _is_scaled(live: Body) -> bool:
    return any(
        owner.subresource == "scale" and not _is_kubectl(owner.manager)
        for owner in owners(live, _REPLICAS)
    )


def _ca_bundles(desired: Body, live: Body) -> tuple[str, ...]:
    group_kind = (group_of(desired["apiVersion"]), desired["kind"])
    if group_kind[1] in _WEBHOOKS and group_kind[0] == "admissionregistration.k8s.io":
        places = matches(live, "/webhooks/*/clientConfig/caBundle")
    else:
        place = _CA_BUNDLES.get(group_kind)
        places = matches(live, place) if place else {}
    return tuple(place for place in places if _is_injected(desired, live, place))


def _is_injected(desired: Body, live: Body, place: str) -> bool:
    if not any(matches(desired, place).values()):
        return True
    return any(
        owner.manager != MANAGER and not _is_kubectl(owner.manager) for owner in owners(live, place)
    )


def hpa_targets(autoscalers: Iterable[Body]) -> frozenset[ResourceId]:
    """What HorizontalPodAutoscalers scale."""
    return frozenset(_target(hpa) for hpa in autoscalers if _names_target(hpa))


def _names_target(hpa: Body) -> bool:
    """Not every text in a branch is valid: the API server says so, not this."""
    spec = hpa.get("spec")
    target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    return isinstance(target, dict) and {"kind", "name"} <= target.keys()


def _target(hpa: Body) -> ResourceId:
    target: dict[str, Any] = hpa["spec"]["scaleTargetRef"]
    namespace = hpa["metadata"].get("namespace") or ""
    group = group_of(target.get("apiVersion", ""))
    return ResourceId(group, target["kind"], namespace, target["name"])


def respect_ignored(
    desired: Body, live: Body, ignored: Sequence[str], manager: str = MANAGER
) -> Body:
    """The body to send, in which ignored fields are neither reset nor claimed.

    What we own alone is sent with its live value, for to leave it out makes the API server delete
    it (replicas would become 1). Anything else is left out.
    """
    if not ignored:
        return desired
    ours = _fields(entry for entry in entries(live) if entry.get("manager") == manager)
    others = _fields(entry for entry in entries(live) if entry.get("manager") != manager)
    alone = difference(ours, others)
    body = desired
    for pointer in ignored:
        places = {**matches(live, pointer), **matches(desired, pointer)}
        for place in reversed(places):
            kept = owned_at(live, alone, place)
            left_out = kept is ABSENT
            body = remove(body, place) if left_out else assign(body, place, kept, live)
    return body


def _fields(managed: Iterable[Body]) -> Fields:
    return reduce(union, (entry.get("fieldsV1") or {} for entry in managed), {})
