"""Credentials and TLS for one API server: the only module that loads `kubernetes`.

`kubernetes.config` reads kubeconfigs, runs exec plugins, refreshes OIDC tokens and finds the
service account of a Pod; what it leaves is a `Configuration`, from which `kubernetes.client.rest`
makes a urllib3 pool (proxies included). Key files it has to write live for a moment in a private
directory, on a tmpfs where there is one: TLS is set up once, before the first request.

Its own renewal of credentials is not used: it would run an exec plugin before every request where
tokens live for less than five minutes. They are read anew when the server refuses them.
"""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config import load_incluster_config
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger

from kubectl_gitops.cluster.kubeconfig import (
    Choice,
    Entry,
    choose,
    impersonation,
    kubeconfig_paths,
)
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["POOL_SIZE", "Link", "open_link"]

POOL_SIZE = 16
"""How many threads may talk to the API server at once without opening connections anew."""

_IN_CLUSTER = "in-cluster"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_VIEW_CONFIG = "kubectl config view"


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
    merged = _merged(kubeconfig_paths(options, os.environ))
    if merged is None and _in_a_pod(options):
        return _from_service_account(options)
    return _from_kubeconfig(options, merged)


def _in_a_pod(options: ConnectionOptions) -> bool:
    """Whoever names a context, cluster or user does not mean the Pod's own."""
    named = options.server or options.cluster or options.user
    here = not named and options.context in ("", _IN_CLUSTER)
    return here and "KUBERNETES_SERVICE_HOST" in os.environ


def _from_service_account(options: ConnectionOptions) -> Link:
    configuration = Configuration()
    with _explained("the service account of this Pod"):
        load_incluster_config(client_configuration=configuration)
        namespace = options.namespace or _NAMESPACE_FILE.read_text("utf-8").strip()
    return _linked(options, configuration, _IN_CLUSTER, namespace, impersonation(options, {}))


def _merged(paths: list[str]) -> KubeConfigMerger | None:
    with _explained("the kubeconfig"):
        merged = KubeConfigMerger(os.pathsep.join(paths))
    return merged if merged.config is not None else None


def _from_kubeconfig(options: ConnectionOptions, merged: KubeConfigMerger | None) -> Link:
    with _explained("the kubeconfig"):
        choice = choose(
            options,
            _current_context(merged),
            contexts=_entries(merged, "contexts", "context"),
            clusters=_entries(merged, "clusters", "cluster"),
            users=_entries(merged, "users", "user"),
        )
    if not choice.cluster.value.get("server"):
        raise GitopsError(_without_server(choice.context), _VIEW_CONFIG)
    configuration = Configuration()
    _choose_proxy(configuration, choice.cluster.value)
    with _private_directory() as directory:
        loader = _loader(choice, merged, directory)
        with _explained("the kubeconfig"), _captured_log() as log:
            loader.load_and_set(configuration)
        # The loader logs that an exec plugin failed, and goes on without credentials.
        if log:
            raise GitopsError(f"getting credentials: {printable('; '.join(log))}", _VIEW_CONFIG)
        headers = impersonation(options, choice.user.value)
        return _linked(options, configuration, choice.context, choice.namespace, headers)


def _current_context(merged: KubeConfigMerger | None) -> str:
    """That of the first file that names one; the merger keeps the last."""
    files = merged.config_files.values() if merged else ()
    return next((str(f["current-context"]) for f in files if f.get("current-context")), "")


def _choose_proxy(configuration: Configuration, cluster: Mapping[str, Any]) -> None:
    """As Go does: those of the environment are not for this machine, `NO_PROXY` not for others."""
    if proxy := cluster.get("proxy-url"):
        configuration.proxy, configuration.no_proxy = proxy, ""
    elif _is_local(cluster["server"]):
        configuration.no_proxy = "*"


def _without_server(context: str) -> str:
    if context:
        return f"context {printable(context)} leads to no server"
    return "no cluster is configured: no kubeconfig has a current context"


def _is_local(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _entries(merged: KubeConfigMerger | None, plural: str, singular: str) -> list[Entry]:
    if merged is None:
        return []
    nodes = merged.config.value[plural]
    return [Entry(n.value["name"], n.value.get(singular) or {}, n.path) for n in nodes]


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
def _explained(source: str) -> Iterator[None]:
    """Turn whatever a bad file makes `kubernetes.config` raise into the one exception.

    That is its own exception, the YAML parser's or the system's, or a `KeyError` or the like over
    entries of another shape than expected, whose text helps nobody.
    """
    try:
        yield
    except GitopsError:
        raise
    except (AttributeError, KeyError, TypeError) as error:
        raise GitopsError(f"{source} cannot be used: it is malformed", _VIEW_CONFIG) from error
    except Exception as error:
        reason = printable(" ".join(str(error).split())) or type(error).__name__
        raise GitopsError(f"{source} cannot be used: {reason}", _VIEW_CONFIG) from error


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


@contextmanager
def _private_directory() -> Iterator[str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [place for place in (runtime, "/dev/shm") if os.access(place, os.W_OK)]  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="kubectl-gitops-", dir=next(iter(places), None)) as it:
        yield it


def _linked(
    options: ConnectionOptions,
    configuration: Configuration,
    context: str,
    namespace: str,
    identity: list[tuple[str, str]],
) -> Link:
    credential = str(configuration.api_key.get("BearerToken") or "").strip()
    if options.token:
        credential = f"Bearer {options.token}"
    headers = [("Authorization", credential)] if credential else []
    return Link(
        server=configuration.host.rstrip("/"),
        context=context,
        namespace=namespace,
        pool=_pool(configuration),
        headers=tuple((name, _header_value(value)) for name, value in [*headers, *identity]),
        options=options,
    )


def _header_value(text: str) -> str:
    """UTF-8 in the form that `http.client` sends on unchanged; no control characters."""
    if not all(char.isprintable() for char in text):
        raise GitopsError("the credentials hold a control character", _VIEW_CONFIG)
    return text.encode().decode("latin-1")


def _pool(configuration: Configuration) -> urllib3.PoolManager:
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.keep_alive = True
    context = _tls(configuration) if configuration.host.startswith("https:") else None
    configuration.cert_file = configuration.key_file = configuration.ssl_ca_cert = None
    with _explained("the proxy"):
        pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
    pool.connection_pool_kw["ssl_context"] = context
    return pool


def _tls(configuration: Configuration) -> ssl.SSLContext:
    with _explained("the certificates"):
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            # A password of ours, or OpenSSL asks for one on the terminal.
            context.load_cert_chain(configuration.cert_file, configuration.key_file, lambda: "")
    # Python 3.13 insists on key identifiers that the certificate authorities of many clusters
    # lack (kubernetes-client/python#2394); Go does not, and nothing else is relaxed.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return context
