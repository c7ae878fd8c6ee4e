"""Where in a source text the parts of a collection come and go.

A collection is a row of parts, the entries of a map or the items of a list. In block style a part
has lines of its own, apart from the first, which may stand behind a dash; in flow style parts
stand between commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Edit", "Part", "Source", "block_edits", "flow_edits", "source_of"]

Edit = tuple[int, int, str]
"""`text[start:end]` becomes the third."""

Inserted = Mapping[int, Sequence[str]]
"""The texts of new parts, by the number of the kept part they follow; -1 for the front."""


@dataclass(frozen=True, slots=True)
class Part:
    """One entry or item: `start` at its key or dash, `end` behind its value.

    `stop` is where the next line begins, comments behind the value included; in flow style it is
    the end.
    """

    start: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text and its lines, which are told apart by `\n`; `newline` is what ends them."""

    text: str
    newline: str

    def line_start(self, index: int) -> int:
        """Where the line of `index` begins."""
        return self.text.rfind("\n", 0, index) + 1

    def line_stop(self, index: int) -> int:
        """Where the line after that of `index` begins, or the end of the text."""
        newline = self.text.find("\n", index)
        return len(self.text) if newline < 0 else newline + 1

    def column(self, index: int) -> int:
        """How far `index` is from there."""
        return index - self.line_start(index)

    def begins_line(self, index: int) -> bool:
        """True where nothing but blanks stands before it."""
        return not self.text[self.line_start(index) : index].strip(" ")

    def rest_of_line(self, index: int) -> str:
        """What stands behind it in its line: a comment at most, where a value ends there."""
        return self.text[index : self.line_stop(index)].rstrip("\r\n")


def source_of(text: str) -> Source:
    """A text with the line ends that it uses."""
    return Source(text, "\r\n" if "\r\n" in text else "\n")


def block_edits(
    source: Source, parts: Sequence[Part], kept: Sequence[bool], inserted: Inserted
) -> Iterator[Edit]:
    """Remove the parts that are not kept, of which one is, and insert new ones."""
    first = list(kept).index(True)
    yield from _block_removals(source, parts, kept, first)
    pad = " " * source.column(parts[0].start)
    for number, texts in inserted.items():
        text = f"\n{pad}".join(texts).replace("\n", source.newline)
        if number < 0:
            start = parts[first].start
            yield start, start, f"{text}{source.newline}{pad}"
        else:
            yield _line_behind(source, parts[number].stop, pad + text)


def _block_removals(
    source: Source, parts: Sequence[Part], kept: Sequence[bool], first: int
) -> Iterator[Edit]:
    if first > 0 and not source.begins_line(parts[0].start):
        yield parts[0].start, parts[first].start, ""
    else:
        first = 0
    for part, stays in zip(parts[first:], kept[first:], strict=True):
        if not stays:
            yield source.line_start(part.start), part.stop, ""


def _line_behind(source: Source, stop: int, line: str) -> Edit:
    if source.text[:stop].endswith("\n"):
        return stop, stop, line + source.newline
    return stop, stop, source.newline + line


def flow_edits(
    source: Source, parts: Sequence[Part], kept: Sequence[bool], inserted: Inserted
) -> Iterator[Edit]:
    """The same between brackets. New parts get lines of their own where the old ones have them."""
    numbers = [number for number, stays in enumerate(kept) if stays]
    first, last = numbers[0], numbers[-1]
    for number in range(last):
        if not kept[number]:
            yield parts[number].start, parts[number + 1].start, ""
    if last + 1 < len(parts):
        yield parts[last].end, parts[-1].end, ""
    for number, texts in inserted.items():
        start = parts[max(number, first)].start
        own_line = source.begins_line(start)
        comma = f",{source.newline}{' ' * source.column(start)}" if own_line else ", "
        if number < 0:
            yield start, start, "".join(text + comma for text in texts)
        else:
            yield parts[number].end, parts[number].end, "".join(comma + text for text in texts)
