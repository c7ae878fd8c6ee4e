"""From flags to the parts an operation works with: target, cluster, store, keys, author."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.counting import indexing
from kubectl_gitops.cli.options import Options
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.cluster.server import ApiServer
    from kubectl_gitops.envelope import Keyring
    from kubectl_gitops.manifest import OpenManifest
    from kubectl_gitops.operations.past import Past
    from kubectl_gitops.operations.session import Session
    from kubectl_gitops.operations.vault import Vault
    from kubectl_gitops.ports import Store
    from kubectl_gitops.settings import StoreSettings, Target, Verdicts

__all__ = [
    "Connected",
    "author",
    "connect_cluster",
    "keyring_for",
    "open_past_of",
    "open_session",
    "open_target_store",
    "open_vault",
    "session_of",
]


_TRACED = 6
"""The `-v` from which on kubectl, too, tells of each request."""


@dataclass(slots=True)
class Warnings:
    """The server's warnings, each said once; `--warnings-as-errors` counts them."""

    count: int = 0

    def __call__(self, text: str) -> None:
        self.count += 1
        talk.warning(text)


@dataclass(frozen=True, slots=True)
class Connected:
    """A session and what the command line adds: the namespace asked for, the warnings heard.

    `namespace` is the flag's, else the context's, else `default`; `explicit` tells whether the
    flag was given, for then a manifest of another namespace is an error.
    """

    session: Session
    target: Target
    namespace: str
    explicit: bool
    warnings: Warnings
    strict: bool = False

    def manifests(
        self, contents: list[tuple[str, bytes]], *, selector: str = ""
    ) -> tuple[OpenManifest, ...]:
        """The manifests that `-f` brought, those that `-l` selects."""
        from kubectl_gitops.operations.inputs import read_manifests

        return read_manifests(
            self.session,
            contents,
            namespace=self.namespace,
            explicit=self.explicit,
            selector=selector,
        )

    def ended(self, code: int) -> int:
        """The exit code, 1 for a warning of the server where `--warnings-as-errors` says so."""
        if code or not self.strict or not self.warnings.count:
            return code
        plural = "" if self.warnings.count == 1 else "s"
        talk.error(f"{self.warnings.count} warning{plural} received")
        return Exit.FAILED


def connect_cluster(options: Options, warnings: Warnings | None = None) -> ApiServer:
    """The API server that kubectl would talk to."""
    from kubectl_gitops.cluster import connect

    trace = talk.say if options.verbosity >= _TRACED else None
    return connect(options.connection, warn=warnings or Warnings(), trace=trace)


def open_target_store(options: Options, context: str) -> tuple[Target, Store]:
    """The target of this command and its store."""
    from kubectl_gitops.settings import data_dir, load_target
    from kubectl_gitops.store import open_store

    given = {"repo": options.repo, "branch": options.branch, "path": options.path}
    target = load_target(options.target or None, context, given, os.environ)
    store = open_store(
        target.repo, target.branch, data_dir=data_dir(), warn=talk.warning, told=indexing()
    )
    return target, store


def open_session(options: Options) -> Connected:
    """Everything for a command that talks to the cluster and to the store."""
    warnings = Warnings()
    cluster = connect_cluster(options, warnings)
    target, store = open_target_store(options, cluster.context)
    session = session_of(options, cluster, target, store)
    explicit = bool(options.connection.namespace)
    namespace = cluster.namespace or "default"
    return Connected(
        session, target, namespace, explicit, warnings, strict=options.warnings_as_errors
    )


def session_of(options: Options, cluster: ApiServer, target: Target, store: Store) -> Session:
    """A session of parts that are open already."""
    from kubectl_gitops.operations.session import Session

    return Session(
        cluster=cluster,
        store=store,
        path=target.path,
        keys=keyring_for(target, options),
        author=author,
        tell=talk.note,
        verdicts=_verdicts(cluster.url, store, target.path),
    )


def _verdicts(server: str, store: Store, path: str) -> Verdicts:
    """What dry-runs said of this set in this cluster."""
    from kubectl_gitops.settings import Verdicts, cache_dir

    named = "\n".join((server, store.url, store.branch, path))
    name = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Verdicts.read(cache_dir() / "verdicts" / name)


def open_past_of(options: Options) -> Past:
    """The history, without a cluster."""
    from kubectl_gitops.cluster import current_context
    from kubectl_gitops.operations.past import open_past

    target, store = open_target_store(options, current_context(options.connection))
    return open_past(store, target.path)


def open_vault(options: Options) -> Vault:
    """The store and the keys to it, without a cluster."""
    from kubectl_gitops.cluster import current_context
    from kubectl_gitops.operations.vault import Vault

    target, store = open_target_store(options, current_context(options.connection))
    return Vault(store, target.path, keyring_for(target, options), author, talk.note)


def keyring_for(target: Target, options: Options) -> Callable[[StoreSettings], Keyring | None]:
    """The keys of this person for a store's settings; read when first asked for, and once."""
    held: dict[bytes | None, Keyring | None] = {}

    def keys(settings: StoreSettings) -> Keyring | None:
        if settings.salt not in held:
            held[settings.salt] = _keyring(target, options, settings)
        return held[settings.salt]

    return keys


def _keyring(target: Target, options: Options, settings: StoreSettings) -> Keyring | None:
    from kubectl_gitops.envelope import Keyring
    from kubectl_gitops.settings import load_keys

    texts = load_keys(
        target,
        os.environ,
        key_file=options.key_file,
        read_secret=lambda namespace, name: _key_secret(options, namespace, name),
    )
    return Keyring.of(texts, settings.salt) if texts else None


def _key_secret(options: Options, namespace: str, name: str) -> str:
    """The text of the one value of a Secret of the cluster."""
    from kubectl_gitops.builtin import builtin
    from kubectl_gitops.ports import Refusal
    from kubectl_gitops.sealing import only_value

    api = builtin().named("secrets")
    assert api is not None
    found = connect_cluster(options).get(api, namespace, name)
    where = f"secret/{namespace}/{name}"
    if found is None or isinstance(found, Refusal):
        why = found.message if found else "it is not there"
        raise GitopsError(f"{where} with the key cannot be read: {why}", "kubectl get secrets")
    return only_value(found, where)


def author(user: str) -> tuple[str, str]:
    """Who commits: the person's Git identity, else the user that the cluster knows."""
    from kubectl_gitops.store.identity import git_identity

    identity = git_identity()
    if identity is not None:
        return identity
    if not user:
        raise GitopsError(
            "nobody knows who you are: neither Git nor the cluster has a name for you",
            "git config --global user.name NAME",
            "git config --global user.email ADDRESS",
        )
    return user, user if "@" in user else ""
