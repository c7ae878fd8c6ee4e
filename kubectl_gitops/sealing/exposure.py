"""Secrets that stand outside of Secrets: told before the cluster is touched.

A Git server with push protection refuses such a commit for good (GitHub's GH013), and every commit
behind it; and what was pushed once is known. Only shapes that mean a secret wherever they stand are
looked for, so that what is told is worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.envelope import is_sealed
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.sealing.places import Path, place_of

__all__ = ["Exposure", "exposed", "new_tokens"]

_SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})"),
    "a GitLab token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20}"),
    "a Slack token": re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10}"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"),
}
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:\$\(.*\)|\$\{.*\}|/.*|[a-z]+://.*)?", re.DOTALL)
"""Not a value of its own: another variable, a path or a URL to where the secret is."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One find: where, what it looks like, and whether that is certain enough to stop for.

    `found` is the text itself, to tell a new one from one that was there before; never shown.
    """

    where: str
    shape: str
    token: bool
    found: str = field(repr=False)

    def __str__(self) -> str:
        """`configmap/shop/c /data/key looks like an AWS access key in the clear`."""
        return f"{self.where} looks like {self.shape} in the clear"


def exposed(manifest: Manifest) -> tuple[Exposure, ...]:
    """What looks like a secret in the clear part of a manifest, its comments included.

    Also, but not as a token, the literal value of a container's variable that is named like one,
    `DB_PASSWORD`.
    """
    fields = tuple(_exposures(manifest.body, (), manifest.id))
    elsewhere = manifest.text
    for one in fields:
        elsewhere = elsewhere.replace(one.found, "")
    where = f"{manifest.id}: a comment"
    return fields + tuple(_tokens(elsewhere, where))


def new_tokens(manifest: Manifest, previous: Manifest | None) -> tuple[Exposure, ...]:
    """Those that are certain, and that the branch does not hold at that place already."""
    known = exposed(previous) if previous else ()
    return tuple(one for one in exposed(manifest) if one.token and one not in known)


def _tokens(text: str, where: str) -> Iterator[Exposure]:
    for shape, pattern in _SHAPES.items():
        yield from (Exposure(where, shape, True, hit[0]) for hit in pattern.finditer(text))


def _exposures(value: Any, path: Path, id: ResourceId) -> Iterator[Exposure]:
    if isinstance(value, dict):
        if _is_secret_variable(value, path):
            where = _where(id, (*path, "value"))
            yield Exposure(where, "a secret, by its name,", False, value["value"])
        for key, child in value.items():
            yield from _exposures(child, (*path, key), id)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _exposures(item, (*path, pointer_to.segment_of(value, position)), id)
    elif isinstance(value, str) and not is_sealed(value):
        yield from _tokens(value, _where(id, path))


def _where(id: ResourceId, path: Path) -> str:
    return str(place_of(id, pointer_to.join(path)))


def _is_secret_variable(item: dict[str, Any], path: Path) -> bool:
    name, value = item.get("name"), item.get("value")
    return (
        path[-2:-1] == ("env",)
        and isinstance(name, str)
        and isinstance(value, str)
        and not is_sealed(value)
        and _SECRET_NAME.search(name) is not None
        and _REFERENCE.fullmatch(value) is None
    )
