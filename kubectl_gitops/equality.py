"""Is a live resource what the manifest asks for? Proven from the object alone, or by a dry-run.

`proven_equal` claims equality only where a server-side apply could not change anything: field
manager `gitops` owns exactly what the body states, and each of those values stands in the live
object. Everything that would need the schema (defaults, quantities, a merge key left to its
default) is not proven and costs a dry-run, whose answer `same_after_preview` compares.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.fields import Fields, entry_of
from kubectl_gitops.pointer import ABSENT
from kubectl_gitops.resource import Body, same

__all__ = [
    "MANAGER",
    "Difference",
    "comparable",
    "differences",
    "normalise",
    "proven_equal",
    "same",
    "same_after_preview",
    "verdict",
]

MANAGER = "gitops"
"""The field manager of every write. Not `kubectl…`: Flux and kluctl take such managers over."""

# What every write moves or the server alone sets; the rest of metadata is content.
_NOISE = frozenset(
    {"managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink", "uid"}
)


def normalise(body: Body) -> Body:
    """The body that is sent: what only means something to a person or to the server left out.

    `stringData` becomes `data`, because the server does the same without owning the result, so
    that a key removed from the manifest would stay in the cluster (kubernetes#70281). By kind and
    exact path only; what is not of the right type is left for the server to refuse.
    """
    metadata = body["metadata"]
    if metadata.get("creationTimestamp", "") is None:
        metadata = {key: metadata[key] for key in metadata if key != "creationTimestamp"}
    sent = {key: body[key] for key in body if key != "status"} | {"metadata": metadata}
    if (sent["apiVersion"], sent["kind"]) == ("v1", "Secret"):
        return _encoded(sent)
    return sent


def _encoded(secret: Body) -> Body:
    clear, data = secret.get("stringData", ABSENT), secret.get("data")
    if clear is None:
        return {key: secret[key] for key in secret if key != "stringData"}
    texts = isinstance(clear, dict) and all(isinstance(text, str) for text in clear.values())
    if not texts or not (data is None or isinstance(data, dict)):
        return secret
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in clear.items()}
    rest = {key: secret[key] for key in secret if key != "stringData"}
    return rest | {"data": {**(data or {}), **encoded}}


def proven_equal(desired: Body, live: Body, manager: str = MANAGER) -> str | None:
    """None where a server-side apply of `desired` changes nothing, beyond doubt; else the reason.

    The rule, each part of it bought with a false claim of a laxer one: the same apiVersion in
    body, live object and entry; one entry of ours; no null; and wherever body, live object and
    `fieldsV1` are walked together, the same keys, items and order of items.
    """
    if "deletionTimestamp" in live["metadata"]:
        return "it is being deleted"
    entry = entry_of(live, manager)
    if entry is None:
        return f"{manager} has not applied it"
    if not desired["apiVersion"] == live["apiVersion"] == entry["apiVersion"]:
        return "it was applied or read in another apiVersion"
    if _has_null(desired):
        return "the manifest holds a null"
    return _differs(_content(desired), live, entry.get("fieldsV1") or {}, "")


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


def _content(desired: Body) -> Body:
    """What a field set can hold of a body: all but its identity."""
    metadata = desired["metadata"]
    metadata = {key: metadata[key] for key in metadata if key not in ("name", "namespace")}
    content = {key: desired[key] for key in desired if key not in ("apiVersion", "kind")}
    content.pop("metadata")
    return content | ({"metadata": metadata} if metadata else {})


def _differs(desired: Any, live: Any, fields: Fields, at: str) -> str | None:
    """The first place where body, live object and field set do not say the same."""
    elements = [element for element in fields if element != "."]
    if not elements:
        return None if same(desired, live) else f"{at} differs"
    prefixes = {element[:2] for element in elements}
    if prefixes == {"f:"} and isinstance(desired, dict) and isinstance(live, dict):
        return _map_differs(desired, live, fields, at)
    if isinstance(desired, list) and isinstance(live, list):
        if prefixes == {"k:"}:
            return _items_differ(desired, live, fields, at)
        if prefixes == {"v:"}:
            return _set_differs(desired, live, elements, at)
    return f"{at} has another shape"


def _map_differs(desired: Body, live: Body, fields: Fields, at: str) -> str | None:
    owned = {element[2:] for element in fields if element != "."}
    if owned != desired.keys():
        return f"{at}/{min(owned ^ desired.keys())} is owned or stated, not both"
    for key, value in desired.items():
        if key not in live:
            return f"{at}/{key} is gone"
        if reason := _differs(value, live[key], fields[f"f:{key}"], f"{at}/{key}"):
            return reason
    return None


def _items_differ(desired: list[Any], live: list[Any], fields: Fields, at: str) -> str | None:
    names = {tuple(json.loads(element[2:])) for element in fields if element != "."}
    if len(names) != 1:
        return f"{at} has items with different keys"
    (key_names,) = names
    owned = {_key(json.loads(e[2:]), key_names): e for e in fields if e != "."}
    wanted = [_key(item, key_names) for item in desired]
    present = [_key(item, key_names) for item in live]
    if reason := _order_differs(wanted, present, owned.keys(), at):
        return reason
    for item, key in zip(desired, wanted, strict=True):
        place = f"{at}/{key}"
        if reason := _differs(item, live[present.index(key)], fields[owned[key]], place):
            return reason
    return None


def _set_differs(desired: list[Any], live: list[Any], elements: list[str], at: str) -> str | None:
    owned = {_text(json.loads(element[2:])) for element in elements}
    return _order_differs([_text(v) for v in desired], [_text(v) for v in live], owned, at)


def _order_differs(wanted: list[str], present: list[str], owned: Any, at: str) -> str | None:
    """Whether items are owned, unique and in the same order; others may stand between them."""
    if "" in wanted or "" in present:
        return f"{at} has an item without its key"
    if len(set(wanted)) != len(wanted) or len(set(present)) != len(present):
        return f"{at} has an item twice"
    if set(wanted) != set(owned):
        return f"{at} has other items than are owned"
    if [item for item in present if item in owned] != wanted:
        return f"{at} lacks items or has them in another order"
    return None


def _key(item: Any, names: tuple[str, ...]) -> str:
    """The keys of an item as text; empty where it lacks one, as a default may stand for it."""
    if not isinstance(item, dict) or any(name not in item for name in names):
        return ""
    return _text([item[name] for name in names])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def same_after_preview(live: Body, preview: Body, manager: str = MANAGER) -> bool:
    """Whether a dry-run answered with the object that is live, in content and in our ownership.

    Content alone is not enough: a field that becomes ours, or ceases to be, is a change, for the
    next apply would otherwise not remove it, or would.
    """
    return (
        live["metadata"].get("uid") == preview["metadata"].get("uid")
        and same(comparable(live), comparable(preview))
        and same(_ownership(live, manager), _ownership(preview, manager))
    )


def verdict(sent: Body, live: Body, *circumstances: str) -> str:
    """The digest of a dry-run that changes nothing: of all that its answer depends on.

    That is what is sent, and the live object without what moves by itself: its version, the times
    in it and its status, with the status's owners. `circumstances` are the API server's version
    and how strictly it was asked to validate.
    """
    metadata = {key: live["metadata"][key] for key in live["metadata"] if key != "resourceVersion"}
    metadata["managedFields"] = [
        {key: value for key, value in entry.items() if key != "time"}
        for entry in live["metadata"].get("managedFields") or ()
        if entry.get("subresource") != "status"
    ]
    state = {**{key: live[key] for key in live if key != "status"}, "metadata": metadata}
    text = json.dumps([MANAGER, *circumstances, sent, state], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _ownership(body: Body, manager: str) -> Any:
    entry = entry_of(body, manager)
    return entry and (entry["apiVersion"], entry.get("fieldsV1"))


def comparable(body: Body) -> Body:
    """An object without what every write moves, and without its status."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in _NOISE}
    return {key: body[key] for key in body if key != "status"} | {"metadata": metadata}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; `before` or `after` is `pointer.ABSENT` where it is not there."""

    pointer: str
    before: Any
    after: Any


def differences(live: Body, preview: Body) -> tuple[Difference, ...]:
    """Where two states of one resource differ, without status and server-set metadata.

    Items of a list are compared by `name` where both sides have unique ones, else by position; a
    list that grew or shrank without names differs as a whole.
    """
    return tuple(_differences(comparable(live), comparable(preview), ()))


def _differences(before: Any, after: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    if same(before, after):
        return
    pairs = _pairs(before, after)
    if pairs is None:
        yield Difference(pointer_to.join(at), before, after)
        return
    for segment, (one, other) in pairs.items():
        yield from _differences(one, other, (*at, segment))


def _pairs(before: Any, after: Any) -> dict[str, tuple[Any, Any]] | None:
    """The children of two values by segment, or None where they can only differ as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        return _paired(before, after)
    if not (isinstance(before, list) and isinstance(after, list)):
        return None
    one, other = _by_name(before), _by_name(after)
    if one is None or other is None:
        positions = {str(n): pair for n, pair in enumerate(zip(before, after, strict=False))}
        return positions if len(before) == len(after) else None
    reordered = [name for name in one if name in other] != [name for name in other if name in one]
    return None if reordered else _paired(one, other)


def _paired(one: Body, other: Body) -> dict[str, tuple[Any, Any]]:
    keys = dict.fromkeys((*one, *other))
    return {key: (one.get(key, ABSENT), other.get(key, ABSENT)) for key in keys}


def _by_name(items: list[Any]) -> Body | None:
    """The items by their segments, None where not every one has a name of its own."""
    named = {pointer_to.segment_of(items, n): item for n, item in enumerate(items)}
    return named if all(segment.startswith("name=") for segment in named) else None
