"""The last look before a commit: is a Secret's value in what is about to be written?

Types keep open manifests out of the branch, and this is for the day when that fails: the values
that a command has seen, and its keys, are searched in everything it writes, as they are and in the
encodings that text comes in. In the clear part of a Secret's own document and in a commit message a
hit ends the command, and in a path one of 16 bytes or more. In other documents it is a warning, for
a certificate may well be public in one place and a Secret's in another.

People use words as values: `POSTGRES_USER: postgres` must not stop `image: postgres:16`. So a value
of fewer than 16 bytes, or one that is spelled like the name of a resource, counts only in an
encoding where the person says the same word in the clear: as a name, a label, or any other field of
up to 63 characters. A value of fewer than 8 bytes is searched in base64 alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.message import Message
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing.clear import secret_values
from kubectl_gitops.sealing.places import replaced
from kubectl_gitops.sealing.rules import SealRule

__all__ = ["Tripwire", "check_document"]

_WINDOW = 8
"""Of a form that is searched: 8 characters of base64 or hex do not occur by chance."""
_DISTINCT = 16
"""Bytes from which a value is no word that occurs elsewhere by itself."""
_WORD = 63
"""The length of a label's value: longer clear text is a document, not a word."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_ENVELOPE = re.compile(rb"kgs1:[A-Za-z0-9_-]+")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

Watched = tuple[str, bytes]
"""Whose value, and the value."""
Index = Mapping[bytes, Sequence[tuple[bytes, Watched]]]
"""The forms of values by 8 bytes of them: one pass over a text finds any of thousands."""
_CROWD = 8
"""So many forms that begin alike (`password-…`) are told apart by how they end."""


@dataclass(frozen=True, slots=True)
class Tripwire:
    """What one command has seen in the clear. Without values it lets everything pass."""

    values: tuple[Watched, ...] = field(default=(), repr=False)
    bodies: tuple[Body, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        manifests: Iterable[OpenManifest],
        rules: Sequence[SealRule] = (),
        keys: Iterable[str] = (),
    ) -> Tripwire:
        """Watch the secret values of some manifests, and the keys that are held."""
        seen = list(manifests)
        values = [
            (str(place), value)
            for manifest in seen
            for place, value in secret_values(manifest, rules).items()
        ]
        values += [("a key", key.encode()) for key in keys]
        if not values:
            return cls()
        return cls(tuple(values), tuple(_public(m.body, m.id, rules) for m in seen))

    def check(self, edits: Mapping[str, bytes | None], message: Message) -> tuple[str, ...]:
        """Warnings about values in the files of a commit; `GitopsError` for one beside them.

        The person who commits and the cluster's name for them are not searched: an address may be
        a Secret's value, too, and is none of ours to hide.
        """
        if not self.values:
            return ()
        said = "\n".join((message.subject, message.reason, *message.resources))
        every, long = _index(self.values), _index(self.values, _DISTINCT)
        is_said = cache(partial(_is_said, bodies=self.bodies))
        for where, text, index in (
            ("the commit message", said, every),
            ("a path of the commit", "\n".join(edits), long),
        ):
            for whose in _hits(text.encode("utf-8", "replace"), index, is_said):
                raise GitopsError(f"{where} would show the value of {whose}")
        return tuple(
            f"{printable(path)} shows the value of {whose} in the clear"
            for path, content in edits.items()
            for whose in _hits(content or b"", long, is_said)
        )


def check_document(id: ResourceId, text: str, values: Mapping[Any, bytes], sealed: Body) -> None:
    """Refuse the text of a sealed manifest that still shows one of its own values."""
    if not values:
        return
    # The text for its comments, the strings for what YAML's quoting and folding would hide.
    everything = "\n".join((text, *_strings(sealed))).encode("utf-8", "replace")
    index = _index((str(place), value) for place, value in values.items())
    for whose in _hits(everything, index, partial(_is_said, bodies=[sealed])):
        raise GitopsError(
            f"{id}: the text would still show the value of {whose}, perhaps in a comment"
        )


def _index(values: Iterable[Watched], shortest: int = 0) -> Index:
    index: dict[bytes, list[tuple[bytes, Watched]]] = {}
    for whose, value in values:
        if len(value) >= shortest:
            for form in _forms(value):
                index.setdefault(form[:_WINDOW], []).append((form, (whose, value)))
    for begin in [begin for begin, forms in index.items() if len(forms) > _CROWD]:
        for form, watched in index.pop(begin):
            index.setdefault(form[-_WINDOW:], []).append((form, watched))
    return index


def _hits(text: bytes, index: Index, is_said: Callable[[bytes], bool]) -> list[str]:
    """Whose values stand in a text outside its envelopes, each once."""
    clear = _ENVELOPE.sub(b"", text)
    windows = {clear[n : n + _WINDOW] for n in range(len(clear) - _WINDOW + 1)}
    hits: dict[str, None] = {}
    for window in sorted(windows & index.keys()):
        for form, (whose, value) in index[window]:
            if whose in hits or form not in clear:
                continue
            if form not in _plain_forms(value) or not is_said(value):
                hits[whose] = None
    return list(hits)


def _forms(value: bytes) -> set[bytes]:
    """A value in every spelling that is searched."""
    forms = {*_plain_forms(value), *_base64_forms(value), value.hex().encode()}
    forms |= {value.hex().upper().encode(), base64.b64encode(value)}
    return {form for form in forms if len(form) >= _WINDOW}


def _plain_forms(value: bytes) -> set[bytes]:
    """As it is, as JSON and in a URL. A block of YAML indents the lines, so the longest of many."""
    lines = [line for line in value.splitlines() if len(line) >= _DISTINCT]
    text = value.decode("utf-8", "replace")
    escaped = {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
    return {value, *escaped, quote(value, safe="").encode(), max(lines, key=len, default=value)}


def _base64_forms(value: bytes) -> Iterator[bytes]:
    """The characters that do not depend on what stands before and behind, at each of 3 offsets."""
    for offset in range(3):
        length = 8 * (offset + len(value))
        encoded = base64.b64encode(bytes(offset) + value)[-(-8 * offset // 6) : length // 6]
        yield encoded
        yield encoded.translate(_URL_SAFE)


def _is_said(value: bytes, bodies: Iterable[Body]) -> bool:
    """Whether a value is a word that the person says in the clear, too."""
    text = value.decode("utf-8", "replace")
    if len(value) >= _DISTINCT and not _NAME.fullmatch(text):
        return False
    said = (word for body in bodies for word in _strings(body) if len(word) <= _WORD)
    return any(text in word for word in said)


def _strings(value: Any) -> Iterator[str]:
    """The keys and the strings of a body."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _strings(child)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value


def _public(body: Body, id: ResourceId, rules: Sequence[SealRule]) -> Body:
    """A body without its secret values."""
    return replaced(body, id, rules, lambda _: None)
