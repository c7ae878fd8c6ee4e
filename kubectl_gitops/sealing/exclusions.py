"""Secrets that are not for the branch, because something in the cluster makes them."""

from __future__ import annotations

from kubectl_gitops.errors import printable
from kubectl_gitops.resource import Body
from kubectl_gitops.sealing.places import is_secret

__all__ = ["unmanageable"]

_MADE = {
    "kubernetes.io/service-account-token": "the cluster makes service account tokens",
    "bootstrap.kubernetes.io/token": "a bootstrap token lives for a day",
    "helm.sh/release.v1": "Helm keeps its releases in it",
}


def unmanageable(body: Body) -> str | None:
    """Why a Secret is left out where nobody named it, or None for what may be recorded.

    By its type, or because another object owns it, as a Certificate of cert-manager does: whoever
    made it would make it again with other values, and undo ours.
    """
    if not is_secret(body):
        return None
    owners = body["metadata"].get("ownerReferences") or []
    if owners:
        owner = owners[0]
        return printable(f"{owner['kind'].lower()}/{owner['name']} owns it")
    return _MADE.get(body.get("type", ""))
