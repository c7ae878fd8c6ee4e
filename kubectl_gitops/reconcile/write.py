"""One resource, one write: server-side apply or delete with every precondition we can give.

A write names the object it was planned against by uid and resourceVersion, so an object that
somebody wrote or made anew in between is never touched: the answer is then `Result.MOVED`, and
the caller looks again. (A creation can name nothing; what it meets is told.) A reply that never
came is looked up, and is `Result.UNKNOWN` if that does not tell either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubectl_gitops import equality, takeover
from kubectl_gitops.catalog import Api
from kubectl_gitops.errors import printable
from kubectl_gitops.fields import entries
from kubectl_gitops.plan import Action, Change, Outcome, Preview, Result, Rights, may_force
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.resource import Body, is_terminating

__all__ = [
    "Removal",
    "Sending",
    "apply_change",
    "delete_change",
    "preview",
    "served_versions",
]


@dataclass(frozen=True, slots=True)
class Removal:
    """How objects are deleted: kubectl's `--cascade` and `--grace-period` (None: the object's)."""

    propagation: str = "Background"
    grace_period: int | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """How a body is sent: how far it may take fields, how strictly it is validated.

    `quiet`: it has opened values, so the server's own words are not repeated. `ignored` are the
    pointers that a takeover must not claim. `adopts`: what is sent is what was live.
    """

    rights: Rights = Rights.OWN
    validation: str = "Strict"
    quiet: bool = False
    ignored: tuple[str, ...] = ()
    adopts: bool = False


def preview(cluster: Cluster, api: Api, sent: Body, live: Body | None, how: Sending) -> Preview:
    """What the server would store. Its dry-run of the first takeover may pass kubectl's fields."""
    first = live is not None and takeover.needs_takeover(live)
    return _send(cluster, api, sent, how, first=first, dry_run=True)


def _send(
    cluster: Cluster, api: Api, body: Body, how: Sending, *, first: bool, dry_run: bool
) -> Preview:
    def apply(*, force: bool) -> Body | Refusal:
        return cluster.apply(
            api, body, dry_run=dry_run, force=force, validation=how.validation, quiet=how.quiet
        )

    answer = apply(force=False)
    if not isinstance(answer, Refusal) or answer.code != 409:
        return Preview(answer)
    taken = may_force(answer, how.rights, first=first)
    return Preview(apply(force=True), taken) if taken else Preview(answer)


def apply_change(cluster: Cluster, change: Change, how: Sending) -> Outcome:
    """Carry out a creation or an update."""
    assert change.api is not None
    assert change.sent is not None
    live, first, body = change.live, False, change.sent
    if change.action is Action.UPDATE and live is not None:
        first = takeover.needs_takeover(live)
        prepared = _prepared(cluster, change.api, change, live, how)
        if isinstance(prepared, Refusal):
            return _refused(cluster, change, prepared)
        body = _guarded(change.sent, prepared)
    sent = _send(cluster, change.api, body, how, first=first, dry_run=False)
    if isinstance(sent.answer, Refusal):
        return _refused(cluster, change, sent.answer)
    message = _met(change, sent.answer)
    stored = _released(cluster, change, sent.answer, how) if first or how.adopts else sent.answer
    return Outcome(change, _result(change, stored), stored, None, message, sent.taken)


def _released(cluster: Cluster, change: Change, stored: Body, how: Sending) -> Body:
    """The object without second owners of what we said.

    Who writes in between keeps them; then it is as it was before, and the next conflict says so.
    """
    assert change.api is not None
    patch = takeover.release_patch(stored, everyone=how.adopts)
    if patch is None:
        return stored
    id = change.id
    answer = cluster.patch(change.api, id.namespace, id.name, patch, quiet=how.quiet)
    return stored if isinstance(answer, Refusal) else answer


def _met(change: Change, stored: Body) -> str:
    """What a creation met that was not there when it was planned.

    Server-side apply has no "must not exist", so this is seen only afterwards.
    """
    if change.action is not Action.CREATE:
        return ""
    others = {
        printable(entry["manager"])
        for entry in entries(stored)
        if entry.get("manager") != equality.MANAGER and not entry.get("subresource")
    }
    return f"{', '.join(sorted(others))} had made it meanwhile; it holds both now" if others else ""


