"""`init`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import author, connect_cluster, keyring_for, session_of
from kubectl_gitops.errors import GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.cluster.server import ApiServer
    from kubectl_gitops.ports import ClusterIdentity, Store
    from kubectl_gitops.settings import StoreSettings, Target

__all__ = ["init_command"]


@click.command("init", cls=DropIn, short_help="Bind a cluster to a branch of a repository")
@click.option("--name", default="", help="the target's name in your configuration")
@click.option("--set", "set_name", default="", help="the set's name in the cluster")
@click.option("--home-namespace", default="", help="where the set's parent lives: default")
@click.option("--scope-namespace", "namespaces", multiple=True, help="only these namespaces")
@click.option("-l", "--selector", default="", help="only resources with these labels")
@click.option("--adopt-store", is_flag=True, help="add this cluster to a store that is bound")
@click.option("--replace", is_flag=True, help="with --adopt-store: the other cluster is gone")
@shared_options
def init_command(options: Options, **flags: Any) -> int:
    """Bind the current context's cluster to a branch of a Git repository.

    A local path is made a bare repository where there is none: no server is needed. Writes
    .gitops.toml into the branch, the target into your configuration, and nothing into the
    cluster. More in docs/start.md.

    \b
    Examples:
      kubectl gitops init --repo ~/cluster.git --key-file ~/.cluster.key
      kubectl gitops init --repo https://git.example.com/shop.git --branch prod --name prod
    """
    if not options.repo:
        raise click.UsageError("--repo is required: a path, or the URL of a repository")
    if flags["replace"] and not flags["adopt_store"]:
        raise click.UsageError("--replace goes with --adopt-store")
    cluster = connect_cluster(options)
    target = _target(options, cluster.context, flags["name"])
    fresh = _fresh(target, flags)
    store = _existing(target)
    known = _known(store, target, flags) if store else None
    who = _identity(cluster, (known or fresh).home_namespace)
    target = replace(target, cluster=who.uid)
    store = store or _made(target)
    if not known:
        _check_free(cluster, flags["set_name"], fresh.home_namespace)
    settings = _bound(cluster, store, target, options, flags, who, fresh)
    _remember(target)
    return _tell(options, cluster, store, target, settings)


def _identity(cluster: ApiServer, home: str) -> ClusterIdentity:
    from kubectl_gitops.ports import Refusal

    who = cluster.identity(home)
    if isinstance(who, Refusal):
        raise GitopsError(who.message, "kubectl cluster-info")
    return who


def _target(options: Options, context: str, name: str) -> Target:
    import os

    from kubectl_gitops.settings import check_target, load_keys, load_target

    repo = options.repo
    if "://" not in repo and ":" not in repo:
        repo = str(Path(repo).expanduser().absolute())
    given = {"repo": repo, "branch": options.branch, "path": options.path}
    target = load_target(None, context, given, os.environ)
    key_file = options.key_file or os.environ.get("KUBECTL_GITOPS_KEY_FILE", "")
    name = name or context or "default"
    target = check_target(replace(target, name=name, context=context, key_file=key_file))
    load_keys(target, os.environ, key_file=options.key_file)  # a bad one is refused before the rest
    return target


def _fresh(target: Target, flags: dict[str, Any]) -> StoreSettings:
    """The settings of a new branch, checked before anything is made for it."""
    from kubectl_gitops.operations.initialise import set_name
    from kubectl_gitops.settings import (
        StoreSettings,
        parse_store_settings,
        render_store_settings,
    )

    fresh = StoreSettings(
        set_name=flags["set_name"] or set_name(target.url, target.path),
        home_namespace=flags["home_namespace"] or "default",
        namespaces=tuple(flags["namespaces"]),
        selector=flags["selector"],
    )
    return parse_store_settings(render_store_settings(fresh))


def _existing(target: Target) -> Store | None:
    """The store, None for a path of this machine where none is yet."""
    from kubectl_gitops.settings import data_dir
    from kubectl_gitops.store import open_store

    if target.repo.startswith("/") and not Path(target.repo).exists():
        return None
    return open_store(target.repo, target.branch, data_dir=data_dir(), warn=talk.warning)


def _made(target: Target) -> Store:
    from kubectl_gitops.settings import data_dir
    from kubectl_gitops.store import open_store
    from kubectl_gitops.store.local import create_bare

    create_bare(Path(target.repo), target.branch)
    talk.note(f"made a bare repository in {target.url}")
    return open_store(target.repo, target.branch, data_dir=data_dir(), warn=talk.warning)


def _known(store: Store, target: Target, flags: dict[str, Any]) -> StoreSettings | None:
    """The settings of a branch that has some; the flags for a new one must not contradict them."""
    from kubectl_gitops.operations.initialise import settings_of

    known = settings_of(store, target.path)
    if known is None:
        return None
    said = {
        "--set": (flags["set_name"], known.set_name),
        "--home-namespace": (flags["home_namespace"], known.home_namespace),
        "--scope-namespace": (tuple(flags["namespaces"]), known.namespaces),
        "--selector": (flags["selector"], known.selector),
    }
    for flag, (asked, settled) in said.items():
        if asked and asked != settled:
            raise GitopsError(
                f"{flag} is for a new branch; what this one says is changed in its .gitops.toml",
                f"git clone {target.url}",
            )
    return known


def _check_free(cluster: ApiServer, name: str, home: str) -> None:
    """Refuse a name that was asked for where another branch keeps a set of that name."""
    from kubectl_gitops.reconcile import read_parent

    if name and read_parent(cluster, name, home).live is not None:
        raise GitopsError(
            f"the cluster has a set named {name} already, kept by another branch",
            "kubectl get configmaps -A -l applyset.kubernetes.io/id",
        )


def _bound(
    cluster: ApiServer,
    store: Store,
    target: Target,
    options: Options,
    flags: dict[str, Any],
    who: ClusterIdentity,
    fresh: StoreSettings,
) -> StoreSettings:
    from kubectl_gitops.operations.initialise import Binding, bind
    from kubectl_gitops.reconcile import read_parent

    def taken(name: str) -> bool:
        return read_parent(cluster, name, fresh.home_namespace).live is not None

    binding = Binding(
        target.path, fresh, taken, adopt=flags["adopt_store"], replace=flags["replace"]
    )
    keys = keyring_for(target, options)
    return bind(store, binding, who, author(who.user), keys)


def _remember(target: Target) -> None:
    from kubectl_gitops.settings import config_file, holds_credentials, write_target

    if holds_credentials(target.repo):
        talk.warning(f"the repository's password is stored in {config_file()}")
    write_target(target)


def _tell(
    options: Options,
    cluster: ApiServer,
    store: Store,
    target: Target,
    settings: StoreSettings,
) -> int:
    from kubectl_gitops.operations.importing import Selection, importable

    where = f"{store.branch} of {store.url}" + (f", {target.path}/" if target.path else "")
    talk.note(f"context {target.context} is recorded in {where} as set {settings.set_name}")
    session = session_of(options, cluster, target, store)
    branch = session.read(session.store.fetch())
    recorded = len(branch.snapshot.entries)
    if recorded:
        noun = "resource" if recorded == 1 else "resources"
        talk.note(f"the branch holds {recorded} {noun}")
        talk.hint("kubectl gitops pull")
        return 0
    namespace = cluster.namespace or "default"
    found = len(importable(session, branch, Selection(namespace=namespace)))
    talk.note(f"0 of {found} resources recorded in namespace {namespace}")
    talk.hint(f"kubectl gitops import -n {namespace}" if found else "kubectl gitops apply -f FILE")
    if not target.key_file:
        talk.hint("kubectl gitops secret keygen --out FILE   # before the first Secret")
    return 0
