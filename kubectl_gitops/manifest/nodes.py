"""Where each value of a YAML or JSON document stands in its text.

Built from libyaml's events, like the values themselves, and for the same reasons; only documents
that `yaml_value` has read come here. All positions are characters of the text, which has no byte
order mark. Libyaml's own ends are corrected: the end of a block collection, which swallows the
comments behind it, is that of its last leaf, and a block scalar ends before the blank lines that
do not belong to its value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from kubectl_gitops.manifest import scalars

__all__ = ["Entry", "Node", "Tree", "tree_of"]


@dataclass(frozen=True, slots=True)
class Node:
    """One value: `text[start:end]`, an anchor and a tag included.

    `style` is `'`, `"`, `|`, `>` for such scalars, `{` and `[` for collections in flow style, `:`
    and `-` for those in block style, `*` for an alias, and empty for a plain scalar.
    """

    start: int
    end: int
    style: str
    entries: tuple[Entry, ...] = ()
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value; `key` is None for a merge key. `start` and `end` are the key's."""

    key: str | None
    start: int
    end: int
    value: Node


@dataclass(frozen=True, slots=True)
class Tree:
    """A document: its root, where its content must end, and whether it has an anchor."""

    root: Node
    limit: int
    anchored: bool


def tree_of(text: str) -> Tree:
    """The nodes of the only document in a text that reads as a map.

    Raises yaml.YAMLError for JSON that is no YAML, such as a pair of surrogate escapes.
    """
    composer = _Composer(text)
    next(composer.events)  # the start of the stream
    next(composer.events)  # the start of the document
    root = composer.node(next(composer.events))
    end = next(composer.events)
    limit = end.start_mark.index if end.explicit else len(text)
    return Tree(root, limit, composer.anchored)


@dataclass(slots=True)
class _Composer:
    text: str
    anchored: bool = False
    events: Iterator[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.events = yaml.parse(self.text, Loader=yaml.CSafeLoader)

    def node(self, event: Any) -> Node:
        start, kind = event.start_mark.index, type(event)
        self.anchored = self.anchored or event.anchor is not None
        if kind is yaml.AliasEvent:
            return Node(start, event.end_mark.index, "*")
        if kind is yaml.ScalarEvent:
            return Node(start, self.scalar_end(event), event.style or "")
        if kind is yaml.MappingStartEvent:
            return self.mapping(start, flow=event.flow_style)
        return self.sequence(start, flow=event.flow_style)

    def scalar_end(self, event: Any) -> int:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        if event.style not in ("|", ">"):
            return end
        header = self.text[start:end].split("\n", 1)[0]
        if "+" in header.split("#")[0]:
            return end
        return start + len(self.text[start:end].rstrip("\r\n \t"))

    def mapping(self, start: int, *, flow: bool) -> Node:
        entries = []
        while type(event := next(self.events)) is not yaml.MappingEndEvent:
            key = self.node(event)
            entries.append(Entry(_key(event), key.start, key.end, self.node(next(self.events))))
        mark: Any = event.end_mark
        end = mark.index if flow else entries[-1].value.end
        return Node(start, end, "{" if flow else ":", entries=tuple(entries))

    def sequence(self, start: int, *, flow: bool) -> Node:
        items = []
        while type(event := next(self.events)) is not yaml.SequenceEndEvent:
            items.append(self.node(event))
        mark: Any = event.end_mark
        end = mark.index if flow else items[-1].end
        return Node(start, end, "[" if flow else "-", items=tuple(items))


def _key(event: Any) -> str | None:
    """The key as `yaml_value` reads it; None for a merge and for an alias."""
    if isinstance(event, yaml.AliasEvent):
        return None
    if event.tag is None and not event.implicit[0]:
        return str(event.value)
    if event.value == "<<":
        return None
    raw = (
        scalars.plain(event.value) if event.tag is None else scalars.tagged(event.tag, event.value)
    )
    return scalars.key(raw)
