"""TOML as data with names for what is wrong, and edits that keep people's comments."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from kubectl_gitops.errors import GitopsError, printable

__all__ = [
    "Path",
    "Table",
    "check_format",
    "check_keys",
    "edit",
    "read",
    "table",
    "tables",
    "text",
    "texts",
    "wrong",
]

Table = dict[str, Any]
Path = tuple[str, ...]
"""The keys that lead to a value: `("scope", "namespaces")`."""

# A settings file is small; a branch is written by anyone who may push.
_LONGEST = 256 * 1024


def read(source: str, where: str) -> Table:
    """The document as data; `GitopsError` with line and column where it is not TOML."""
    if len(source) > _LONGEST:
        raise GitopsError(f"{where} is longer than {_LONGEST // 1024} KiB")
    try:
        return tomllib.loads(source)
    except RecursionError as error:
        raise GitopsError(f"{where} is nested too deeply") from error
    except ValueError as error:  # also integers of more digits than Python converts
        raise GitopsError(f"{where}: {printable(str(error))}") from error


def check_keys(value: Table, known: Iterable[str], where: str, source: str = "") -> None:
    """Refuse a key that nobody reads: a misspelt setting must not be a silent one.

    With the text it came from the line is told, too, where the key can be found in it.
    """
    names = list(known)
    for key in value:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            suggestion = f", did you mean {close[0]}?" if close else ""
            line = _line_of(key, source)
            raise GitopsError(f"{where}: unknown setting {printable(key)}{line}{suggestion}")


def _line_of(key: str, source: str) -> str:
    """` (line 3)` for the first line that begins with a key or names it in a table's head."""
    quoted = rf"""["']?{re.escape(key)}["']?"""
    begins = re.compile(rf"\s*(\[[^=]*\b)?{quoted}\s*[=.\]]")
    lines = enumerate(source.splitlines(), 1)
    return next((f" (line {number})" for number, line in lines if begins.match(line)), "")


def check_format(content: Table, newest: int, where: str) -> None:
    """Before anything else: a newer format may hold settings that this version does not know."""
    number = content.get("format", newest)
    if type(number) is not int or number < 1:
        raise wrong(f"{where}: format", f"a number, {newest} for this version")
    if number > newest:
        raise GitopsError(
            f"{where} has format {number}, written by a newer version; "
            f"this one knows format {newest}",
            "kubectl krew upgrade gitops",
            "pip install --upgrade kubectl-gitops",
        )


def text(value: object, where: str) -> str:
    """A string on one line: what a file says is printed later."""
    if not isinstance(value, str) or printable(value) != value:
        raise wrong(where, "a string without control characters")
    return value


def texts(value: object, where: str) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list):
        raise wrong(where, "a list of strings")
    return tuple(text(item, where) for item in value)


def table(value: object, where: str) -> Table:
    """A table."""
    if not isinstance(value, dict):
        raise wrong(where, "a table")
    return value


def tables(value: object, where: str) -> list[Table]:
    """An array of tables, as `[[seal]]` makes one."""
    if not isinstance(value, list):
        raise wrong(where, "an array of tables")
    return [table(item, where) for item in value]


def wrong(where: str, wanted: str) -> GitopsError:
    """A value is not of the kind it must be; never says what it was."""
    return GitopsError(f"{where} must be {wanted}")


def edit(source: str, changes: Mapping[Path, Any]) -> str:
    """The text with some values set, or removed where None; every other byte stays.

    A value that is already there is not written again, so an edit that changes nothing gives the
    text as it was. In a table and in a list of strings only what differs changes.
    """
    import tomlkit

    before = tomllib.loads(source)
    document = tomlkit.parse(source)
    for path, value in changes.items():
        if _at(before, path) != value:
            _set(document, path, value)
    return tomlkit.dumps(document)


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _set(parent: Any, path: Path, value: Any) -> None:
    """Works on tomlkit's containers, which are typed as the union of all TOML items."""
    import tomlkit

    key, below = path[0], path[1:]
    if below or isinstance(value, dict):
        if key not in parent and value is not None:
            parent[key] = tomlkit.table()
        if key in parent:
            _set_below(parent[key], below, value)
    elif value is None:
        parent.pop(key, None)
    elif isinstance(value, list) and key in parent and not _are_tables(value):
        _set_items(parent[key], value)
    else:
        parent[key] = tomlkit.item(value)


def _set_below(child: Any, below: Path, value: Any) -> None:
    if below:
        _set(child, below, value)
        return
    for key in [key for key in child if key not in value]:
        del child[key]
    for key, item in value.items():
        if child.get(key) != item:
            child[key] = item


def _set_items(array: Any, items: list[Any]) -> None:
    """Change a list of strings item by item: a comment beside an item that stays, stays."""
    for index in reversed(range(len(array))):
        if array[index] not in items:
            del array[index]
    kept = list(array)
    if kept != items[: len(kept)]:
        array.clear()
        kept = []
    array.extend(items[len(kept) :])


def _are_tables(items: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in items)
