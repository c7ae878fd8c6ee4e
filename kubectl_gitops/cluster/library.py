"""Credentials as the Kubernetes client library gets them: the only module that loads `kubernetes`.

`kubernetes.config` reads kubeconfigs, runs exec plugins, refreshes OIDC tokens and finds the
service account of a Pod; what it leaves is a `Configuration`, from which `kubernetes.client.rest`
makes a urllib3 pool (proxies included).

Its own renewal of credentials is not used: it would run an exec plugin before every request where
tokens live for less than five minutes. They are read anew when the server refuses them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config import load_incluster_config
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger

from kubectl_gitops.cluster.access import (
    POOL_SIZE,
    VIEW_CONFIG,
    Access,
    explained,
    private_directory,
    tls_context,
)
from kubectl_gitops.cluster.kubeconfig import Choice, Entry, Kubeconfig, is_local
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["chosen_access", "pod_access", "read_kubeconfig"]

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def pod_access(options: ConnectionOptions) -> tuple[Access, str]:
    """The service account of this Pod, and its Namespace."""
    configuration = Configuration()
    with explained("the service account of this Pod"):
        load_incluster_config(client_configuration=configuration)
        namespace = options.namespace or _NAMESPACE_FILE.read_text("utf-8").strip()
    return _access(configuration), namespace


def read_kubeconfig(paths: list[str]) -> tuple[Kubeconfig, KubeConfigMerger | None]:
    """What the files say, and the one that writes refreshed tokens back to them."""
    with explained("the kubeconfig"):
        merged = KubeConfigMerger(os.pathsep.join(paths))
        if merged.config is None:
            return Kubeconfig(), None
        files = merged.config_files.values()
        current = next((str(f["current-context"]) for f in files if f.get("current-context")), "")
        return Kubeconfig(
            current,
            contexts=_entries(merged, "contexts", "context"),
            clusters=_entries(merged, "clusters", "cluster"),
            users=_entries(merged, "users", "user"),
        ), merged


def _entries(merged: KubeConfigMerger, plural: str, singular: str) -> tuple[Entry, ...]:
    nodes = merged.config.value[plural]
    return tuple(Entry(n.value["name"], n.value.get(singular) or {}, n.path) for n in nodes)


def chosen_access(choice: Choice, merged: KubeConfigMerger | None) -> Access:
    """Access with the chosen credentials; runs the exec plugin if there is one."""
    configuration = Configuration()
    _choose_proxy(configuration, choice)
    with private_directory() as directory:
        loader = _loader(choice, merged, directory)
        with explained("the kubeconfig"), _captured_log() as log:
            loader.load_and_set(configuration)
        # The loader logs that an exec plugin failed, and goes on without credentials.
        if log:
            raise GitopsError(f"getting credentials: {printable('; '.join(log))}", VIEW_CONFIG)
        return _access(configuration)


def _choose_proxy(configuration: Configuration, choice: Choice) -> None:
    """As Go does: those of the environment are not for this machine, `NO_PROXY` not for others."""
    if proxy := choice.cluster.value.get("proxy-url"):
        configuration.proxy, configuration.no_proxy = proxy, ""
    elif is_local(choice.cluster.value["server"]):
        configuration.no_proxy = "*"


def _loader(choice: Choice, merged: KubeConfigMerger | None, directory: str) -> KubeConfigLoader:
    """A loader for just the chosen cluster and user.

    Its nodes have names of ours: the merger's quote whole entries in error messages, tokens too.
    """
    cluster = {"name": "chosen", "cluster": choice.cluster.value}
    user = {"name": "chosen", "user": choice.user.value}
    context = {"name": "chosen", "context": {"cluster": "chosen", "user": "chosen"}}
    config = {
        "clusters": [ConfigNode("cluster", cluster, choice.cluster.path)],
        "users": [ConfigNode("user", user, choice.user.path)],
        "contexts": [ConfigNode("context", context)],
    }
    return KubeConfigLoader(
        ConfigNode("kubeconfig", config),
        active_context="chosen",
        config_base_path=None,
        config_persister=merged.save_changes if merged else None,
        temp_file_path=directory,
    )


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """What is logged as an error meanwhile, instead of on stderr."""
    records: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.addFilter(lambda record: record.name == logging.root.name)
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logging.root.addHandler(handler)
    try:
        yield records
    finally:
        logging.root.removeHandler(handler)


def _access(configuration: Configuration) -> Access:
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.keep_alive = True
    context = None
    if configuration.host.startswith("https:"):
        context = tls_context(
            configuration.ssl_ca_cert,
            configuration.cert_file,
            configuration.key_file,
            verify=configuration.verify_ssl,
        )
    configuration.cert_file = configuration.key_file = configuration.ssl_ca_cert = None
    with explained("the proxy"):
        pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
    pool.connection_pool_kw["ssl_context"] = context
    token = str(configuration.api_key.get("BearerToken") or "").strip()
    return Access(configuration.host.rstrip("/"), token, pool)
