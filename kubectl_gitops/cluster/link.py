"""The way to one API server: its address, our credentials, and what else every request carries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

import urllib3

from kubectl_gitops.cluster.access import VIEW_CONFIG, Access, explained
from kubectl_gitops.cluster.kubeconfig import (
    Choice,
    Kubeconfig,
    choose,
    impersonation,
    kubeconfig_paths,
)
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.cluster.written import read_plainly, written_access
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["Link", "open_link"]

_IN_CLUSTER = "in-cluster"


@dataclass(frozen=True, slots=True)
class Link:
    """An API server and how we prove to it who we are: in TLS or in `headers`, which may repeat."""

    server: str
    context: str
    namespace: str
    pool: urllib3.PoolManager
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    options: ConnectionOptions

    def renewed(self) -> Link | None:
        """The link with credentials read anew, None where that fails or leads elsewhere.

        The context is pinned: `kubectl config use-context` in another terminal must not send the
        rest of an operation to another cluster.
        """
        try:
            link = open_link(replace(self.options, context=self.context))
        except GitopsError:
            return None
        return link if link.server == self.server else None


def open_link(options: ConnectionOptions) -> Link:
    """Read the kubeconfig, or else the Pod's service account; runs the exec plugin if there is one.

    Raises `GitopsError`, in kubectl's words where it has any.
    """
    paths = kubeconfig_paths(options, os.environ)
    if not paths and _in_a_pod(options):
        from kubectl_gitops.cluster.library import pod_access

        access, namespace = pod_access(options)
        return _linked(options, access, _IN_CLUSTER, namespace, impersonation(options, {}))
    choice, access = _plain(options, paths) or _by_library(options, paths)
    headers = impersonation(options, choice.user.value)
    return _linked(options, access, choice.context, choice.namespace, headers)


def _in_a_pod(options: ConnectionOptions) -> bool:
    """Whoever names a context, cluster or user does not mean the Pod's own."""
    named = options.server or options.cluster or options.user
    here = not named and options.context in ("", _IN_CLUSTER)
    return here and "KUBERNETES_SERVICE_HOST" in os.environ


def _plain(options: ConnectionOptions, paths: list[str]) -> tuple[Choice, Access] | None:
    kubeconfig = read_plainly(paths)
    if kubeconfig is None:
        return None
    choice = _chosen(options, kubeconfig)
    access = written_access(choice)
    return (choice, access) if access else None


def _by_library(options: ConnectionOptions, paths: list[str]) -> tuple[Choice, Access]:
    from kubectl_gitops.cluster.library import chosen_access, read_kubeconfig

    kubeconfig, merged = read_kubeconfig(paths)
    choice = _chosen(options, kubeconfig)
    return choice, chosen_access(choice, merged)


def _chosen(options: ConnectionOptions, kubeconfig: Kubeconfig) -> Choice:
    with explained("the kubeconfig"):
        choice = choose(options, kubeconfig)
    if choice.cluster.value.get("server"):
        return choice
    if choice.context:
        message = f"context {printable(choice.context)} leads to no server"
    else:
        message = "no cluster is configured: no kubeconfig has a current context"
    raise GitopsError(message, VIEW_CONFIG)


def _linked(
    options: ConnectionOptions,
    access: Access,
    context: str,
    namespace: str,
    identity: list[tuple[str, str]],
) -> Link:
    credential = f"Bearer {options.token}" if options.token else access.authorization
    headers = [("Authorization", credential)] if credential else []
    return Link(
        server=access.server,
        context=context,
        namespace=namespace,
        pool=access.pool,
        headers=tuple((name, _header_value(value)) for name, value in [*headers, *identity]),
        options=options,
    )


def _header_value(text: str) -> str:
    """UTF-8 in the form that `http.client` sends on unchanged; no control characters."""
    if not all(char.isprintable() for char in text):
        raise GitopsError("the credentials hold a control character", VIEW_CONFIG)
    return text.encode().decode("latin-1")
