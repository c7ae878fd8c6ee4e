"""Label selectors, as `kubectl -l` and the API server read them.

`a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas that all must
hold. Like the server's, `!=` and `notin` also match where the label is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["Selector", "parse_selector"]

_SET = re.compile(r"(?P<key>[^\s,!=()]+)\s+(?P<word>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s,!=()]+)\s*(?P<word>==|=|!=)\s*(?P<value>[^\s,!=()]*)")
_EXISTS = re.compile(r"(?P<not>!?)\s*(?P<key>[^\s,!=()]+)")
_NEXT = re.compile(r"\s*(,|\Z)\s*")


@dataclass(frozen=True, slots=True)
class _Requirement:
    """One part: the label must be (`wanted`) or must not be one of `values`; None: any value."""

    key: str
    values: frozenset[str] | None
    wanted: bool

    def holds(self, labels: Mapping[str, str]) -> bool:
        found = self.key in labels
        if self.values is not None:
            found = found and labels[self.key] in self.values
        return found is self.wanted


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector; one without requirements selects everything."""

    requirements: tuple[_Requirement, ...] = ()

    def selects(self, labels: Mapping[str, str] | None) -> bool:
        """Whether all requirements hold for these labels."""
        return all(requirement.holds(labels or {}) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Parse a selector; `GitopsError` says where it cannot be read."""
    requirements: list[_Requirement] = []
    position = len(text) - len(text.lstrip())
    while position < len(text):
        requirement, end = _requirement(text, position)
        following = _NEXT.match(text, end)
        if following is None:
            raise _unreadable(text, end)
        requirements.append(requirement)
        position = following.end()
    return Selector(tuple(requirements))


def _requirement(text: str, position: int) -> tuple[_Requirement, int]:
    if found := _SET.match(text, position):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _Requirement(found["key"], values, found["word"] == "in"), found.end()
    if found := _EQUAL.match(text, position):
        wanted = found["word"] != "!="
        return _Requirement(found["key"], frozenset({found["value"]}), wanted), found.end()
    if found := _EXISTS.match(text, position):
        return _Requirement(found["key"], None, not found["not"]), found.end()
    raise _unreadable(text, position)


def _unreadable(text: str, position: int) -> GitopsError:
    rest = printable(text[position:]) or "its end"
    return GitopsError(f'unable to parse the selector "{printable(text)}" at "{rest}"')
