"""Result lines and error texts, word for word as kubectl 1.36 prints them."""

from __future__ import annotations

import re

from kubectl_gitops.equality import MANAGER
from kubectl_gitops.errors import printable
from kubectl_gitops.fields import entry_of
from kubectl_gitops.plan import Action, Change, Outcome, Result
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import ResourceId

__all__ = [
    "applied_line",
    "deleted_line",
    "edited_line",
    "planned_line",
    "refusal_lines",
    "taken_lines",
    "undeleted_lines",
]

_PLANNED = {
    Action.CREATE: "created",
    Action.UPDATE: "configured",
    Action.UNCHANGED: "unchanged",
    Action.SKIP: "skipped",
}


def applied_line(outcome: Outcome, removed: str = "deleted") -> str:
    """`deployment.apps/web configured`; a skipped resource says why."""
    result = removed if outcome.result is Result.DELETED else outcome.result
    line = f"{outcome.id.short} {result}"
    if outcome.result is Result.SKIPPED and outcome.message:
        return f"{line} ({outcome.message})"
    return line


def edited_line(outcome: Outcome) -> str:
    """`deployment.apps/web edited`, as kubectl edit says; else as `apply` would."""
    return (
        f"{outcome.id.short} edited"
        if outcome.result is Result.CONFIGURED
        else applied_line(outcome)
    )


def planned_line(change: Change, how: str = "server dry run", removed: str = "deleted") -> str:
    """`deployment.apps/web configured (server dry run)`."""
    result = removed if change.action is Action.DELETE else _PLANNED[change.action]
    return f"{change.id.short} {result} ({how})"


def deleted_line(id: ResourceId, *, forced: bool = False, suffix: str = "") -> str:
    """`configmap "a" deleted from default namespace`, as kubectl says since 1.34."""
    where = f" from {printable(id.namespace)} namespace" if id.namespace else ""
    did = "force deleted" if forced else "deleted"
    return f'{printable(id.group_kind.lower())} "{printable(id.name)}" {did}{where}{suffix}'


def undeleted_lines(id: ResourceId, refusal: Refusal, source: str = "") -> list[str]:
    """Why the server would not delete a resource, in kubectl's words.

    `source` is the file it was read in. Where those words do not name the resource, it is named.
    """
    if not refusal.heading or refusal.reason == "Foreign":
        return [f"{id}: {refusal.message}"]
    if refusal.reason == "Unauthorized":
        return [refusal.message]
    file = f'error when deleting "{source}": ' if source else ""
    name = "" if f'"{printable(id.name)}"' in refusal.message else f"{id}: "
    return [f"{refusal.heading}{file}{name}{refusal.message}"]


_UNDECLARED = re.compile(r" \.(\S+): field not declared in schema")


def refusal_lines(id: ResourceId, refusal: Refusal) -> list[str]:
    """Why the server refused a resource, with kubectl's heading for the kind of refusal."""
    if refusal.reason == "NoMatch":
        return refusal.message.split("\n")
    if refusal.reason == "Invalid":
        return _invalid(id, refusal)
    conflicts = [c for c in refusal.causes if c.reason == "FieldManagerConflict"]
    if conflicts:
        fields = [f"  {cause.field}: {cause.message}" for cause in conflicts]
        return [f"{id}: other field managers own what this would change:", *fields]
    if unknown := _UNDECLARED.search(refusal.message):
        # Server-side apply finds these before any validation, and calls them its own failure.
        heading = f"{id}: Error from server (BadRequest): strict decoding error:"
        return [f'{heading} unknown field "{unknown[1]}"']
    if refusal.code == 0 or refusal.reason == "Foreign":
        return [f"{id}: {refusal.message}"]
    return [f"{id}: Error from server ({refusal.reason or refusal.code}): {refusal.message}"]


def _invalid(id: ResourceId, refusal: Refusal) -> list[str]:
    heading = f'{id}: The {id.kind} "{printable(id.name)}" is invalid:'
    details = [f"{cause.field}: {cause.message or cause.reason}" for cause in refusal.causes]
    if len(details) == 1:
        return [f"{heading} {details[0]}"]
    if not details:
        return [f"{heading} {refusal.message}"]
    return [heading, *(f"* {detail}" for detail in details)]


def taken_lines(outcome: Outcome) -> list[str]:
    """Each field that a write took from somebody, and from whom: back, where it was ours before."""
    live = outcome.change.live
    way = "back" if live is not None and entry_of(live, MANAGER) else "over"
    return [
        f"{outcome.id}: {printable(taken.field)} taken {way} from {printable(taken.manager)}"
        for taken in outcome.taken
    ]
