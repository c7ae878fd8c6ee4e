"""Where a resource is written when the branch has no file for it yet.

`<namespace>/<kind>[.<group>]/<name>.yaml`, with `_cluster` for what has no namespace: for instance
`shop/deployment.apps/web.yaml`. The path follows from the identity alone, with no look at a
cluster or at the branch, for the history keeps its records under the same paths. So different
resources have different paths, and no part of one is anything but small letters, digits and
`._-%~`: the paths stay apart on file systems that ignore case, and can be checked out on Windows.

The kind is written in small letters. Of two kinds of one group that differ only in case, one must
be written otherwise, and nothing but the kind itself can say which. So only the built-in kinds,
whose spelling is known, are written plainly (`configmap`, `statefulset.apps`); in all others a
capital that begins a word becomes `-` and a word of capitals ends in `_`:
`service-monitor.monitoring.coreos.com`, `http_route.gateway.networking.k8s.io`.
"""

from __future__ import annotations

import hashlib
import re

from kubectl_gitops.manifest.scope import BUILTIN
from kubectl_gitops.resource import ResourceId

__all__ = ["path_of"]

_CLUSTER = "_cluster"
_LONGEST = 240
"""Bytes of one part of a path. File systems take 255; some room is left for temporary names."""

_UNSAFE = re.compile(r"[^a-z0-9._-]")
_UNSAFE_KIND = re.compile(r"[^A-Za-z0-9]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]")
_PLAIN = {(group, kind.lower()): kind for group, kind in BUILTIN}


def path_of(id: ResourceId) -> str:
    """The canonical path of a resource, relative to the directory of its set."""
    namespace = _part(_encoded(id.namespace)) if id.namespace else _CLUSTER
    group = f".{_encoded(id.group)}" if id.group else ""
    kind = _part(_kind(id.group, id.kind) + group)
    return f"{namespace}/{kind}/{_part(_encoded(id.name), '.yaml')}"


def _encoded(text: str) -> str:
    """Percent-encoded UTF-8, capitals too. No name of the API holds a `%` of its own."""
    return _UNSAFE.sub(lambda match: _escape(match[0]), text)


def _kind(group: str, kind: str) -> str:
    if _PLAIN.get((group, kind.lower())) == kind:
        return kind.lower()
    safe = _UNSAFE_KIND.sub(lambda match: _escape(match[0]), kind)
    words = _WORD.sub(_word, safe).replace("_-", "_")
    words = words[1:] if words.startswith("-") else f"_{words}"
    return _escape(words[0]) + words[1:] if (group, words) in _PLAIN else words


def _word(match: re.Match[str]) -> str:
    word = match[0].lower()
    return f"-{word}_" if len(word) > 1 else f"-{word}"


def _escape(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def _part(text: str, suffix: str = "") -> str:
    """One part of a path that every file system takes.

    Escaped are a `.` or `_` in front (hidden files are no manifests, `_cluster` is ours), the
    names of Windows devices, and a `.` at the end, which Windows drops.
    """
    if text[0] in "._" or _DEVICE.match(text):
        text = _escape(text[0]) + text[1:]
    if not suffix and text.endswith("."):
        text = text[:-1] + _escape(".")
    if len(text) + len(suffix) <= _LONGEST:
        return text + suffix
    # `~` stands nowhere else, so what is shortened is never taken for a name that is not.
    digest = hashlib.sha256(text.encode()).hexdigest()[:40]
    return f"{text[: _LONGEST - 41 - len(suffix)]}~{digest}{suffix}"
