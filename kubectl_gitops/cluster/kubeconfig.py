"""Which cluster and which user a kubeconfig and the flags choose; pure, on plain data.

The rules are client-go's (`clientcmd/client_config.go`, `clientcmd/overrides.go`). They are ours
to apply because `kubernetes.config` knows neither overrides nor impersonation, and lets the last
file of `$KUBECONFIG` set the current context where kubectl lets the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError, printable

__all__ = [
    "Choice",
    "Entry",
    "Kubeconfig",
    "choose",
    "impersonation",
    "is_local",
    "kubeconfig_paths",
]

_GET_CONTEXTS = "kubectl config get-contexts"


@dataclass(frozen=True, slots=True)
class Entry:
    """A named cluster, user or context, and the file it stands in (for relative paths)."""

    name: str
    value: dict[str, Any]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """What the files say together; of several entries with one name the first counts."""

    current: str = ""
    contexts: tuple[Entry, ...] = ()
    clusters: tuple[Entry, ...] = ()
    users: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What is left of a kubeconfig once context, cluster and user are chosen."""

    context: str
    namespace: str
    cluster: Entry
    user: Entry


def kubeconfig_paths(options: ConnectionOptions, environ: Mapping[str, str]) -> list[str]:
    """The files to merge: `--kubeconfig` (which must exist), `$KUBECONFIG`, `~/.kube/config`."""
    if options.kubeconfig:
        if not Path(options.kubeconfig).exists():
            raise GitopsError(
                f"stat {printable(options.kubeconfig)}: no such file or directory", _GET_CONTEXTS
            )
        return _filled([options.kubeconfig])
    listed = environ.get("KUBECONFIG") or _own_file()
    return _filled(path for path in listed.split(os.pathsep) if path and Path(path).exists())


def _own_file() -> str:
    """`~/.kube/config`; nothing where nobody knows a home (a container's user without a name)."""
    try:
        return str(Path("~/.kube/config").expanduser())
    except RuntimeError:
        return ""


def _filled(paths: Iterable[str]) -> list[str]:
    """An empty file is an empty kubeconfig to kubectl; of a pipe one cannot tell beforehand."""
    return [path for path in paths if not Path(path).is_file() or Path(path).stat().st_size]


def choose(options: ConnectionOptions, kubeconfig: Kubeconfig) -> Choice:
    """The cluster and user that kubectl would use; `GitopsError` where a name is not there."""
    name = options.context or kubeconfig.current
    context = _context(name, kubeconfig.contexts, given=bool(name))
    cluster_name = options.cluster or context.get("cluster") or ""
    user_name = options.user or context.get("user") or ""
    cluster = _named(cluster_name, kubeconfig.clusters)
    if cluster is None and options.cluster:
        raise GitopsError(f'no server found for cluster "{printable(options.cluster)}"')
    user = _named(user_name, kubeconfig.users)
    if user is None and options.user:
        raise GitopsError(f'auth info "{printable(options.user)}" does not exist')
    return Choice(
        context=name,
        namespace=options.namespace or context.get("namespace") or "default",
        cluster=_overridden_cluster(_resolved(cluster or Entry(cluster_name, {})), options),
        user=_overridden_user(_resolved(user or Entry(user_name, {})), options),
    )


def _context(name: str, contexts: Sequence[Entry], *, given: bool) -> Mapping[str, Any]:
    entry = _named(name, contexts)
    if entry is not None:
        return entry.value
    if given:
        raise GitopsError(f'context "{printable(name)}" does not exist', _GET_CONTEXTS)
    return {}


def _named(name: str, entries: Iterable[Entry]) -> Entry | None:
    return next((entry for entry in entries if entry.name == name), None)


def is_local(server: str) -> bool:
    """True for the URL of a server on this machine."""
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _resolved(entry: Entry) -> Entry:
    """File names made absolute; `kubernetes.config` takes a user's as beside the cluster's file."""
    folder = Path(entry.path).absolute().parent
    files = {key: str(folder / entry.value[key]) for key in _FILES if entry.value.get(key)}
    return _overridden(entry, files, set())


def _overridden_cluster(entry: Entry, options: ConnectionOptions) -> Entry:
    given = {
        "server": _with_scheme(options),
        "tls-server-name": options.tls_server_name,
        "certificate-authority": _absolute(options.certificate_authority),
        "insecure-skip-tls-verify": options.insecure_skip_tls_verify,
        "proxy-url": options.proxy_url,
    }
    dropped = set()
    if options.server:
        dropped.add("tls-server-name")
    if options.certificate_authority or options.insecure_skip_tls_verify:
        dropped |= {
            "certificate-authority",
            "certificate-authority-data",
            "insecure-skip-tls-verify",
        }
    return _overridden(entry, given, dropped)


def _with_scheme(options: ConnectionOptions) -> str:
    """`-s localhost:8080` means http, unless other flags speak of TLS (client-go's rule)."""
    if not options.server or "://" in options.server:
        return options.server
    tls = (options.certificate_authority, options.client_certificate, options.client_key)
    scheme = "https" if any(tls) or options.insecure_skip_tls_verify else "http"
    return f"{scheme}://{options.server}"


def _overridden_user(entry: Entry, options: ConnectionOptions) -> Entry:
    given = {
        "token": options.token,
        "username": options.username,
        "password": options.password,
        "client-certificate": _absolute(options.client_certificate),
        "client-key": _absolute(options.client_key),
    }
    dropped = set()
    if any(given.values()):
        # Explicit credentials are used, not what a plugin would have said (client-go's
        # exec.UpdateTransportConfig).
        dropped |= {"exec", "auth-provider", "tokenFile"}
    if options.username:
        dropped |= {"token"}
    if options.client_certificate:
        dropped |= {"client-certificate-data"}
    if options.client_key:
        dropped |= {"client-key-data"}
    return _overridden(entry, given, dropped)


def _overridden(entry: Entry, given: Mapping[str, Any], dropped: set[str]) -> Entry:
    """The entry itself where nothing is overridden: a refreshed token is written back to it."""
    added = {key: value for key, value in given.items() if value}
    if not added and not dropped:
        return entry
    kept = {key: value for key, value in entry.value.items() if key not in dropped}
    return Entry(entry.name, {**kept, **added}, entry.path)


def _absolute(path: str) -> str:
    """Flags are relative to the working directory, entries of a file to that file."""
    return str(Path(path).absolute()) if path else ""


def impersonation(options: ConnectionOptions, user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The headers that make us act as somebody else: from the flags, else from the kubeconfig.

    Headers may repeat. An empty identity is refused, never taken for our own rights.
    """
    if options.as_user is None:
        name = user.get("as") or ""
        groups = tuple(user.get("as-groups") or ())
        uid = user.get("as-uid") or ""
        extra = [(k, v) for k, vs in (user.get("as-user-extra") or {}).items() for v in vs]
    else:
        name, groups, uid, extra = options.as_user, (), "", []
    groups = options.as_groups or groups
    uid = options.as_uid or uid
    extra = [_pair(item) for item in options.as_user_extra] or extra
    if not name and (options.as_user is not None or groups or uid or extra):
        raise GitopsError("requesting uid, groups or user-extra without impersonating a user")
    if "" in groups:
        raise GitopsError("the group to impersonate is empty")
    headers = [("Impersonate-User", name)] if name else []
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", group) for group in groups]
    return headers + [(f"Impersonate-Extra-{key}", value) for key, value in extra]


def _pair(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not key or not equals:
        raise GitopsError(f'invalid user extra "{printable(item)}": it must be KEY=VALUE')
    return key, value
