"""Two people changed one resource: keep both changes where they touch different fields.

A structural three-way merge of sealed bodies. Maps merge key by key; lists are atomic, since
without a schema nobody knows what identifies an item, and a wrong guess would be silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubectl_gitops import pointer
from kubectl_gitops.pointer import ABSENT
from kubectl_gitops.resource import Body, same

__all__ = ["Merge", "merge"]


@dataclass(frozen=True, slots=True)
class Merge:
    """The merged body, and the JSON pointers that both sides changed differently.

    `body` None means that both sides end with the resource gone. Where they overlap it holds what
    `ours` says; `/` stands for the whole resource, which one side removed.
    """

    body: Body | None
    overlaps: tuple[str, ...]


def merge(base: Body | None, ours: Body | None, theirs: Body | None) -> Merge:
    """Merge what `ours` and `theirs` each made of `base` (None: the resource does not exist)."""
    overlaps: list[str] = []
    sides = tuple(ABSENT if body is None else body for body in (base, ours, theirs))
    merged = _merge(sides, (), overlaps)
    return Merge(None if merged is ABSENT else merged, tuple(overlaps))


def _merge(sides: tuple[Any, ...], at: tuple[str, ...], overlaps: list[str]) -> Any:
    base, ours, theirs = sides
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        return _merged_map(before, ours, theirs, at, overlaps)
    overlaps.append(pointer.join(at) or "/")
    return ours


def _merged_map(
    base: Body, ours: Body, theirs: Body, at: tuple[str, ...], overlaps: list[str]
) -> Body:
    merged: Body = {}
    # Their order first: the text that is edited is theirs, and new keys of ours go behind.
    for key in dict.fromkeys((*theirs, *ours)):
        sides = tuple(side.get(key, ABSENT) for side in (base, ours, theirs))
        value = _merge(sides, (*at, key), overlaps)
        if value is not ABSENT:
            merged[key] = value
    return merged
