"""One record of the history: what it holds, its JSON, its place, and how the next one is made.

The JSON is for reading by anyone: `{format, resource: {group, kind, namespace, name}, path,
revision, commit, time, author, user, operation, reason, patch, before, after, previous}`. A record
may come from a stranger's branch, so `decode` believes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.history.patch import check_patch, diff
from kubectl_gitops.message import Message
from kubectl_gitops.resource import Body, ResourceId

__all__ = [
    "FORMAT",
    "REBUILD",
    "Change",
    "Recorded",
    "Revision",
    "decode",
    "encode",
    "next_revision",
]

FORMAT = 1
"""The version of the records; a newer one is never read nor extended."""

REBUILD = "kubectl gitops verify --repair"
"""What to do about a history that is damaged: it is derived from the branch alone."""

_MAX_RECORD = 16 << 20
"""Bytes. An object of Kubernetes has at most 1.5 MB, and a patch says each value once."""

_MAX_REASON = 1000
"""Of a longer reason the record keeps so many characters; the commit has the rest."""

_OBJECT_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Revision:
    """One change of one resource, as `refs/gitops/history/<branch>` records it.

    `time` is RFC 3339 with the author's offset. `patch` (RFC 6902) is None for creation, removal
    and a Secret that was not wholly sealed. `before` and `after` are the blobs of the branch that
    held the document (None: it did not exist), `path` its file in the commit; `previous` is the
    blob of the record before this one.
    """

    resource: ResourceId
    path: str
    revision: int
    commit: str
    time: str
    author: str
    user: str
    operation: str
    reason: str
    patch: tuple[Body, ...] | None
    before: str | None
    after: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A revision and the blob of the history that holds it."""

    blob: str
    revision: Revision


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one resource in one commit: its file, and the blob of it (None: removed).

    `before` and `after` are the bodies to compare where it was there on both sides, None where it
    was not, or where the old one can no longer be found.
    """

    resource: ResourceId
    path: str
    blob: str | None
    before: Body | None = None
    after: Body | None = None


def next_revision(
    change: Change,
    last: Recorded | None,
    *,
    commit: str,
    message: Message,
    is_open: Callable[[Body], bool],
) -> Revision:
    """The record of a change, on top of the resource's last one.

    `is_open` says of a body that a Secret's value stands in it in the clear: its change gets no
    patch. A removal keeps the path of the file that was.
    """
    bodies = [body for body in (change.before, change.after) if body is not None]
    patchable = len(bodies) == 2 and not any(map(is_open, bodies))
    return Revision(
        resource=change.resource,
        path=change.path,
        revision=last.revision.revision + 1 if last else 1,
        commit=commit,
        time=message.author.moment.isoformat(),
        author=message.author.person,
        user=message.user,
        operation=message.operation,
        reason=message.reason[:_MAX_REASON],
        patch=diff(*bodies) if patchable else None,
        before=last.revision.after if last else None,
        after=change.blob,
        previous=last.blob if last else None,
    )


def encode(revision: Revision) -> bytes:
    """The record as one line of JSON; the same revision gives the same bytes."""
    resource = {name: getattr(revision.resource, name) for name in ResourceId.__slots__}
    fields = {name: getattr(revision, name) for name in Revision.__slots__}
    record = {"format": FORMAT, **fields, "resource": resource}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(data: bytes) -> Revision:
    """The record in a blob of the history; `GitopsError` for anything `encode` does not write."""
    if len(data) > _MAX_RECORD:
        raise GitopsError("a record of the history is larger than any document", REBUILD)
    try:
        record = json.loads(data, parse_constant=_refuse)
        return _revision(record)
    except GitopsError as error:
        raise GitopsError(error.message, *(error.hints or (REBUILD,))) from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise GitopsError("a record of the history cannot be read", REBUILD) from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _revision(record: dict[str, Any]) -> Revision:
    if record["format"] != FORMAT:
        written = printable(str(record["format"]))
        raise GitopsError(
            f"the history has format {written}, this version reads {FORMAT}",
            "kubectl krew upgrade gitops",
        )
    patch = record["patch"]
    if patch is not None:
        check_patch(patch)
    return Revision(
        resource=ResourceId(**{key: _text(value) for key, value in record["resource"].items()}),
        path=_text(record["path"]),
        revision=_number(record["revision"]),
        commit=_id(record["commit"]),
        time=datetime.fromisoformat(record["time"]).isoformat(),
        author=printable(_text(record["author"])),
        user=printable(_text(record["user"])),
        operation=printable(_text(record["operation"])),
        reason=_lines(_text(record["reason"])),
        patch=None if patch is None else tuple(patch),
        before=_maybe_id(record["before"]),
        after=_maybe_id(record["after"]),
        previous=_maybe_id(record["previous"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _lines(text: str) -> str:
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        raise TypeError("not a revision number")
    return value


def _id(value: object) -> str:
    if not _OBJECT_ID.fullmatch(_text(value)):
        raise ValueError("not an object id")
    return _text(value)


def _maybe_id(value: object) -> str | None:
    return None if value is None else _id(value)
