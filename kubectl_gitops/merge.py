"""Two people changed one resource: keep both changes where they touch different fields.

A structural three-way merge of sealed bodies. Maps merge key by key; lists are atomic, since
without a schema nobody knows what identifies an item, and a wrong guess would be silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubectl_gitops.resource import Body, same

__all__ = ["Merge", "merge"]


@dataclass(frozen=True, slots=True)
class Merge:
    """The merged body, and the JSON pointers that both sides changed differently.

    `body` None means that both sides end with the resource gone.
    """

    body: Body | None
    overlaps: tuple[str, ...]


class _Absent:
    """A key that is not there: something else than one that is null."""


_ABSENT = _Absent()


def merge(base: Body | None, ours: Body | None, theirs: Body | None) -> Merge:
    """Merge what `ours` and `theirs` each made of `base` (None: the resource does not exist)."""
    overlaps: list[str] = []
    merged = _merge(_or_absent(base), _or_absent(ours), _or_absent(theirs), "", overlaps)
    return Merge(None if merged is _ABSENT else merged, tuple(overlaps))


def _or_absent(body: Body | None) -> Any:
    return _ABSENT if body is None else body


def _merge(base: Any, ours: Any, theirs: Any, pointer: str, overlaps: list[str]) -> Any:
    if _equal(ours, theirs) or _equal(base, theirs):
        return ours
    if _equal(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        return _merged_map(before, ours, theirs, pointer, overlaps)
    overlaps.append(pointer or "/")
    return ours


def _merged_map(
    base: Body, ours: Body, theirs: Body, pointer: str, overlaps: list[str]
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    # Their order first: the text that is edited is theirs, and new keys of ours go behind.
    for key in dict.fromkeys((*theirs, *ours)):
        below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        sides = (base.get(key, _ABSENT), ours.get(key, _ABSENT), theirs.get(key, _ABSENT))
        value = _merge(*sides, below, overlaps)
        if value is not _ABSENT:
            merged[key] = value
    return merged


def _equal(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return same(one, other)
