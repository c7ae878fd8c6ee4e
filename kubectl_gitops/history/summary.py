"""A revision in words, for people who look for the one change that matters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.history.patch import apply_patch
from kubectl_gitops.history.revision import Revision
from kubectl_gitops.resource import Body

__all__ = ["summary"]

_SHOWN_CHANGES = 3
_VALUE_WIDTH = 40

# The field everyone knows by its last name alone, whichever container it belongs to.
_IMAGE = re.compile(r"/(?:initContainers|containers)/\d+/image$")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def summary(revision: Revision, before: Body | None = None) -> str:
    """`spec.replicas 2 → 3, image web:1 → web:2`, `created`, `removed`, `data.password changed`.

    The old values are in the body before the change, where the caller has it. Nothing of a Secret
    but the names of its fields is ever shown, sealed or not.
    """
    if revision.patch is None:
        return _without_patch(revision)
    words = [
        _words(operation, old, masked=_is_secret(revision))
        for operation, old in _first_operations(revision.patch, before)
    ]
    more = len(revision.patch) - len(words)
    return printable(", ".join([*words, f"{more} more"] if more else words)) or "no change"


def _without_patch(revision: Revision) -> str:
    if revision.before is None:
        return "created"
    return "removed" if revision.after is None else "changed"


def _is_secret(revision: Revision) -> bool:
    return (revision.resource.group, revision.resource.kind) == ("", "Secret")


def _first_operations(patch: Sequence[Body], before: Body | None) -> Iterator[tuple[Body, Any]]:
    """The operations that are shown, each with the value it meets; None where that is not known."""
    body = before
    for operation in patch[:_SHOWN_CHANGES]:
        yield operation, _at(body, operation["path"])
        if operation["op"] != "replace":  # which moves nothing that a later one meets
            body = _applied(body, operation)


def _applied(body: Body | None, operation: Body) -> Body | None:
    if body is None:
        return None
    try:
        return apply_patch(body, [operation])
    except GitopsError:  # the body is not the one that was
        return None


def _at(body: Any, pointer: str) -> Any:
    for token in _tokens(pointer):
        if isinstance(body, dict):
            body = body.get(token)
        elif isinstance(body, list) and token.isdecimal() and int(token) < len(body):
            body = body[int(token)]
        else:
            return None
    return body


def _words(operation: Body, old: Any, *, masked: bool) -> str:
    name, verb, new = _field(operation["path"]), operation["op"], operation.get("value")
    if verb == "remove":
        return f"{name} removed"
    if masked:
        return f"{name} {'added' if verb == 'add' else 'changed'}"
    if verb == "add":
        return f"{name} added: {_shown(new)}" if _shown(new) else f"{name} added"
    if not _shown(new):
        return f"{name} changed"
    return f"{name} {_shown(old)} → {_shown(new)}" if _shown(old) else f"{name} → {_shown(new)}"


def _shown(value: Any) -> str:
    """A value short enough to read, the name of an item of a list; empty for anything else."""
    if isinstance(value, dict):
        name = value.get("name")
        return _shown(name) if isinstance(name, str) else ""
    if value is None or isinstance(value, list):
        return ""
    text = value if isinstance(value, str) and value.strip() else json.dumps(value)
    return text if len(text) <= _VALUE_WIDTH else text[: _VALUE_WIDTH - 1] + "…"


def _field(pointer: str) -> str:
    """`spec.template.spec.containers[0].ports`, `metadata.labels[app.kubernetes.io/name]`."""
    if _IMAGE.search(pointer):
        return "image"
    name = ""
    for token in _tokens(pointer):
        is_plain = _PLAIN_KEY.fullmatch(token) and not token.isdecimal()
        name += (f".{token}" if name else token) if is_plain else f"[{token}]"
    return name or "everything"


def _tokens(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
