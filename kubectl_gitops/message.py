"""Commit messages: a short subject, the person's reason, and trailers nobody can forge.

Shape of ours::

    apply deployment/shop/web: raise replicas

    raise replicas before the sale

    Gitops-Operation: apply
    Gitops-Cluster: 6b1c…
    Gitops-User: alice@example.com
    Gitops-Resource: deployment.apps/shop/web
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Message", "Signature"]


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when: `time` in seconds since the epoch (UTC), `zone` in seconds east of UTC."""

    name: str
    email: str
    time: int
    zone: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What a commit says. For a commit by hand `operation` is empty and `reason` its whole text."""

    author: Signature
    subject: str
    reason: str = ""
    operation: str = ""
    cluster: str = ""
    user: str = ""
    resources: tuple[str, ...] = ()
