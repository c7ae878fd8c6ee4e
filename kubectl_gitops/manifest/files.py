"""A file of several documents, of which some are replaced or removed and all others stay.

Between two documents stands their separator: what is neither's. A document goes together with
the separator before it, the first together with the one behind it, and a file in which no
document is left goes as a whole. Every result is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest.documents import BOM, Chunk, chunks, decode
from kubectl_gitops.manifest.edit import edit_text
from kubectl_gitops.manifest.splice import same
from kubectl_gitops.resource import Body

__all__ = ["Parsed", "Replacement", "edit_file", "parse_file"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's text, without a byte order mark, and its chunks.

    Whoever asks for the same file gets the same values: nobody may change them.
    """

    text: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a document becomes."""

    text: str = field(repr=False)
    body: Body = field(repr=False)


Edits = Mapping[int, Replacement | None]
"""What becomes of documents, by number; None for nothing."""


def parse_file(data: bytes, path: str) -> Parsed:
    """Read a file, or recall it: snapshots of one branch share nearly all their files.

    Raises GitopsError with the place in `path`.
    """
    try:
        return _parsed(data)
    except GitopsError:
        text = decode(data, path)
        return Parsed(text, tuple(chunks(text, path)))


@lru_cache(maxsize=1 << 15)
def _parsed(data: bytes) -> Parsed:
    text = decode(data, "")
    return Parsed(text, tuple(chunks(text, "")))


def edit_file(data: bytes, path: str, edits: Edits) -> bytes | None:
    """The file with some of its documents replaced or removed; None where no document is left.

    A replacement's own text is used if it fits into the file, else the old text is changed.
    """
    file = parse_file(data, path)
    values = [_value(chunk, number, edits) for number, chunk in enumerate(file.chunks)]
    meant = [value for value in values if value is not None]
    if not meant:
        return None
    mark = BOM if data.startswith(BOM.encode()) else ""
    for text_of in (_given, _edited):
        edited = (mark + _joined(file, _texts(file, edits, text_of))).encode()
        if _says(edited, meant):
            return edited
    name = printable(path)
    raise GitopsError(f"{name} cannot be changed in part", f"git log -- {name}")


def _value(chunk: Chunk, number: int, edits: Edits) -> Any:
    if number not in edits:
        return chunk.value
    edit = edits[number]
    return edit.body if edit else None


TextOf = Callable[[Chunk, str, Replacement], str]
"""From a document, its text and what it becomes to the text of that."""


def _texts(file: Parsed, edits: Edits, text_of: TextOf) -> list[str | None]:
    """The text of each document, None for those that go."""
    texts: list[str | None] = []
    for number, chunk in enumerate(file.chunks):
        old = file.text[chunk.start : chunk.end]
        edit = edits.get(number)
        new = text_of(chunk, old, edit) if edit else None
        texts.append(new if number in edits else old)
    return texts


def _given(chunk: Chunk, old: str, new: Replacement) -> str:
    is_json = new.text.lstrip().startswith("{")
    return _edited(chunk, old, new) if chunk.json and not is_json else new.text


def _edited(chunk: Chunk, old: str, new: Replacement) -> str:
    return edit_text(old, chunk.value, new.body)[0]


def _joined(file: Parsed, texts: list[str | None]) -> str:
    """The documents that are left, the first behind the first separator, others behind theirs."""
    bounds = [0, *(chunk.end for chunk in file.chunks)]
    separators = [
        file.text[end : chunk.start] for end, chunk in zip(bounds, file.chunks, strict=False)
    ]
    kept = [(n, text) for n, text in enumerate(texts) if text is not None]
    joined = separators[0] + kept[0][1]
    for number, text in kept[1:]:
        needs_line = separators[number] and not joined.endswith("\n")
        joined += ("\n" if needs_line else "") + separators[number] + text
    # A file that begins with `{` is JSON to kubectl, and so must be all that follows.
    if len(kept) > 1 and joined.lstrip().startswith("{") and not file.chunks[0].json:
        joined = f"---\n{joined}"
    return joined + file.text[bounds[-1] :]


def _says(data: bytes, meant: list[Any]) -> bool:
    try:
        found = [chunk.value for chunk in parse_file(data, "").chunks if chunk.value is not None]
    except GitopsError:
        return False
    return same(found, meant)
