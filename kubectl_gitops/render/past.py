"""What was: revisions and operations as tables, patches, diffs and documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import unified_diff
from typing import TYPE_CHECKING

from kubectl_gitops.errors import printable
from kubectl_gitops.manifest import write
from kubectl_gitops.render.texts import coloured, document, resource, table
from kubectl_gitops.resource import Body, ResourceId

if TYPE_CHECKING:
    from kubectl_gitops.history import Revision
    from kubectl_gitops.operations.journal import Operation
    from kubectl_gitops.operations.past import Told

__all__ = [
    "history_body",
    "history_diffs",
    "history_patches",
    "history_table",
    "operation_text",
    "operations_body",
    "operations_table",
    "states_diff",
]

_SHORT = 7


def history_table(told: Sequence[Told], *, whole_set: bool, wide: bool = False) -> str:
    """Revisions in the order given; for several resources with the resource in front.

    `wide` adds the author's address and the file.
    """
    if not told:
        return "no revisions\n"
    header = ["REVISION", "TIME", "AUTHOR", "USER", "OPERATION", "COMMIT", "CHANGE", "REASON"]
    rows = [_history_row(one, wide=wide) for one in told]
    if wide:
        header.append("FILE")
    if not whole_set:
        return table(header, rows)
    named = [[str(one.revision.resource), *row] for one, row in zip(told, rows, strict=True)]
    return table(["RESOURCE", *header], named)


def _history_row(told: Told, *, wide: bool) -> list[str]:
    revision = told.revision
    return [
        str(revision.revision),
        revision.time,
        revision.author if wide else _name(revision.author),
        revision.user or "-",
        revision.operation or "commit",
        revision.commit[:_SHORT] + (" (abandoned)" if told.abandoned else ""),
        told.summary,
        _first_line(revision.reason),
        *([revision.path] if wide else []),
    ]


def _name(author: str) -> str:
    """`Ada Lovelace` of `Ada Lovelace <ada@example.com>`."""
    return author.rpartition(" <")[0] or author


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0] or "-"


def history_body(told: Iterable[Told]) -> Body:
    """A `RevisionList`."""
    return document("RevisionList", [_revision(one) for one in told])


def _revision(told: Told) -> Body:
    revision = told.revision
    return {
        "resource": resource(revision.resource),
        "revision": revision.revision,
        "commit": revision.commit,
        "time": revision.time,
        "author": revision.author,
        "user": revision.user,
        "operation": revision.operation,
        "reason": revision.reason,
        "patch": None if revision.patch is None else list(revision.patch),
        "before": revision.before,
        "after": revision.after,
        "abandoned": told.abandoned,
    }


def history_patches(
    told: Iterable[Told], *, bare: bool = False, named: bool = False, colour: bool = False
) -> str:
    """Each revision's RFC 6902 patch; `bare` without the headings."""
    if bare:
        return "".join(f"{_patch(one.revision)}\n" for one in told)
    return "\n".join(
        f"{_heading(one, named=named, colour=colour)}\n{_change(one)}\n" for one in told
    )


def _patch(revision: Revision) -> str:
    return json.dumps(list(revision.patch or ()), indent=2, ensure_ascii=False)


def _change(told: Told) -> str:
    has_patch = told.revision.patch is not None
    return _patch(told.revision) if has_patch else f"# {printable(told.summary)}"


def _heading(told: Told, *, named: bool, colour: bool) -> str:
    revision = told.revision
    parts = [
        *([str(revision.resource)] if named else []),
        f"revision {revision.revision}",
        revision.commit[:_SHORT] + (" (abandoned)" if told.abandoned else ""),
        revision.author,
        revision.time,
        revision.operation or "commit",
    ]
    return coloured(printable(" · ".join(parts)), "heading", on=colour)


def history_diffs(
    told: Iterable[tuple[Told, Body | None, Body | None]], *, named: bool, colour: bool
) -> str:
    """Each revision as a unified diff of the bodies around it."""
    return "\n".join(
        f"{_heading(one, named=named, colour=colour)}\n"
        + states_diff(
            one.revision.resource,
            (f"revision {one.revision.revision - 1}", before),
            (f"revision {one.revision.revision}", after),
            colour=colour,
        )
        for one, before, after in told
    )


def states_diff(
    id: ResourceId,
    before: tuple[str, Body | None],
    after: tuple[str, Body | None],
    *,
    colour: bool,
) -> str:
    """A unified diff of two states of one resource, each with a name; empty where they agree."""
    (old_name, old), (new_name, new) = before, after
    lines = unified_diff(_lines(old), _lines(new), f"{id} {old_name}", f"{id} {new_name}")
    return "".join(coloured(line, line[:4], on=colour) for line in lines)


def _lines(body: Body | None) -> list[str]:
    return [] if body is None else write(body).splitlines(keepends=True)


def operations_table(operations: Sequence[Operation]) -> str:
    """Operations in the order given, one line each."""
    if not operations:
        return "no operations\n"
    header = ["COMMIT", "TIME", "AUTHOR", "USER", "OPERATION", "RESOURCES", "RESULT", "REASON"]
    return table(header, [_operation_row(one) for one in operations])


def _operation_row(one: Operation) -> list[str]:
    message = one.message
    return [
        one.commit[:_SHORT],
        one.time.isoformat(),
        message.author.name,
        message.user or "-",
        message.operation or "commit",
        _counted(one.resources),
        one.result,
        _first_line(message.reason),
    ]


def _counted(ids: Sequence[ResourceId]) -> str:
    """`deployment/shop/web`, `12 resources in shop`, `12 resources`, `none`."""
    if len(ids) < 2:
        return "".join(map(str, ids)) or "none"
    spaces = {id.namespace for id in ids}
    place = f" in {spaces.pop()}" if len(spaces) == 1 and "" not in spaces else ""
    return f"{len(ids)} resources{place}"


def operations_body(operations: Iterable[Operation]) -> Body:
    """An `OperationList`."""
    return document(
        "OperationList",
        [
            {
                "commit": one.commit,
                "time": one.time.isoformat(),
                "author": one.author,
                "user": one.message.user,
                "operation": one.message.operation,
                "reason": one.message.reason,
                "resources": [resource(id) for id in one.resources],
                "result": one.result,
            }
            for one in operations
        ],
    )


def operation_text(one: Operation, told: Sequence[Told], *, colour: bool) -> str:
    """One operation: what it says, and everything it changed."""
    message = one.message
    said = {
        "author": one.author,
        "user": message.user,
        "time": one.time.isoformat(),
        "operation": message.operation or "commit",
        "cluster": message.cluster,
        "result": one.result,
    }
    head = [coloured(f"commit {one.commit}", "heading", on=colour)]
    head += [printable(f"{name + ':':11}{value}") for name, value in said.items() if value]
    reason = [f"    {printable(line)}" for line in message.reason.strip().split("\n") if line]
    rows = [[str(t.revision.resource), str(t.revision.revision), t.summary] for t in told]
    changes = table(["RESOURCE", "REVISION", "CHANGE"], rows) if rows else "no resource changed\n"
    return "\n".join([*head, "", *([*reason, ""] if reason else []), changes])
