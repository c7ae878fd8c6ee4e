"""The branch's own seal rules: what else is secret, beside Secrets. Rules only ever add."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.resource import ResourceId, ResourcePattern

__all__ = ["Coverage", "SealRule", "coverage"]

Pattern = tuple[str, ...]
"""The segments of one path of a rule."""


@dataclass(frozen=True, slots=True)
class SealRule:
    """Fields of some resources to seal, by JSON pointers such as `/data/*`, `/spec/**/password`.

    `*` is any one key or item, `**` any number of them, none included; an item of a list may also
    be named, `name=web`. A pointer to a map or a list means every value in it.
    """

    pattern: ResourcePattern
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the patterns of the rules lead into a body, at one place of a walk through it.

    Kept as positions in the patterns, all of them at once: a backtracking match of `/**/**/**`
    costs exponential time, and a branch is written by anyone who may push.
    """

    positions: frozenset[tuple[Pattern, int]] = frozenset()

    @property
    def whole(self) -> bool:
        """True where a pattern has led here: all that is below is secret."""
        return any(position == len(pattern) for pattern, position in self.positions)

    def into_key(self, key: str) -> Coverage:
        """One level down, to the value of a key."""
        return self._into(lambda segment: segment in ("*", key))

    def into_item(self, item: Any, position: int) -> Coverage:
        """One level down, to an item of a list."""
        return self._into(lambda segment: pointer_to.selects(segment, item, position))

    def _into(self, fits: Callable[[str], bool]) -> Coverage:
        if not self.positions or self.whole:
            return self
        stay = {(p, n) for p, n in self.positions if p[n] == "**"}
        move = {(p, n + 1) for p, n in self.positions if p[n] != "**" and fits(p[n])}
        return Coverage(frozenset(_with_skips(stay | move)))


def coverage(rules: Iterable[SealRule], id: ResourceId) -> Coverage:
    """The coverage at the root of a resource's body."""
    fitting = (rule for rule in rules if rule.pattern.fits(id))
    starts = {(pointer_to.parse(path), 0) for rule in fitting for path in rule.paths}
    return Coverage(frozenset(_with_skips(starts)))


def _with_skips(positions: Iterable[tuple[Pattern, int]]) -> set[tuple[Pattern, int]]:
    """The positions, and those behind a `**` that stands for nothing."""
    reached = set(positions)
    for pattern, position in list(reached):
        behind = position
        while behind < len(pattern) and pattern[behind] == "**":
            behind += 1
            reached.add((pattern, behind))
    return reached
