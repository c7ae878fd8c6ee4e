"""The branch's own seal rules: what else is secret, beside Secrets. Rules only ever add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_gitops.resource import ResourceId, ResourcePattern

__all__ = ["Path", "SealRule", "covers"]

Path = tuple[str, ...]
"""The keys and positions that lead from the root of a body to a value."""

# Without these a document would no longer say which resource it is.
_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})


@dataclass(frozen=True, slots=True)
class SealRule:
    """Fields of some resources to seal, by JSON pointers such as `/data/*`, `/spec/**/password`.

    `*` is any one key or position, `**` any number of them, none included. A pointer to a map or a
    list means every value in it.
    """

    pattern: ResourcePattern
    paths: tuple[str, ...]

    def covers(self, id: ResourceId, path: Path) -> bool:
        """True where the rule means a value of a resource, or something that holds it."""
        return self.pattern.fits(id) and any(_leads(_segments(p), path) for p in self.paths)


def covers(rules: Sequence[SealRule], id: ResourceId, path: Path) -> bool:
    """True where any rule means this value; never what makes a document a resource."""
    return path not in _IDENTITY and any(rule.covers(id, path) for rule in rules)


def _segments(pointer: str) -> Path:
    return tuple(s.replace("~1", "/").replace("~0", "~") for s in pointer[1:].split("/"))


def _leads(pattern: Path, path: Path) -> bool:
    """Whether a pattern means `path` or what holds it.

    Position by position, with the set of places in the pattern that may come next: a backtracking
    match of `/**/**/**` costs exponential time, and a branch is written by anyone who may push.
    """
    places = _skipped(pattern, {0})
    for key in path:
        if len(pattern) in places:
            return True
        stay = {place for place in places if pattern[place] == "**"}
        move = {place + 1 for place in places if pattern[place] in ("*", key)}
        places = _skipped(pattern, stay | move)
    return len(pattern) in places


def _skipped(pattern: Path, places: set[int]) -> set[int]:
    """The places, and those behind a `**` that stands for nothing."""
    reached = set(places)
    for place in range(len(pattern)):
        if place in reached and pattern[place] == "**":
            reached.add(place + 1)
    return reached
