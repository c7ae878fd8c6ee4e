"""Secrets that stand outside of Secrets: told before the cluster is touched.

A Git server with push protection refuses such a commit for good (GitHub's GH013), and every commit
behind it; and what was pushed once is known. Only shapes that mean a secret wherever they stand are
looked for, so that what is told is worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.envelope import is_sealed
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.sealing.places import Path, place_of

__all__ = ["exposed"]

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


def exposed(manifest: Manifest) -> tuple[str, ...]:
    """What looks like a secret in the clear part of a manifest: where, and what it looks like.

    Also the literal value of a container's variable that is named like one, `DB_PASSWORD`.
    """
    found = (
        (place_of(manifest.id, pointer_to.join(path)), shape)
        for path, shape in _shapes(manifest.body, ())
    )
    return tuple(f"{place} looks like {shape} in the clear" for place, shape in found)


def _shapes(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        if _is_secret_variable(value, path):
            yield (*path, "value"), "a secret, by its name,"
        for key, child in value.items():
            yield from _shapes(child, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _shapes(item, (*path, pointer_to.segment_of(value, position)))
    elif isinstance(value, str) and not is_sealed(value):
        yield from ((path, shape) for shape, pattern in _SHAPES.items() if pattern.search(value))


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
