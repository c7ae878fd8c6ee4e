"""RFC 6902 patches between two bodies: made by an ordered differ, applied and checked by jsonpatch.

jsonpatch's own diff walks over sets, so the order of its operations changes with the hash seed.
This one is deterministic, emits only `add`, `remove` and `replace`, and shows the insertion of a
list item as an insertion. Patches are also read back from a branch that a stranger may have
written, so applying one has budgets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import Body, same

__all__ = ["MAX_OPERATIONS", "apply_patch", "check_patch", "diff"]

MAX_OPERATIONS = 10_000
"""A patch of more operations says less than the new body and is written as one replacement."""

_MAX_DEPTH = 128
_MAX_NODES = 300_000
_OPERATIONS = ("add", "remove", "replace", "test")

# Aligning two lists costs the product of their lengths; beyond this they are compared by position.
_MAX_ALIGNED = 1_000_000


def diff(before: Body, after: Body) -> tuple[Body, ...]:
    """The operations that turn one body into the other, in document order; checked."""
    patch = tuple(_differences(before, after, ""))
    if len(patch) > MAX_OPERATIONS or not _leads_to(patch, before, after):
        return ({"op": "replace", "path": "", "value": after},)
    return patch


def _leads_to(patch: Sequence[Body], before: Body, after: Body) -> bool:
    try:
        return same(apply_patch(before, patch), after)
    except GitopsError:
        return False


def _differences(before: Any, after: Any, path: str) -> Iterator[Body]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _in_mapping(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_list(before, after, path)
    elif not same(before, after):
        yield {"op": "replace", "path": path, "value": after}


def _in_mapping(before: Body, after: Body, path: str) -> Iterator[Body]:
    for key in sorted(before.keys() | after.keys()):
        below = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if key not in after:
            yield {"op": "remove", "path": below}
        elif key not in before:
            yield {"op": "add", "path": below, "value": after[key]}
        else:
            yield from _differences(before[key], after[key], below)


def _in_list(before: list[Any], after: list[Any], path: str) -> Iterator[Body]:
    """From left to right: what is left of the place an operation names already is as it will be."""
    for start, end, new_start, new_end in _blocks(before, after):
        paired = min(end - start, new_end - new_start)
        for offset in range(paired):
            place = f"{path}/{new_start + offset}"
            yield from _differences(before[start + offset], after[new_start + offset], place)
        for _ in range(start + paired, end):
            yield {"op": "remove", "path": f"{path}/{new_start + paired}"}
        for index in range(new_start + paired, new_end):
            yield {"op": "add", "path": f"{path}/{index}", "value": after[index]}


def _blocks(before: list[Any], after: list[Any]) -> Iterator[tuple[int, int, int, int]]:
    """Ranges of the two lists that belong together, in order, covering both."""
    if len(before) * len(after) > _MAX_ALIGNED:
        yield 0, len(before), 0, len(after)
        return
    aligned = SequenceMatcher(None, [*map(_label, before)], [*map(_label, after)], autojunk=False)
    for _, start, end, new_start, new_end in aligned.get_opcodes():
        yield start, end, new_start, new_end


def _label(item: Any) -> str:
    """What makes an item the same one in both lists: its name where it has one, else all of it.

    Containers, volumes, ports, environment variables: what Kubernetes merges by key is named.
    """
    name = item.get("name") if isinstance(item, dict) else None
    return f"name={name}" if isinstance(name, str) else json.dumps(item, sort_keys=True)


def apply_patch(body: Body, operations: Sequence[Body]) -> Body:
    """A copy of the body with the operations applied; `GitopsError` where that cannot be done.

    Only `add`, `remove`, `replace` and `test`: without `copy` a result is never larger than body
    and patch together (18 copies have made 264 MB of 1 kB).
    """
    from jsonpatch import JsonPatch, JsonPatchException
    from jsonpointer import JsonPointerException

    check_patch(operations)
    try:
        result = JsonPatch(deepcopy(list(operations))).apply(body)
    except (JsonPatchException, JsonPointerException, TypeError, ValueError, LookupError) as error:
        raise GitopsError("the patch of a history record does not fit its document") from error
    if not isinstance(result, dict):
        raise GitopsError("the patch of a history record does not leave a document")
    return result


def check_patch(operations: Sequence[Body]) -> None:
    """`GitopsError` for what is no patch of ours: other operations, too many, too deep or large."""
    if len(operations) > MAX_OPERATIONS:
        raise GitopsError(f"the patch of a history record has over {MAX_OPERATIONS:,} operations")
    if not all(isinstance(operation, dict) for operation in operations):
        raise GitopsError("the patch of a history record is not a list of operations")
    if not all(map(_is_ours, operations)):
        raise GitopsError("the patch of a history record has an operation that none of ours has")
    depths = (operation["path"].count("/") for operation in operations)
    if max(depths, default=0) > _MAX_DEPTH or _is_large([*operations]):
        raise GitopsError("the patch of a history record is larger than any document")


def _is_ours(operation: Body) -> bool:
    return operation.get("op") in _OPERATIONS and isinstance(operation.get("path"), str)


def _is_large(value: Any) -> bool:
    level, nodes, depth = [value], 0, 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > _MAX_NODES or depth > _MAX_DEPTH:
            return True
        level = [child for item in level for child in _children(item)]
    return False


def _children(item: Any) -> Sequence[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else ()
