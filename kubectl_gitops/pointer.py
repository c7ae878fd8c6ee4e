"""Pointers: how a field of a body is named in ignore rules, differences and ownership.

A pointer is a JSON pointer (RFC 6901), e.g. `/spec/replicas`. Where it enters a list, a segment is
a position, `*` (every item) or `name=web` (the item with that key, as `kubectl` prints
`[name="web"]` in conflicts): items move, so a position alone would name another field tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from kubectl_gitops.errors import Exit, GitopsError, printable
from kubectl_gitops.resource import Body

__all__ = ["ABSENT", "assign", "join", "matches", "parse", "remove", "segment_of", "selects"]

ABSENT: Final[Any] = object()
"""Stands for a field that is not there, which `null` is not."""


def parse(pointer: str) -> tuple[str, ...]:
    """The segments of a pointer; `GitopsError` where it is not one or names the whole document."""
    if not pointer.startswith("/"):
        raise GitopsError(
            f"not a pointer to a field: {printable(pointer)!r}; it looks like /spec/replicas",
            exit=Exit.USAGE,
        )
    return tuple(
        segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/")
    )


def join(path: tuple[str, ...]) -> str:
    """The pointer of some segments: the inverse of `parse`."""
    return "".join("/" + segment.replace("~", "~0").replace("/", "~1") for segment in path)


def text_of(value: Any) -> str:
    """A scalar as it stands in a segment: strings bare, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def selects(segment: str, item: Any, position: int) -> bool:
    """Whether a segment means this item of a list: `*`, its position, its keys or its value."""
    if segment in ("*", str(position)):
        return True
    if not isinstance(item, dict):
        return not isinstance(item, list) and segment == text_of(item)
    return _has(item, segment) or all(_has(item, pair) for pair in segment.split(","))


def _has(item: Body, pair: str) -> bool:
    name, equals, text = pair.partition("=")
    return bool(equals) and name in item and text_of(item[name]) == text


def segment_of(items: list[Any], position: int) -> str:
    """The segment that names an item: by `name` where that is unique, else by position."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    name = names[position]
    if isinstance(name, str) and names.count(name) == 1:
        return f"name={name}"
    return str(position)


def matches(body: Any, pointer: str) -> dict[str, Any]:
    """The fields of `body` that a pointer means, by their exact pointers (no `*` in them)."""
    return {join(path): value for path, value in _matches(body, parse(pointer))}


def _matches(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not path:
        yield (), value
        return
    for segment, child in _children(value, path[0]):
        for rest, found in _matches(child, path[1:]):
            yield (segment, *rest), found


def _children(value: Any, segment: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and segment in value:
        yield segment, value[segment]
    if isinstance(value, list):
        for position, item in enumerate(value):
            if selects(segment, item, position):
                yield segment_of(value, position), item


def remove(body: Body, pointer: str) -> Body:
    """A copy of `body` without the fields that a pointer means."""
    without: Body = _removed(body, parse(pointer))
    return without


def _removed(value: Any, path: tuple[str, ...]) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(value, dict) and head in value:
        others = {key: child for key, child in value.items() if key != head}
        return {**others, head: _removed(value[head], rest)} if rest else others
    if isinstance(value, list):
        pairs = [(item, selects(head, item, position)) for position, item in enumerate(value)]
        if rest:
            return [_removed(item, rest) if chosen else item for item, chosen in pairs]
        return [item for item, chosen in pairs if not chosen]
    return value


def assign(body: Body, pointer: str, value: Any, like: Body) -> Body:
    """A copy of `body` with a value at an exact pointer that `like` has, too.

    Maps on the way are made where they are missing. A list item is not: who removed the item from
    `body` meant its fields, too.
    """
    assigned: Body = _assigned(body, parse(pointer), value, like)
    return assigned


def _assigned(here: Any, path: tuple[str, ...], value: Any, like: Any) -> Any:
    if not path:
        return value
    if isinstance(like, list):
        return _assigned_item(here, path, value, like)
    here = {} if here is ABSENT else here
    if not (isinstance(here, dict) and isinstance(like, dict)):
        return here
    child = _assigned(here.get(path[0], ABSENT), path[1:], value, like[path[0]])
    return here if child is ABSENT else {**here, path[0]: child}


def _assigned_item(here: Any, path: tuple[str, ...], value: Any, like: list[Any]) -> Any:
    there = _position(like, path[0])
    place = _position(here, path[0]) if isinstance(here, list) else None
    if place is None or there is None:
        return here
    item = _assigned(here[place], path[1:], value, like[there])
    return [*here[:place], item, *here[place + 1 :]]


def _position(items: list[Any], segment: str) -> int | None:
    chosen = (index for index, item in enumerate(items) if selects(segment, item, index))
    return next(chosen, None)
