"""The edits of a source text that turn what it says into another body.

A walk over the old body, the new one and the nodes of the text together. Nothing here proves that
an edit is right: `edit_text` reads the result again. What cannot be expressed raises ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_gitops.manifest import scalars
from kubectl_gitops.manifest.nodes import Entry, Node, Tree
from kubectl_gitops.manifest.places import Edit, Part, Source, block_edits, flow_edits, source_of
from kubectl_gitops.manifest.write import block, entry, flow, item, quoted, scalar
from kubectl_gitops.resource import Body

__all__ = ["same", "spliced"]


def same(one: Any, other: Any) -> bool:
    """Equality of JSON data as kubectl reads it: 1 is 1.0, neither is true, keys have no order."""
    if one is other:
        return True
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is bool or type(other) is bool:
        return one is other
    if type(one) in (int, float):
        return type(other) in (int, float) and scalars.value(one) == scalars.value(other)
    return bool(one == other)


def spliced(text: str, tree: Tree, old: Body, new: Body, bare: frozenset[str]) -> str:
    """The text with the difference between the bodies carried out.

    The values of the top-level keys in `bare` are written anew whether they differ or not, and the
    comments from there to the next key go.
    """
    if not _descends(tree.root, old, new):
        raise ValueError("nothing of the document stays")
    walk = _Walk(source_of(text), tree, bare)
    # Of two insertions at one place the inner one is found first, and must stand first.
    edits = sorted(walk.mapping(tree.root, old, new), key=lambda edit: edit[:2])
    pieces, last = [], 0
    for start, end, replacement in edits:
        pieces += [text[last:start], replacement]
        last = end
    return "".join([*pieces, text[last:]])


def _descends(node: Node, old: Any, new: Any) -> bool:
    """True where the collection stays one of its kind and keeps something of its own.

    A key that a merge brings cannot go, so then the whole map is exchanged.
    """
    if not new or type(old) is not type(new):
        return False
    if type(new) is dict and node.entries:
        own = {one.key for one in node.entries}
        return old.keys() <= own | new.keys() and not own.isdisjoint({None, *new})
    return type(new) is list and bool(node.items)


def _is_block(node: Node) -> bool:
    return node.style in (":", "-")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Each method gives the edits of one node. `bare` is as in `spliced`."""

    source: Source
    tree: Tree
    bare: frozenset[str]

    def mapping(self, node: Node, old: Body, new: Body) -> Iterator[Edit]:
        own = {one.key: number for number, one in enumerate(node.entries) if one.key is not None}
        for number, one in enumerate(node.entries):
            if one.key in new:
                yield from self.value(node, number, old[one.key], new[one.key])
        kept = [one.key is None or one.key in new for one in node.entries]
        inserted: dict[int, list[str]] = {}
        # A merge wins over what stands before it, so new keys go behind the last one.
        number = merge = max(
            (n for n, one in enumerate(node.entries) if one.key is None), default=-1
        )
        for name, value in new.items():
            number = max(own.get(name, number), merge)
            if name not in own and not (name in old and same(old[name], value)):
                inserted.setdefault(number, []).append(self.new_entry(node, name, value))
        yield from self.arranged(node, self.entries(node), kept, inserted)

    def arranged(
        self,
        node: Node,
        parts: Sequence[Part],
        kept: Sequence[bool],
        inserted: dict[int, list[str]],
    ) -> Iterator[Edit]:
        edits = block_edits if _is_block(node) else flow_edits
        yield from edits(self.source, parts, kept, inserted)

    def new_entry(self, node: Node, name: str, value: Any) -> str:
        if _is_block(node):
            return entry(name, value, self.source.column(node.entries[0].start))
        return f"{quoted(name)}: {flow(value)}"

    def entries(self, node: Node) -> list[Part]:
        return [self.part(node, number) for number in range(len(node.entries))]

    def part(self, node: Node, number: int) -> Part:
        one = node.entries[number]
        if not _is_block(node):
            return Part(one.start, one.value.end, one.value.end)
        if node is self.tree.root and one.key in self.bare:
            return Part(one.start, one.value.end, self.bare_stop(number))
        return Part(one.start, one.value.end, self.stop(one.value))

    def stop(self, node: Node) -> int:
        """Where the line behind a value in block style begins; a `|+` block ends there itself."""
        ends_line = node.end > node.start and self.source.text[node.end - 1] == "\n"
        return node.end if ends_line else self.source.line_stop(node.end)

    # The value of a key

    def value(self, node: Node, number: int, old: Any, new: Any) -> Iterator[Edit]:
        one = node.entries[number]
        if _is_block(node) and node is self.tree.root and one.key in self.bare:
            yield self.bared(number, new)
        elif not same(old, new):
            yield from self.changed(one, old, new, block=_is_block(node))

    def changed(self, one: Entry, old: Any, new: Any, *, block: bool) -> Iterator[Edit]:
        if _descends(one.value, old, new):
            yield from self.collection(one.value, old, new)
        elif not block:
            yield self.in_place(one.value, flow(new))
        else:
            yield self.after_key(one, new)

    def after_key(self, one: Entry, new: Any) -> Edit:
        """A value of another kind in the place of all that stands behind the colon."""
        node, column = one.value, self.source.column(one.start)
        if new and type(new) in (dict, list):
            comment = self.source.rest_of_line(node.end)
            written = comment.rstrip() + entry("", new, column).partition(":")[2]
            return self.colon(one), node.end + len(comment), self.lines(written)
        written = self.like(node, new, column + 2)
        if _is_block(node):
            return self.colon(one), node.end, self.lines(f" {written}")
        return self.in_place(node, written)

    def colon(self, one: Entry) -> int:
        """The place behind the colon. Raises ValueError for an explicit key (`? key`)."""
        between = self.source.text[one.end : one.value.start]
        if not between.lstrip(" \t").startswith(":"):
            raise ValueError("an explicit key")
        return one.end + between.index(":") + 1

    def in_place(self, node: Node, written: str) -> Edit:
        """A text in the place of a value; one of length zero stands right behind its colon."""
        needs_space = node.start == node.end and self.source.text[node.start - 1] not in " \t"
        return node.start, node.end, self.lines(" " + written if needs_space else written)

    def like(self, node: Node, value: Any, column: int) -> str:
        """A value in block style, quoted as the old one was where that is possible."""
        if type(value) is not str:
            return block(value, column)
        if "\n" in value and self.source.rest_of_line(node.end).strip():
            return quoted(value)
        plain = scalar(value, column)
        if node.style == '"' and "\n" not in value:
            return quoted(value)
        if node.style == "'" and "\n" not in value and not plain.startswith('"'):
            return "'" + value.replace("'", "''") + "'"
        return plain

    def lines(self, text: str) -> str:
        return text.replace("\n", self.source.newline)

    def collection(self, node: Node, old: Any, new: Any) -> Iterator[Edit]:
        if type(old) is dict:
            return self.mapping(node, old, new)
        return self.sequence(node, old, new)

    # Lists

    def sequence(self, node: Node, old: list[Any], new: list[Any]) -> Iterator[Edit]:
        """Equal items at both ends stay, those between change in pairs, the rest goes or comes."""
        head, tail = _ends(old, new)
        paired = min(len(old), len(new)) - head - tail
        for number in range(head, head + paired):
            if not same(old[number], new[number]):
                yield from self.item(node, number, old[number], new[number])
        surplus = range(head + paired, len(old) - tail)
        kept = [number not in surplus for number in range(len(old))]
        added = [self.new_item(node, value) for value in new[head + paired : len(new) - tail]]
        inserted = {head + paired - 1: added} if added else {}
        yield from self.arranged(node, self.items(node), kept, inserted)

    def item(self, node: Node, number: int, old: Any, new: Any) -> Iterator[Edit]:
        value = node.items[number]
        if _descends(value, old, new):
            yield from self.collection(value, old, new)
        elif not _is_block(node):
            yield self.in_place(value, flow(new))
        elif value.start == value.end or not new or type(new) not in (dict, list):
            yield self.in_place(value, self.like(value, new, self.source.column(node.start) + 2))
        else:
            yield self.in_place(value, block(new, self.source.column(value.start)))

    def new_item(self, node: Node, value: Any) -> str:
        return item(value, self.source.column(node.start)) if _is_block(node) else flow(value)

    def items(self, node: Node) -> list[Part]:
        if not _is_block(node):
            return [Part(one.start, one.end, one.end) for one in node.items]
        starts = self.dashes(node)
        return [
            Part(start, one.end, self.stop(one))
            for start, one in zip(starts, node.items, strict=True)
        ]

    def dashes(self, node: Node) -> list[int]:
        """Where the dashes stand: libyaml tells of the first only; the others are below it."""
        line = "\n" + " " * self.source.column(node.start) + "-"
        found = [node.start]
        for before, one in zip(node.items, node.items[1:], strict=False):
            index = self.source.text.rfind(line, before.end - 1, one.start)
            if index < 0:
                raise ValueError("a dash is not where it should be")
            found.append(index + len(line) - 1)
        return found

    # Values without their comments

    def bared(self, number: int, new: Any) -> Edit:
        """The entry of a bare key written anew. Only blank lines are kept behind it."""
        one, text = self.tree.root.entries[number], self.source.text
        self.colon(one)
        stop = self.bare_stop(number)
        rest = text[self.stop(one.value) : stop].splitlines(keepends=True)
        blank = "".join(line for line in rest if not line.strip())
        written = self.lines(entry(str(one.key), new, self.source.column(one.start)))
        end = self.source.newline if text[:stop].endswith("\n") else ""
        return one.start, stop, written + end + blank

    def bare_stop(self, number: int) -> int:
        entries = self.tree.root.entries
        if number + 1 < len(entries):
            return self.source.line_start(entries[number + 1].start)
        return self.tree.limit


def _ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items are equal at the front, and how many of the others at the back."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if not same(old[n], new[n])), shorter)
    rest = range(shorter - head)
    tail = next((n for n in rest if not same(old[-1 - n], new[-1 - n])), len(rest))
    return head, tail
