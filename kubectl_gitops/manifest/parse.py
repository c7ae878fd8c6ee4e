"""One YAML document to JSON data, exactly as kubectl does it, whatever the document holds.

The values are built straight from libyaml's events: nothing is composed or constructed by PyYAML,
so no tag can name a Python type, and the budgets below stop a hostile document while it is read.
(PyYAML's composer recurses in C and kills the interpreter at some 25,000 nested brackets; a merge
key bomb of 554 bytes costs it seconds. This way takes no longer than CSafeLoader.)

The one difference to kubectl is wanted: a duplicate key is refused (kubernetes#14791, #89303).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest import scalars

__all__ = ["MAX_DEPTH", "MAX_NODES", "broken", "yaml_value"]

MAX_DEPTH = 64
MAX_NODES = 250_000
"""Of one document, what its aliases stand for included."""

_MERGE_TAG = "tag:yaml.org,2002:merge"


def broken(source: str, line: int, column: int, problem: str, *hints: str) -> GitopsError:
    """The error for text that cannot be read; `line` and `column` are counted from 1."""
    place = f"{printable(source)}, line {line}, column {column}"
    return GitopsError(f"broken YAML in {place}: {problem}", *hints)


def yaml_value(text: str, source: str, line: int = 1) -> Any:
    """The value of the only document in `text`; None where it holds nothing but comments.

    `line` is that of the text's first line in `source`. Raises GitopsError with the place.
    """
    try:
        return _Builder(text, source, line).document()
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        problem = printable(str(error.problem))
        raise broken(source, line + mark.line, mark.column + 1, problem) from error
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        row, column = before.count("\n"), len(before) - before.rfind("\n")
        raise broken(source, line + row, column, str(error.reason)) from error


class _Builder:
    """The state of reading one document: what its anchors stand for, and what it has cost."""

    def __init__(self, text: str, source: str, line: int) -> None:
        self.text = text
        self.events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self.source = source
        self.line = line
        self.nodes = 0
        self.depth = 0
        # None while the anchored value is still being read. The number is its size in nodes.
        self.anchors: dict[str, tuple[Any, int] | None] = {}

    def fail(self, event: Any, problem: str) -> NoReturn:
        mark = event.start_mark
        raise broken(self.source, self.line + mark.line, mark.column + 1, problem)

    def document(self) -> Any:
        next(self.events)  # the start of the stream
        if type(next(self.events)) is yaml.StreamEndEvent:
            return None
        value = self.node(next(self.events))
        next(self.events)  # the end of the document
        after = next(self.events)
        if type(after) is not yaml.StreamEndEvent:
            self.fail(after, "a second document without a line `---` before it")
        return value

    def node(self, event: Any) -> Any:
        self.count(event, 1)
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self.alias(event)
        before = self.nodes - 1
        if event.anchor:
            self.anchors[event.anchor] = None
        value = self.scalar(event) if kind is yaml.ScalarEvent else self.collection(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before)
        return value

    def count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self.fail(event, f"a document of more than {MAX_NODES:,} values, aliases included")

    def collection(self, event: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(event, f"nested more than {MAX_DEPTH} levels deep")
        mapping = type(event) is yaml.MappingStartEvent
        value: Any = self.mapping() if mapping else self.sequence()
        self.depth -= 1
        return value

    def scalar(self, event: Any) -> scalars.Scalar:
        if event.tag is None and not event.implicit[0]:
            return str(event.value)
        if event.tag is not None and self.text.startswith(",", event.end_mark.index):
            # To go-yaml the comma is a part of the tag: `[!a, b]` has one item there.
            self.fail(event, "a comma directly behind a tag")
        try:
            return scalars.value(_raw(event))
        except ValueError as error:
            self.fail(event, str(error))

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            self.fail(event, f"unknown anchor {printable(event.anchor)}")
        anchored = self.anchors[event.anchor]
        if anchored is None:
            self.fail(event, f"anchor {printable(event.anchor)} contains itself")
        value, size = anchored
        self.count(event, size - 1)
        return _copy(value)

    def sequence(self) -> list[Any]:
        items = []
        while type(event := next(self.events)) is not yaml.SequenceEndEvent:
            items.append(self.node(event))
        return items

    def mapping(self) -> dict[str, Any]:
        """Keys in order; a merge takes effect where it stands, over what came before it."""
        entries: dict[str, Any] = {}
        own: dict[str, int] = {}
        while type(event := next(self.events)) is not yaml.MappingEndEvent:
            if _is_merge(event):
                entries.update(self.merged(next(self.events)))
                continue
            key, line = self.key(event), event.start_mark.line
            if key in own:
                first = self.line + own[key]
                self.fail(event, f'duplicate key "{printable(key)}", first given in line {first}')
            own[key] = line
            entries[key] = self.node(next(self.events))
        return entries

    def key(self, event: Any) -> str:
        self.count(event, 1)
        if type(event) is yaml.AliasEvent:
            return self.text_key(event)
        if type(event) is not yaml.ScalarEvent:
            self.fail(event, "a key is a string, a number or a boolean")
        try:
            key = scalars.key(_raw(event))
        except ValueError as error:
            self.fail(event, str(error))
        if event.anchor:
            self.anchors[event.anchor] = (self.scalar(event), 1)
        return key

    def text_key(self, event: Any) -> str:
        value = self.alias(event)
        if type(value) is not str:
            self.fail(event, "an alias as a key stands for a string")
        return value

    def merged(self, event: Any) -> dict[str, Any]:
        """The keys that `<<:` brings. Of several maps the first wins, as in go-yaml."""
        value = self.node(event)
        many = type(event) is yaml.SequenceStartEvent
        merged: dict[str, Any] = {}
        for part in reversed(value) if many else (value,):
            if type(part) is not dict:
                self.fail(event, "a merge key takes a map or a sequence of maps")
            merged.update(part)
        return merged


def _raw(event: Any) -> scalars.Raw:
    if event.tag is not None:
        return scalars.tagged(event.tag, event.value)
    return scalars.plain(event.value) if event.implicit[0] else event.value


def _is_merge(event: Any) -> bool:
    return (
        type(event) is yaml.ScalarEvent
        and event.value == "<<"
        and (event.implicit[0] or event.tag == _MERGE_TAG)
    )


def _copy(value: Any) -> Any:
    """A copy of JSON data, so that no two places of a body share what somebody may change."""
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value
