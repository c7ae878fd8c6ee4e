"""Credentials that are written in the kubeconfig: a token, certificates, nothing to be run.

What `kubernetes.config` does of these takes it 160 ms to load, a third of what applying one
resource takes (docs/decisions/038). So the plain case is read here, and everything else, whatever
looks unusual or broken included, is left to that library.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from socket import SO_KEEPALIVE, SOL_SOCKET
from typing import Any
from urllib.request import getproxies_environment

import urllib3
from urllib3.connection import HTTPConnection

from kubectl_gitops.cluster.access import POOL_SIZE, Access, private_directory, tls_context
from kubectl_gitops.cluster.kubeconfig import Choice, Entry, Kubeconfig, is_local
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import documents
from kubectl_gitops.resource import Body

__all__ = ["read_plainly", "written_access"]

_USER = {
    *("client-certificate", "client-certificate-data", "client-key", "client-key-data", "token"),
    *("as", "as-uid", "as-groups", "as-user-extra"),
}
_CLUSTER = {
    *("server", "certificate-authority", "certificate-authority-data"),
    *("insecure-skip-tls-verify", "tls-server-name", "extensions"),
}
_TEXTS = (_USER | _CLUSTER) - {
    *("as-groups", "as-user-extra", "insecure-skip-tls-verify", "extensions"),
}


def read_plainly(paths: list[str]) -> Kubeconfig | None:
    """What the files say, the first one that names something going first; None where in doubt."""
    try:
        found = [(path, _body(path)) for path in paths]
        return Kubeconfig(
            next((c for _, body in found if (c := str(body.get("current-context") or ""))), ""),
            contexts=_entries(found, "contexts", "context"),
            clusters=_entries(found, "clusters", "cluster"),
            users=_entries(found, "users", "user"),
        )
    except (GitopsError, OSError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _body(path: str) -> Body:
    if not Path(path).is_file():
        raise ValueError("a pipe can be read once only")
    (document,) = documents(Path(path).read_bytes(), path)
    return document.body


def _entries(found: list[tuple[str, Body]], plural: str, singular: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(item["name"], {**item.get(singular, {})}, path)
        for path, body in found
        for item in body[plural]
    )


def written_access(choice: Choice) -> Access | None:
    """Access with what stands in the chosen entries; None where it takes more than that."""
    cluster, user = choice.cluster.value, choice.user.value
    if not (_is_plain(cluster, _CLUSTER) and _is_plain(user, _USER)):
        return None
    server: str = cluster["server"].rstrip("/")
    if getproxies_environment() and not is_local(server):
        return None
    try:
        pool = _pool(cluster, user, tls=server.startswith("https:"))
    except (OSError, ValueError):
        return None
    token = user.get("token", "").strip()
    return Access(server, f"Bearer {token}" if token else "", pool)


def _is_plain(entry: Mapping[str, Any], known: set[str]) -> bool:
    texts = all(type(entry[key]) is str for key in _TEXTS & entry.keys())
    return texts and entry.keys() <= known


def _pool(cluster: Mapping[str, Any], user: Mapping[str, Any], *, tls: bool) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": POOL_SIZE}
    options["socket_options"] = [
        *HTTPConnection.default_socket_options,
        (SOL_SOCKET, SO_KEEPALIVE, 1),
    ]
    if name := cluster.get("tls-server-name"):
        options["server_hostname"] = name
    if tls:
        with private_directory() as directory:
            options["ssl_context"] = tls_context(
                _file(cluster, "certificate-authority", directory),
                _file(user, "client-certificate", directory),
                _file(user, "client-key", directory),
                verify=not cluster.get("insecure-skip-tls-verify"),
            )
    return urllib3.PoolManager(**options)


def _file(entry: Mapping[str, Any], key: str, directory: str) -> str | None:
    """The file of a key or a certificate, which the text of `…-data` goes before."""
    if text := entry.get(f"{key}-data"):
        file = Path(directory, key)
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(text))
        return str(file)
    if path := entry.get(key):
        if not Path(path).is_file():
            raise ValueError("the library says which file is missing")
        return str(path)
    return None
