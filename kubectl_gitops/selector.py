"""Label selectors, as `kubectl -l` and the API server read them.

`a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas that
all must hold. Like the server's, `!=` and `notin` also match where the label is not there. What the
server refuses is refused here, too (`apimachinery/pkg/labels/selector.go`): a scope that selects
something else than was meant would be pruned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["Selector", "parse_selector"]

_SPACE = r"[ \t\r\n]"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_KEY = rf"(?P<key>(?:(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?{_WORD})"
_VALUE = rf"{_SPACE}*(?:{_WORD})?{_SPACE}*"
_FORMS = tuple(
    map(
        re.compile,
        (
            rf"{_KEY}{_SPACE}+(?P<sign>in|notin){_SPACE}*"
            rf"\((?P<values>{_VALUE}(?:,{_VALUE})*)\)",
            rf"{_KEY}{_SPACE}*(?P<sign>==|=|!=)(?P<values>{_VALUE})",
            rf"{_KEY}{_SPACE}*(?P<sign>[<>]){_SPACE}*(?P<values>[0-9]{{1,63}})",
            rf"(?P<sign>!?){_SPACE}*{_KEY}(?P<values>)",
        ),
    )
)
_NEXT = re.compile(rf"{_SPACE}*(?:,{_SPACE}*(?=[^ \t\r\n])|\Z)")
_BLANK = re.compile(rf"{_SPACE}*")
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class _Requirement:
    """One part: a key, the sign behind it (or the `!` before it), and the values behind that."""

    key: str
    sign: str
    values: frozenset[str]

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.sign in ("!=", "notin", "!"):
            return value is None or (self.sign != "!" and value not in self.values)
        if value is None:
            return False
        if self.sign in ("<", ">"):
            return self._compares(value)
        return not self.sign or value in self.values

    def _compares(self, value: str) -> bool:
        """Only integers compare, those that Go's `ParseInt` reads."""
        (bound,) = map(int, self.values)
        if not value.isdecimal() or int(value) > _LARGEST:
            return False
        return int(value) < bound if self.sign == "<" else int(value) > bound


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector; one without requirements selects everything."""

    requirements: tuple[_Requirement, ...] = ()
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text

    def selects(self, labels: Mapping[str, str] | None) -> bool:
        """Whether all requirements hold for these labels."""
        return all(requirement.holds(labels or {}) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Parse a selector; `GitopsError` says where it cannot be read."""
    requirements: list[_Requirement] = []
    position = _end(_BLANK, text, 0)
    while position < len(text):
        requirement, end = _requirement(text, position)
        requirements.append(requirement)
        position = _end(_NEXT, text, end)
    return Selector(tuple(requirements), text.strip())


def _requirement(text: str, position: int) -> tuple[_Requirement, int]:
    found = next(filter(None, (form.match(text, position) for form in _FORMS)), None)
    if found is None:
        raise _unreadable(text, position)
    values = frozenset(value.strip() for value in found["values"].split(","))
    if found["sign"] in ("<", ">") and max(map(int, values)) > _LARGEST:
        raise _unreadable(text, found.start("values"))
    return _Requirement(found["key"], found["sign"], values), found.end()


def _end(form: re.Pattern[str], text: str, position: int) -> int:
    found = form.match(text, position)
    if found is None:
        raise _unreadable(text, position)
    return found.end()


def _unreadable(text: str, position: int) -> GitopsError:
    """The server's own words, where they are about the grammar and not about a label's value."""
    why = _complaint(_tokens(text))
    if not why:
        rest = printable(text[position:]) or "its end"
        why = f'unable to parse requirement: "{rest}" is no label'
    return GitopsError(f'the provided selector "{printable(text)}" is not valid: {why}')


_TOKEN = re.compile(rf"{_SPACE}*(==|!=|[=<>!(),]|[^ \t\r\n=<>!(),]+)")
_OPERATORS = frozenset({"in", "notin", "=", "==", "!=", "<", ">"})
_SPECIAL = (_OPERATORS - {"in", "notin"}) | set("!(),") | {""}


def _tokens(text: str) -> list[str]:
    """What the server's lexer makes of a text; it ends with empty tokens."""
    return [printable(token) for token in _TOKEN.findall(text)] + [""] * 4


def _complaint(tokens: list[str]) -> str:
    """What the server's parser says of the first token it does not expect; empty where none is."""
    while tokens[0]:
        if tokens[0] in _SPECIAL - {"!"}:
            return f"found '{tokens[0]}', expected: !, identifier, or 'end of string'"
        if why := _wrong_requirement(tokens):
            return f"unable to parse requirement: {why}"
        end = tokens.pop(0)
        if end and end != ",":
            return f"found '{end}', expected: ',' or 'end of string'"
        if end and tokens[0] in _SPECIAL - {"!"}:
            return f"found '{tokens[0]}', expected: identifier after ','"
        tokens = tokens if end else [""]
    return ""


def _wrong_requirement(tokens: list[str]) -> str:
    """Take one requirement off the tokens; why that cannot be done, else empty."""
    absent = tokens[0] == "!"
    del tokens[: int(absent)]
    if tokens[0] in _SPECIAL:
        return f"found '{tokens[0]}', expected: identifier"
    tokens.pop(0)
    if absent or tokens[0] in ("", ","):
        return ""
    if tokens[0] not in _OPERATORS:
        return f"found '{tokens[0]}', expected: in, notin, =, ==, !=, gt, lt"
    if tokens.pop(0) in ("in", "notin"):
        return _wrong_values(tokens)
    if tokens[0] in _SPECIAL - {"", ","}:
        return f"found '{tokens[0]}', expected: identifier"
    if tokens[0] not in ("", ","):
        tokens.pop(0)
    return ""


def _wrong_values(tokens: list[str]) -> str:
    if tokens[0] != "(":
        return f"found '{tokens[0]}' expected: '('"
    tokens.pop(0)
    while tokens[0] != ")":
        if tokens[0] not in _SPECIAL:
            tokens.pop(0)
        if tokens[0] not in (",", ")"):
            return f"found '{tokens[0]}', expected: ',' or ')'"
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return ""
