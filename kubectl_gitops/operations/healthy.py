"""`--wait`: after everything is applied, until everything is healthy."""

from __future__ import annotations

from kubectl_gitops.health import Health
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Session
from kubectl_gitops.plan import Action
from kubectl_gitops.reconcile import Waiting, await_current
from kubectl_gitops.resource import ResourceId

__all__ = ["await_healthy"]


def await_healthy(
    session: Session, report: Report, timeout: float, waiting: Waiting
) -> dict[ResourceId, Health]:
    """Wait for what the report applied; those that failed, or are late after `timeout` seconds."""
    wanted = {
        outcome.id: outcome.change.api
        for outcome in report.outcomes
        if outcome.result.done
        and outcome.change.api is not None
        and outcome.change.action not in (Action.DELETE, Action.SKIP)
    }
    return await_current(session.cluster, wanted, session.clock, timeout, waiting)
