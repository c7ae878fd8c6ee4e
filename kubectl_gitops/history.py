"""The JSON-patch history of a resource: records, patches between sealed bodies, and their budgets."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Revision"]


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
