"""`-o json|yaml` of the commands that write: the resources as the cluster holds them.

What is sealed in the branch is masked, and what its rules would seal. kubectl prints the values of
a Secret there, and so into the logs of every pipeline that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubectl_gitops.operations.report import Report
from kubectl_gitops.plan import Action, Change
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import SealRule, mask

__all__ = ["shown_resources"]


def shown_resources(report: Report, *, managed_fields: bool) -> list[Body]:
    """What was applied, or would be, in the order of the input; removals are not among it."""
    return [_shown(id, body, report.secrets, managed_fields) for id, body in _bodies(report)]


def _bodies(report: Report) -> Iterator[tuple[ResourceId, Body]]:
    stored = {outcome.id: outcome.live for outcome in report.outcomes}
    for change in report.plan.changes:
        body = stored.get(change.id) or _planned(change)
        if change.action is not Action.DELETE and body is not None:
            yield change.id, body


def _planned(change: Change) -> Body | None:
    answer = change.preview.answer if change.preview else None
    if isinstance(answer, Refusal) or answer is None:
        return change.live if change.action is Action.UNCHANGED else change.sent
    return answer


def _shown(
    id: ResourceId,
    body: Body,
    hidden: Mapping[ResourceId, tuple[SealRule, ...]],
    managed_fields: bool,
) -> Body:
    masked = mask(body, hidden.get(id, ()))
    if managed_fields:
        return masked
    metadata = {key: part for key, part in masked["metadata"].items() if key != "managedFields"}
    return {**masked, "metadata": metadata}
