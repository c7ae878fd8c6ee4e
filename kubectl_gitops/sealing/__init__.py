"""Secrets on their way into the branch and out of it."""

from __future__ import annotations

from kubectl_gitops.sealing.rules import SealRule

__all__ = ["SealRule"]
