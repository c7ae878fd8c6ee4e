"""The JSON-patch history of a resource: records, and patches of sealed bodies."""

from __future__ import annotations

from kubectl_gitops.history.patch import apply_patch, diff
from kubectl_gitops.history.revision import (
    FORMAT,
    REBUILD,
    Change,
    Recorded,
    Revision,
    decode,
    encode,
    next_revision,
)
from kubectl_gitops.history.summary import summary

__all__ = [
    "FORMAT",
    "REBUILD",
    "Change",
    "Recorded",
    "Revision",
    "apply_patch",
    "decode",
    "diff",
    "encode",
    "next_revision",
    "summary",
]
