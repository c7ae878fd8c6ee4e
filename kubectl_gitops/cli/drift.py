"""Drift, told field by field: once, however often it is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kubectl_gitops.cli import talk
from kubectl_gitops.resource import ResourceId

if TYPE_CHECKING:
    from kubectl_gitops.operations.inspect import Drift

__all__ = ["drift_teller"]


def drift_teller() -> Callable[[ResourceId, tuple[Drift, ...]], None]:
    """Says what drifted, unless that is what it said last of this resource."""
    from kubectl_gitops.render import drift_line

    said: dict[ResourceId, list[str]] = {}

    def tell(id: ResourceId, drift: tuple[Drift, ...]) -> None:
        lines = [f"{id}: {drift_line(one)}" for one in drift] or [f"{id} has drifted"]
        if said.get(id) == lines:
            return
        said[id] = lines
        for line in lines:
            talk.note(line)

    return tell
