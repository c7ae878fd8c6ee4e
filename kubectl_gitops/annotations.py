"""Annotations that users already know: who wrote them must not be surprised by us.

A closed list. Those of other tools are honoured on read and never written; ours exist where there
was none. Flux accepts a label in place of its annotation, so its keys are looked for in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubectl_gitops.errors import printable
from kubectl_gitops.resource import Body, annotations_of, labels_of

__all__ = [
    "LAST_APPLIED",
    "MARKS",
    "PRUNE",
    "RECONCILE",
    "SUSPENDED_BY",
    "UNPUSHED",
    "forces",
    "keeps",
    "not_applied",
    "suspension",
    "unheeded",
]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""kubectl's copy of the whole manifest, a Secret's values included; it never enters the branch."""

PRUNE = "kubectl-gitops/prune"
"""`disabled`: stays in the cluster when it leaves the branch."""

RECONCILE = "kubectl-gitops/reconcile"
"""`disabled`: `pull` leaves it alone."""

SUSPENDED_BY = "kubectl-gitops/suspended-by"
"""Who suspended it, when and why: text for people."""

UNPUSHED = "kubectl-gitops/unpushed"
"""Applied with `--offline`: the branch on the server does not have it yet."""

MARKS = frozenset({LAST_APPLIED, RECONCILE, SUSPENDED_BY, UNPUSHED})
"""What only means something in one cluster, and so never enters the branch from there."""

_SYNC_OPTIONS = "argocd.argoproj.io/sync-options"

# `confirm` asks for a person's yes in Argo CD's own way, which nobody can give here.
_KEEPING = (
    (PRUNE, "disabled"),
    (RECONCILE, "disabled"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
    (_SYNC_OPTIONS, "Prune=false"),
    (_SYNC_OPTIONS, "Prune=confirm"),
    (_SYNC_OPTIONS, "Delete=false"),
    (_SYNC_OPTIONS, "Delete=confirm"),
    ("helm.sh/resource-policy", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ("cli-utils.sigs.k8s.io/on-remove", "keep"),
)

_NEVER_APPLIED = (
    (RECONCILE, "disabled"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
    ("kustomize.toolkit.fluxcd.io/ssa", "Ignore"),
)

# Created where it is missing, then left alone.
_CREATED_ONLY = (
    ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent"),
    ("client.lifecycle.config.k8s.io/mutation", "ignore"),
)

_FORCED = (("kustomize.toolkit.fluxcd.io/force", "enabled"),)

# What would make another tool treat a resource in a way that nothing here does.
_UNHEEDED = (
    "argocd.argoproj.io/hook",
    "helm.sh/hook",
    "kapp.k14s.io/change-rule",
    "kapp.k14s.io/update-strategy",
    "kluctl.io/hook",
    "kustomize.toolkit.fluxcd.io/substitute",
)
_HEEDED_OPTIONS = ("prune=", "delete=")

_LOCAL = (("config.kubernetes.io/local-config", "true"),)


def keeps(live: Body) -> str | None:
    """Why a live object must not be pruned, None where nothing says so.

    Read from the live object, because the manifest is gone when the question comes up.
    """
    if UNPUSHED in annotations_of(live):
        return f"{UNPUSHED}: applied offline, not pushed yet"
    return _first(live, _KEEPING)


def not_applied(desired: Body, live: Body | None) -> str | None:
    """Why a resource of the branch is not applied, None where it is.

    The live object is asked, too, so that somebody who may only write to the cluster can hold a
    resource back during an emergency.
    """
    if reason := _first(desired, (*_LOCAL, *_NEVER_APPLIED)):
        return reason
    if live is None:
        return None
    return (
        _first(live, _NEVER_APPLIED)
        or _first(desired, _CREATED_ONLY)
        or _first(live, _CREATED_ONLY)
    )


def forces(desired: Body, live: Body) -> bool:
    """Whether a resource whose change the server refuses may be deleted and made anew."""
    return _first(desired, _FORCED) is not None or _first(live, _FORCED) is not None


def unheeded(bodies: Iterable[Body]) -> str:
    """One warning about other tools' annotations that mean nothing here, hooks above all.

    Empty where there are none.
    """
    found: dict[str, int] = {}
    for body in bodies:
        for key in _unheeded_in(body):
            found[key] = found.get(key, 0) + 1
    if not found:
        return ""
    counted = (f"{key} ({n} resource{'s' if n > 1 else ''})" for key, n in sorted(found.items()))
    return printable(f"these annotations mean nothing here: {', '.join(counted)}")


def _unheeded_in(body: Body) -> Iterator[str]:
    keys = annotations_of(body).keys()
    yield from (key for key in _UNHEEDED if key in keys)
    for option in _options(body, _SYNC_OPTIONS):
        if option and not option.startswith(_HEEDED_OPTIONS):
            yield f"{_SYNC_OPTIONS}: {option}"


def suspension(live: Body) -> str | None:
    """By whom and since when a live object, or the parent of a set, is suspended; None if not."""
    if annotations_of(live).get(RECONCILE) != "disabled":
        return None
    return printable(annotations_of(live).get(SUSPENDED_BY) or "")


def _first(body: Body, rules: tuple[tuple[str, str], ...]) -> str | None:
    found = (f"{key}: {value}" for key, value in rules if value.lower() in _options(body, key))
    return next(found, None)


def _options(body: Body, key: str) -> Iterator[str]:
    """The values under a key, in lower case as Flux compares them; a comma separates options."""
    for values in (annotations_of(body), labels_of(body)):
        if isinstance(text := values.get(key), str):
            yield from (option.strip().lower() for option in text.split(","))
