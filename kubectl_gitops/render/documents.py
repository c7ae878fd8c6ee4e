"""Machine-readable output (`docs/output.md`) and diffs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import unified_diff
from typing import Any

from kubectl_gitops.equality import comparable
from kubectl_gitops.errors import printable
from kubectl_gitops.manifest import write
from kubectl_gitops.manifest.write import block
from kubectl_gitops.operations.inspect import DiffItem, StatusItem, StatusReport
from kubectl_gitops.render.tables import status_message
from kubectl_gitops.render.texts import as_json, document, resource
from kubectl_gitops.resource import Body

__all__ = [
    "diff_side",
    "diff_text",
    "resources_json",
    "resources_yaml",
    "status_json",
]


def resources_json(bodies: Sequence[Body]) -> str:
    """Resources as `kubectl -o json` prints them: several as a List, `<`, `>` and `&` escaped."""
    text = json.dumps(_listed(bodies), indent=4, sort_keys=True, ensure_ascii=False)
    return text.translate(_ESCAPED_BY_GO) + "\n"


def resources_yaml(bodies: Sequence[Body]) -> str:
    """Resources as `kubectl -o yaml` prints them."""
    return block(_sorted(_listed(bodies)), 0) + "\n"


# Go's encoding/json writes what HTML or JavaScript would take for something else like this.
_ESCAPED_BY_GO = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def _listed(bodies: Sequence[Body]) -> Body:
    if len(bodies) == 1:
        return bodies[0]
    return {"apiVersion": "v1", "items": list(bodies), "kind": "List", "metadata": {}}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def status_json(report: StatusReport) -> str:
    """A `Status`."""
    return as_json(document("Status", [_status(item) for item in report.items]))


def _status(item: StatusItem) -> Body:
    return {
        "resource": resource(item.id),
        "state": str(item.state),
        "health": str(item.health.status) if item.health else None,
        "revision": item.latest.revision if item.latest else None,
        "message": status_message(item),
    }


def diff_text(items: Iterable[DiffItem], *, managed_fields: bool = False) -> str:
    """A unified diff of what is live against what the branch makes of it."""
    return "".join(_unified(item, managed_fields) for item in items)


def _unified(item: DiffItem, managed_fields: bool) -> str:
    parts = (item.id.group_kind.lower(), item.id.namespace, item.id.name)
    name = printable("/".join(part for part in parts if part))
    before, after = (
        [] if body is None else diff_side(body, managed_fields=managed_fields).splitlines(True)
        for body in (item.before, item.after)
    )
    return "".join(unified_diff(before, after, f"live/{name}", f"branch/{name}"))


def diff_side(body: Body, *, managed_fields: bool = False) -> str:
    """One side of a difference: what every write moves, and the server alone sets, is left out."""
    shown = comparable(body)
    if managed_fields and "managedFields" in body["metadata"]:
        kept = {"managedFields": body["metadata"]["managedFields"]}
        shown = {**shown, "metadata": {**shown["metadata"], **kept}}
    return write(shown)
