"""`--wait` of the commands that apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_gitops.cli.session import Connected
    from kubectl_gitops.operations.report import Report

__all__ = ["waited"]


def waited(connected: Connected, report: Report, seconds: float) -> int:
    """Wait until what was applied is healthy; the exit code."""
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import tell_unhealthy
    from kubectl_gitops.operations.healthy import await_healthy

    with progress() as how:
        unhealthy = await_healthy(connected.session, report, seconds, how.waiting)
    return tell_unhealthy(unhealthy)
