"""Bodies as they may be shown: a Secret's values masked, what changed still to be seen.

The one place where anything is masked. The words are kubectl's (`kubectl diff`), and so is their
meaning; what it forgets is masked, too: `stringData`, Secrets inside other resources, and the copy
of it all in the last-applied annotation (GHSA-rg3g-4rw9-gqrp).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubectl_gitops.annotations import LAST_APPLIED
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing.places import Path, Spot, decoded, replaced, spots
from kubectl_gitops.sealing.rules import SealRule

__all__ = ["mask", "mask_pair"]

_MASK = "***"
_BEFORE, _AFTER = "*** (before)", "*** (after)"


def mask(body: Body, rules: Sequence[SealRule] = ()) -> Body:
    """A copy in which no secret value can be read."""
    return _masked(body, rules, lambda _: _MASK)


def mask_pair(
    before: Body | None, after: Body | None, rules: Sequence[SealRule] = ()
) -> tuple[Body | None, Body | None]:
    """Both sides of a difference masked: what differs says so, `*** (before)`, `*** (after)`."""
    old, new = _values(before, rules), _values(after, rules)
    changed = {path for path in old.keys() & new.keys() if old[path] != new[path]}

    def side(word: str) -> Callable[[Spot], str]:
        return lambda spot: word if spot.path in changed else _MASK

    return (
        None if before is None else _masked(before, rules, side(_BEFORE)),
        None if after is None else _masked(after, rules, side(_AFTER)),
    )


def _masked(body: Body, rules: Sequence[SealRule], word: Callable[[Spot], str]) -> Body:
    id = ResourceId.of(body)
    masked = replaced(body, id, rules, word)
    if not spots(body, id, rules):
        return masked
    annotations = masked["metadata"].get("annotations")
    if not isinstance(annotations, Mapping) or LAST_APPLIED not in annotations:
        return masked
    metadata = {**masked["metadata"], "annotations": {**annotations, LAST_APPLIED: _MASK}}
    return {**masked, "metadata": metadata}


def _values(body: Body | None, rules: Sequence[SealRule]) -> dict[Path, Any]:
    if body is None:
        return {}
    return {spot.path: _meaning(spot) for spot in spots(body, ResourceId.of(body), rules)}


def _meaning(spot: Spot) -> Any:
    """What is compared: base64 is written in more than one way."""
    if not (spot.raw and spot.path[0] == "data" and isinstance(spot.value, str)):
        return spot.value
    try:
        return decoded(spot.value, spot.pointer)
    except GitopsError:
        return spot.value
