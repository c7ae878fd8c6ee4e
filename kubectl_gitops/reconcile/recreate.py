"""Immutable fields: what the server refuses to change can be deleted and created again.

Only where it would be created: the new spec is tried first, by a dry-run under another name, since
a resource that is deleted and then refused would be lost. Never a Namespace, a CRD, a PV or a PVC,
whose deletion takes other resources or data along.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from kubectl_gitops.catalog import Api
from kubectl_gitops.plan import Action, Change, Plan, Preview, asks
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile.look import workers
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["created_anew", "recreatable", "recreating"]


def recreatable(cluster: Cluster, plan: Plan, validation: str) -> Plan:
    """The plan, in which refused updates that a new creation would pass hold what it would make."""
    with workers() as pool:
        changes = pool.map(lambda change: _tried(cluster, change, validation), plan.changes)
        return Plan(tuple(changes))


def recreating(plan: Plan, forced: Container[ResourceId]) -> Plan:
    """The plan with those of them that are forced deleted and created again (`--force`)."""
    return Plan(tuple(_recreated(c) if c.id in forced else c for c in plan.changes))


def _recreated(change: Change) -> Change:
    if change.afresh is None:
        return change
    return replace(change, preview=Preview(change.afresh), recreates=True)


def _tried(cluster: Cluster, change: Change, validation: str) -> Change:
    refusal, live = change.refusal, change.live
    if change.action is not Action.UPDATE or refusal is None or refusal.reason != "Invalid":
        return change
    if change.api is None or change.sent is None or live is None or asks(change.id):
        return change
    answer = created_anew(cluster, change.api, change.sent, live, validation, quiet=change.private)
    return change if isinstance(answer, Refusal) else replace(change, afresh=answer)


def created_anew(
    cluster: Cluster, api: Api, sent: Body, live: Body, validation: str, *, quiet: bool
) -> Body | Refusal:
    """What would be stored if `sent` were created once `live` is gone, or why it would be refused.

    A dry-run under a name that the uid makes nobody else's.
    """
    name: str = sent["metadata"]["name"]
    trial = f"{name[:40].rstrip('-.')}-{live['metadata']['uid'][:8]}"

    def created(body: Body) -> Body | Refusal:
        named = _named(body, trial)
        return cluster.apply(api, named, dry_run=True, validation=validation, quiet=quiet)

    answer = created(sent)
    if not isinstance(answer, Refusal):
        return _named(answer, name)
    if not _is_held(answer):
        return answer
    answer = created(_without_held(sent, live))
    return answer if isinstance(answer, Refusal) else sent


def _is_held(refusal: Refusal) -> bool:
    """Whether all that is wrong is an address that some Service has; perhaps the old one."""
    return bool(refusal.causes) and all(
        "already allocated" in cause.message for cause in refusal.causes
    )


def _without_held(body: Body, live: Body) -> Body:
    """A Service without the addresses that are free again when the old one is gone."""
    spec, old = dict(body["spec"]), live["spec"]
    for key in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
        if key in spec and spec[key] == old.get(key):
            del spec[key]
    held = {port.get("nodePort") for port in old.get("ports", ())}
    spec["ports"] = [
        {key: value for key, value in port.items() if key != "nodePort" or value not in held}
        for port in spec.get("ports", ())
    ]
    return {**body, "spec": spec}


def _named(body: Body, name: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "name": name}}
