"""Field ownership as `metadata.managedFields` records it (KEP-555).

A field set is a `fieldsV1` tree: `f:NAME` is a field, `k:{…}` the list item with those keys, `v:…`
an item of a set of scalars, `i:N` an item by position, `.` the node itself. A node `{}` is a member
that has no members below it, so an empty root is the empty set and an empty child is not.

A tree alone does not say whether a member `{}` is an atomic map or an empty granular one. Where
another manager owns something below it, it is granular; that is what `known` stands for here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.pointer import ABSENT
from kubectl_gitops.resource import Body

__all__ = [
    "Fields",
    "Owner",
    "difference",
    "entries",
    "entry_of",
    "owned",
    "owned_at",
    "owners",
    "pointers",
    "remove_pointers",
    "union",
]

Fields = dict[str, Any]
"""A `fieldsV1` tree."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who set a field and when: `operation` is Apply or Update, `time` RFC 3339."""

    manager: str
    operation: str
    subresource: str
    time: str


def entries(body: Body) -> list[Body]:
    """The entries of `metadata.managedFields`; none where the object has none."""
    return body["metadata"].get("managedFields") or []


def entry_of(
    body: Body, manager: str, operation: str = "Apply", subresource: str = ""
) -> Body | None:
    """The entry of one manager. Of Apply there is at most one, the server keeps it so."""
    wanted = (manager, operation, subresource)
    return next((entry for entry in entries(body) if _key(entry) == wanted), None)


def _key(entry: Body) -> tuple[str, str, str]:
    return entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", "")


def union(left: Fields, right: Fields) -> Fields:
    """The members of either set."""
    merged = dict(left)
    for element, node in right.items():
        merged[element] = _union(merged[element], node) if element in merged else node
    return merged


def _union(left: Fields, right: Fields) -> Fields:
    if not left and not right:
        return {}
    return _closed(union(_opened(left), _opened(right)))


def difference(left: Fields, right: Fields) -> Fields:
    """The members of `left` that are not members of `right`."""
    kept: Fields = {}
    for element, node in left.items():
        if element not in right:
            kept[element] = node
        elif element != "." and (rest := difference(_opened(node), _opened(right[element]))):
            kept[element] = _closed(rest)
    return kept


def _opened(node: Fields) -> Fields:
    """A node below the root with its own membership spelled out."""
    return node or {".": {}}


def _closed(node: Fields) -> Fields:
    return {} if node == {".": {}} else node


def remove_pointers(fields: Fields, pointers: Iterable[str], body: Body) -> Fields:
    """The set without the fields that the pointers mean and everything below them.

    `body` resolves positions in lists. A pointer into an atomic field changes nothing: such a field
    is owned whole or not at all.
    """
    paths = [pointer_to.parse(pointer) for pointer in pointers]
    return reduce(lambda kept, path: _without(kept, body, path), paths, fields)


def _without(fields: Fields, value: Any, path: tuple[str, ...]) -> Fields:
    kept: Fields = {}
    for element, node in fields.items():
        if not _is(element, path[0], value):
            kept[element] = node
        elif len(path) == 1:
            continue
        elif not node:
            kept[element] = node
        elif below := _without(node, _child(value, element), path[1:]):
            kept[element] = _closed(below)
    return kept


def pointers(fields: Fields) -> tuple[str, ...]:
    """The leaves of a set as sorted pointers: `/spec/template/spec/containers/name=web/image`."""
    return tuple(sorted(pointer_to.join(path) for path in _leaves(fields, ())))