def _prepared(
    cluster: Cluster, api: Api, change: Change, live: Body, how: Sending
) -> Body | Refusal:
    """The live object with its ownership put right, so that an apply can be judged by it.

    Entries of a version no longer served come first, for with them an apply answers 500 for ever.
    """
    id, first = change.id, takeover.needs_takeover(live)
    patch = takeover.restamp_patch(live, served_versions(cluster, api))
    if patch:
        answer = cluster.patch(api, id.namespace, id.name, patch, quiet=how.quiet)
        if isinstance(answer, Refusal):
            return answer
        live = answer
    patch = takeover.takeover_patch(live, how.ignored) if first else None
    if change.retakes and change.sent is not None:
        patch = takeover.retake_patch(live, change.sent)
    if not patch:
        return live
    return cluster.patch(api, id.namespace, id.name, patch, quiet=how.quiet)


def served_versions(cluster: Cluster, api: Api) -> frozenset[str]:
    """The apiVersions that the cluster serves of a kind."""
    catalog = cluster.catalog()
    if isinstance(catalog, Refusal):
        return frozenset({api.api_version})
    alike = (one for one in catalog.apis if one.group_kind == api.group_kind)
    return frozenset(one.api_version for one in alike) | {api.api_version}


def _guarded(body: Body, live: Body) -> Body:
    """The body with what it is meant for: a resourceVersion alone re-creates a deleted object."""
    guard = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **guard}}


def _result(change: Change, stored: Body) -> Result:
    if change.action is Action.CREATE:
        return Result.CREATED
    assert change.live is not None
    before = change.live["metadata"]["resourceVersion"]
    moved = stored["metadata"]["resourceVersion"] != before
    return Result.CONFIGURED if moved else Result.UNCHANGED


def _refused(cluster: Cluster, change: Change, refusal: Refusal) -> Outcome:
    if refusal.unknown:
        return _looked_up(cluster, change, refusal)
    conflict = refusal.code == 409
    # A creation cannot be guarded, so any conflict there means that somebody was quicker.
    if conflict and (change.action is Action.CREATE or not takeover.conflicts(refusal.causes)):
        return Outcome(change, Result.MOVED, refusal=refusal)
    return Outcome(change, Result.REFUSED, refusal=refusal)


def _looked_up(cluster: Cluster, change: Change, refusal: Refusal) -> Outcome:
    """The reply was lost: has the write happened? Only a proof counts as yes."""
    assert change.api is not None
    assert change.sent is not None
    live = cluster.get(change.api, change.id.namespace, change.id.name)
    unknown = Outcome(change, Result.UNKNOWN, refusal=refusal)
    if live is None or isinstance(live, Refusal):
        return unknown
    if equality.proven_equal(change.sent, live) is not None:
        return unknown
    return Outcome(change, _result(change, live), live)


def delete_change(cluster: Cluster, change: Change, how: Removal) -> Outcome:
    """Delete exactly the object that was planned against; one that is gone already is deleted."""
    assert change.live is not None
    assert change.api is not None
    metadata = change.live["metadata"]
    answer = cluster.delete(
        change.api,
        change.id.namespace,
        change.id.name,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        propagation=how.propagation,
        grace_period=how.grace_period,
    )
    if not isinstance(answer, Refusal):
        return Outcome(change, Result.DELETED, change.live)
    if answer.code == 404:
        return Outcome(change, Result.DELETED)
    if answer.unknown:
        return _deletion_looked_up(cluster, change, answer)
    result = Result.MOVED if answer.code == 409 else Result.REFUSED
    return Outcome(change, result, refusal=answer)


def _deletion_looked_up(cluster: Cluster, change: Change, refusal: Refusal) -> Outcome:
    assert change.live is not None
    assert change.api is not None
    live = cluster.get(change.api, change.id.namespace, change.id.name)
    unknown = Outcome(change, Result.UNKNOWN, refusal=refusal)
    if isinstance(live, Refusal):
        return unknown
    if live is None or live["metadata"]["uid"] != change.live["metadata"]["uid"]:
        return Outcome(change, Result.DELETED)
    if is_terminating(live):
        return Outcome(replace(change, live=live), Result.DELETED, live)
    return unknown
