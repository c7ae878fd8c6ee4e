"""The documents of a file: where each begins and ends, and what kubectl reads in it.

kubectl cuts a file at lines that begin with `---`, before any YAML is read, and looks only at
`\\n`. A file whose first character is `{` is a stream of JSON values; where one is not JSON after
all, the rest of that chunk is YAML (`{apiVersion: v1, …}` is a flow mapping). The same is done
here, so that a document's *text* can be replaced or removed without touching its neighbours.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest import scalars
from kubectl_gitops.manifest.parse import MAX_DEPTH, MAX_NODES, broken, yaml_value
from kubectl_gitops.resource import Body

__all__ = ["BOM", "MAX_INPUT", "Chunk", "Document", "chunks", "decode", "document_of", "documents"]

BOM = "\ufeff"
MAX_DOCUMENT = 3 << 19  # 1.5 MiB, what etcd takes as one object
MAX_INPUT = 64 << 20
"""Bytes that one command reads as its input."""

MAX_DOCUMENTS = 50_000

_LINE_OF_DASHES = re.compile(r"^---[^\n]*(?:\n|\Z)", re.MULTILINE)
_BLANKS = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One document of a text: `text[start:end]`, its first line, and its value.

    The value is None where there are only comments. `json` tells the format.
    """

    start: int
    end: int
    line: int
    value: Any = field(repr=False)
    json: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One document as kubectl reads it. It may hold Secret values in the clear.

    `text` has no separators; `line` is its first line in `source`, counted from 1, and `index` its
    position among all documents there, those of comments only included. `item` leads to a
    resource of a List, which has a document of its own.
    """

    body: Body = field(repr=False)
    text: str = field(repr=False)
    source: str
    line: int
    index: int
    item: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """`shop.yaml, line 12`: how messages name it."""
        return f"{printable(self.source)}, line {self.line}"


def documents(text: str | bytes, source: str) -> tuple[Document, ...]:
    """The documents that hold something, in order.

    Raises GitopsError, with file, line and column, for what is not UTF-8, not YAML, too large, or
    not a map.
    """
    decoded = decode(text, source)
    return tuple(
        document_of(decoded, chunk, index, source)
        for index, chunk in enumerate(chunks(decoded, source))
        if chunk.value is not None
    )


def document_of(text: str, chunk: Chunk, index: int, source: str) -> Document:
    """A chunk as a document of its own; GitopsError where it is no map."""
    if type(chunk.value) is not dict:
        raise broken(source, chunk.line, 1, "a manifest is a map of keys and values")
    return Document(chunk.value, text[chunk.start : chunk.end], source, chunk.line, index)


def decode(text: str | bytes, source: str) -> str:
    """Strict UTF-8 without a byte order mark (libyaml's marks are off by one behind one)."""
    name = printable(source)
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > MAX_INPUT:
            raise GitopsError(f"{name} is larger than {MAX_INPUT >> 20} MiB")
        return data.decode().removeprefix(BOM)
    except UnicodeEncodeError as error:
        raise GitopsError(f"{name} holds a lone surrogate, which no UTF-8 can hold") from error
    except UnicodeDecodeError as error:
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = f"iconv -f UTF-16 -t UTF-8 {name}"
            raise GitopsError(f"{name} is UTF-16; manifests are kept in UTF-8", hint) from error
        line = error.object.count(b"\n", 0, error.start) + 1
        raise GitopsError(f"{name} is not UTF-8 in line {line}") from error


def chunks(text: str, source: str) -> list[Chunk]:
    """Every chunk of a text without a byte order mark, those without a value included."""
    found: list[Chunk] = []
    for chunk in _chunks(text, source):
        if len(found) == MAX_DOCUMENTS:
            raise broken(source, chunk.line, 1, f"more than {MAX_DOCUMENTS:,} documents")
        found.append(chunk)
    return found


def _chunks(text: str, source: str) -> Iterator[Chunk]:
    is_json = text.lstrip().startswith("{")
    for span in _spans(text, source):
        if is_json and text.startswith("{", _behind_blanks(text, span.start)):
            yield from _json_chunks(text, span, source)
        else:
            yield _yaml_chunk(text, span, source)


def _behind_blanks(text: str, index: int) -> int:
    match = _BLANKS.match(text, index)
    return match.end() if match else index


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    line: int

    def cut(self, text: str, start: int) -> _Span:
        """What is left of it from `start` on."""
        return _Span(start, self.end, self.line + text.count("\n", self.start, start))


def _spans(text: str, source: str) -> Iterator[_Span]:
    """Where the chunks are: k8s.io/apimachinery's YAMLReader.

    A line of dashes ends a chunk; one at a chunk's very beginning is a part of it, so that
    `---#x` there is text (and then an error) while elsewhere it separates.
    """
    span = _Span(0, len(text), 1)
    begin = 0
    for match in _LINE_OF_DASHES.finditer(text):
        rest = match[0][3:].strip()
        if rest and not rest.startswith("#"):
            line = span.cut(text, match.start()).line
            raise broken(source, line, 4, "nothing may stand behind `---` in its line")
        if match.start() > begin:
            yield _Span(span.start, match.start(), span.line)
        elif match[0].startswith("---#"):
            continue
        span = span.cut(text, match.end())
        begin = match.end() if match.start() > begin else begin
    if begin < len(text):
        yield span


def _refuse_large(text: str, span: _Span, source: str) -> None:
    if span.end - span.start <= MAX_DOCUMENT // 4:
        return
    size = len(text[span.start : span.end].encode())
    if size > MAX_DOCUMENT:
        problem = f"a document of {size:,} bytes; the limit is {MAX_DOCUMENT:,}"
        raise broken(source, span.line, 1, problem)


def _yaml_chunk(text: str, span: _Span, source: str) -> Chunk:
    _refuse_large(text, span, source)
    value = yaml_value(text[span.start : span.end], source, span.line)
    return Chunk(span.start, span.end, span.line, value)


def _json_chunks(text: str, span: _Span, source: str) -> Iterator[Chunk]:
    """The JSON values of one chunk. What the strict reader refuses, YAML reads or refuses.

    A duplicate key, too, is left to YAML's reader, which knows its line and column.
    """
    while span.start < span.end:
        try:
            value, stop = _JSON.raw_decode(text, _behind_blanks(text, span.start))
            _refuse_excess(value)
        except (ValueError, RecursionError):
            yield _yaml_chunk(text, span, source)
            return
        except OverflowError as error:
            raise broken(source, span.line, 1, str(error)) from error
        if _behind_blanks(text, stop) >= span.end:
            stop = span.end
        _refuse_large(text, _Span(span.start, stop, span.line), source)
        yield Chunk(span.start, stop, span.line, value, json=True)
        span = span.cut(text, stop)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _number(text: str) -> scalars.Scalar:
    number = scalars.plain(text)
    if type(number) is str or (type(number) is float and not math.isfinite(number)):
        raise OverflowError("a number out of range")
    return scalars.value(number)


def _constant(_: str) -> NoReturn:
    raise ValueError("not JSON")


_JSON = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_number, parse_float=_number, parse_constant=_constant
)


def _refuse_excess(value: Any) -> None:
    """Raise ValueError for what exceeds the budgets of YAML, or holds text that is no Unicode."""
    if _nodes(value, MAX_DEPTH) > MAX_NODES:
        raise ValueError("too many values")


def _nodes(value: Any, depth: int) -> int:
    if type(value) is str:
        value.encode()
    if type(value) not in (dict, list):
        return 1
    if depth == 0:
        raise ValueError("nested too deep")
    parts = (*value, *value.values()) if type(value) is dict else value
    return 1 + sum(_nodes(part, depth - 1) for part in parts)