def _leaves(fields: Fields, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for element, node in fields.items():
        if element == ".":
            continue
        path = (*above, _segment(element))
        if _is_leaf(node):
            yield path
        else:
            yield from _leaves(node, path)


def owned(body: Body, fields: Fields) -> Body:
    """The part of a live body that a field set covers, with what identifies the resource.

    An empty map that is owned stays (`emptyDir: {}`), a list item keeps its keys, and order is
    that of the body.
    """
    kept: Body = _covered(body, fields, _known(body))
    metadata = {
        key: body["metadata"][key] for key in ("name", "namespace") if key in body["metadata"]
    }
    identity = {"apiVersion": body["apiVersion"], "kind": body["kind"]}
    return {**identity, **kept, "metadata": {**metadata, **kept.get("metadata", {})}}


def _known(body: Body) -> Fields:
    """Every field that anyone owns."""
    return reduce(union, (entry.get("fieldsV1") or {} for entry in entries(body)), {})


def _is_leaf(fields: Fields) -> bool:
    return not fields or fields.keys() == {"."}


def _covered(value: Any, fields: Fields, known: Fields) -> Any:
    if _is_leaf(fields):
        return value if _is_leaf(known) else type(value)()
    if isinstance(value, dict):
        return {
            name: _covered(child, fields[element], known.get(element, {}))
            for name, child in value.items()
            if (element := f"f:{name}") in fields
        }
    if isinstance(value, list):
        return list(_covered_items(value, fields, known))
    return value


def _covered_items(items: list[Any], fields: Fields, known: Fields) -> Iterator[Any]:
    parsed = [(element, _item_of(element)) for element in fields if element != "."]
    for position, item in enumerate(items):
        for element, wanted in parsed:
            if _fits(element, wanted, item, position):
                node = fields[element]
                keys: Fields = {f"f:{name}": {} for name in wanted} if element[0] == "k" else {}
                yield _covered(item, node and union(node, keys), known.get(element, {}))


def owned_at(body: Body, fields: Fields, pointer: str) -> Any:
    """What a field set covers of the value at an exact pointer; `pointer.ABSENT` where nothing.

    Inside an atomic field, which is owned whole, it is the value itself.
    """
    return _owned_at(body, fields, _known(body), pointer_to.parse(pointer))


def _owned_at(value: Any, fields: Fields, known: Fields, path: tuple[str, ...]) -> Any:
    if not path or value is ABSENT:
        return value if value is ABSENT else _covered(value, fields, known)
    for element, node in fields.items():
        if not _is(element, path[0], value):
            continue
        child, around = _child(value, element), known.get(element, {})
        if len(path) > 1 and _is_leaf(node):
            inside = pointer_to.matches(child, pointer_to.join(path[1:]))
            return next(iter(inside.values())) if inside and _is_leaf(around) else ABSENT
        return _owned_at(child, node, around, path[1:])
    return ABSENT


def owners(body: Body, pointer: str) -> tuple[Owner, ...]:
    """Who owns a field, something below it or an atomic field above it; the newest first."""
    path, known = pointer_to.parse(pointer), _known(body)
    found = [
        Owner(*_key(entry), entry.get("time", ""))
        for entry in entries(body)
        if _covers(entry.get("fieldsV1") or {}, known, body, path)
    ]
    return tuple(sorted(found, key=lambda owner: owner.time, reverse=True))


def _covers(fields: Fields, known: Fields, value: Any, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    for element, node in fields.items():
        if not _is(element, path[0], value):
            continue
        around = known[element]
        if _is_leaf(node):
            return len(path) == 1 or _is_leaf(around)
        if _covers(node, around, _child(value, element), path[1:]):
            return True
    return False


def _is(element: str, segment: str, value: Any) -> bool:
    """Whether a path element of a set is what a segment of a pointer names."""
    if element == ".":
        return False
    if element.startswith("f:"):
        return element[2:] == segment
    return pointer_to.selects(segment, _item_of(element), _position(value, element))


def _segment(element: str) -> str:
    if element.startswith("k:"):
        keys = _item_of(element).items()
        return ",".join(f"{name}={pointer_to.text_of(value)}" for name, value in keys)
    if element.startswith("v:"):
        return pointer_to.text_of(_item_of(element))
    return element[2:]


def _item_of(element: str) -> Any:
    """What stands in a `k:`, `v:` or `i:` element: keys, a scalar or a position."""
    return json.loads(element[2:])


def _child(value: Any, element: str) -> Any:
    if element.startswith("f:"):
        return value.get(element[2:], ABSENT) if isinstance(value, dict) else ABSENT
    position = _position(value, element)
    return value[position] if position >= 0 else ABSENT


def _position(value: Any, element: str) -> int:
    """Where the item of an element stands in a list; -1 where it does not."""
    items = value if isinstance(value, list) else []
    wanted = _item_of(element)
    places = (n for n, item in enumerate(items) if _fits(element, wanted, item, n))
    return next(places, -1)


def _fits(element: str, wanted: Any, item: Any, position: int) -> bool:
    if element.startswith("i:"):
        return bool(wanted == position)
    if element.startswith("v:"):
        return _text(item) == _text(wanted)
    return isinstance(item, dict) and all(
        name in item and _text(item[name]) == _text(value) for name, value in wanted.items()
    )


def _text(value: Any) -> str:
    """Canonical JSON, in which `true` is not 1."""
    return json.dumps(value, sort_keys=True)
