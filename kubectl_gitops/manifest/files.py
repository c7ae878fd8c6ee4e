"""A file of several documents, of which some are replaced or removed and all others stay.

Between two documents stands their separator: what is neither's. A document goes together with
the separator before it, the first together with the one behind it, and a file in which no
document is left goes as a whole. Every result is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest.documents import BOM, Chunk, chunks, decode
from kubectl_gitops.manifest.edit import edit_text
from kubectl_gitops.manifest.splice import same
from kubectl_gitops.manifest.write import write
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
    """The file with some of its documents, by number, replaced or (None) removed.

    None where no document is left. A replacement's own text is used if it fits into the file, else
    the old text is changed in place, else it is written anew.
    """
    file = parse_file(data, path)
    meant = [_meant(chunk, edits.get(number, chunk)) for number, chunk in enumerate(file.chunks)]
    if all(value is None for value in meant):
        return None
    mark = BOM if data.startswith(BOM.encode()) else ""
    for candidate in (_as_given, _in_place, _anew):
        texts = [candidate(file, number, edits) for number in range(len(file.chunks))]
        text = _joined(file, texts)
        if _reads_as(text, [value for value in meant if value is not None]):
            return (mark + text).encode()
    raise GitopsError(
        f"{printable(path)} cannot be changed in part", f"git log -- {printable(path)}"
    )


def _meant(chunk: Chunk, edit: Chunk | Replacement | None) -> Any:
    if isinstance(edit, Chunk):
        return chunk.value
    return edit.body if edit else None


def _as_given(file: Parsed, number: int, edits: Edits) -> str | None:
    """The text that is to stand there, None for none."""
    chunk = file.chunks[number]
    old = file.text[chunk.start : chunk.end]
    edit = edits.get(number, Replacement(old, {}))
    if edit is None:
        return None
    if chunk.json and number in edits and not edit.text.lstrip().startswith("{"):
        return edit_text(old, chunk.value, edit.body)[0]
    return edit.text


def _in_place(file: Parsed, number: int, edits: Edits) -> str | None:
    chunk, edit = file.chunks[number], edits.get(number)
    if edit is None:
        return _as_given(file, number, edits)
    return edit_text(file.text[chunk.start : chunk.end], chunk.value, edit.body)[0]


def _anew(file: Parsed, number: int, edits: Edits) -> str | None:
    edit = edits.get(number)
    return _as_given(file, number, edits) if edit is None else write(edit.body)


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


def _reads_as(text: str, meant: list[Any]) -> bool:
    try:
        found = [chunk.value for chunk in chunks(text, "") if chunk.value is not None]
    except GitopsError:
        return False
    return same(found, meant)
