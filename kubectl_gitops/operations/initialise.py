"""`init`: bind a cluster to a branch. Writes `.gitops.toml` there, nothing into the cluster."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kubectl_gitops.envelope import SALT_SIZE, Keyring
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.message import Message, Signature, subject
from kubectl_gitops.ports import ClusterIdentity, Moved, Store, StoreRefusal, Tip
from kubectl_gitops.reconcile import Clock
from kubectl_gitops.settings import (
    StoreSettings,
    parse_store_settings,
    render_store_settings,
    settings_path,
    settings_text,
    update_store_settings,
)

__all__ = ["Binding", "bind", "listed_key", "set_name", "settings_of"]

_VERB = "init"
_TRIES = 10
_MOST_ALIKE = 100


@dataclass(frozen=True, slots=True)
class Binding:
    """What `init` is asked for.

    `adopt` adds this cluster to a store that is bound, `replace` drops the others. `fresh` are
    the settings for a branch that has none yet; `taken` tells whether a set of a name is in the
    cluster already: two branches that share one would prune each other's resources.
    """

    path: str
    fresh: StoreSettings
    taken: Callable[[str], bool]
    adopt: bool = False
    replace: bool = False


def bind(
    store: Store,
    binding: Binding,
    who: ClusterIdentity,
    author: tuple[str, str],
    keys: Callable[[StoreSettings], Keyring | None],
    clock: Clock | None = None,
) -> StoreSettings:
    """Make the branch's settings name this cluster; who loses the race adopts the winner's.

    A key that is held becomes the listed one where the branch lists none yet.

    `GitopsError` where the store is bound to another cluster and may not be adopted.
    """
    name = settings_path(binding.path)
    for _ in range(_TRIES):
        tip = store.fetch()
        text = _text(store, tip, binding.path, name)
        new = listed_key(_bound(text, binding, who, store.url), keys)
        if new == text:
            return parse_store_settings(new)
        now = (clock or Clock()).now()
        message = Message(
            Signature(*author, int(now.timestamp())),
            subject(_VERB, [], ""),
            operation=_VERB,
            cluster=who.uid,
            user=who.user,
        )
        commit = store.commit(tip.commit, {name: new.encode()}, message)
        answer = store.publish(tip, commit)
        if isinstance(answer, StoreRefusal):
            raise GitopsError(
                f"{store.url} refuses the push to {store.branch}: {answer.message}",
                f"git ls-remote {store.url}",
            )
        if not isinstance(answer, Moved):
            return parse_store_settings(new)
    raise GitopsError(f"the branch {store.branch} moves faster than it can be bound")


def settings_of(store: Store, path: str) -> StoreSettings | None:
    """The settings of the set that the branch holds at this path, None where it holds none."""
    text = _text(store, store.fetch(), path, settings_path(path))
    return parse_store_settings(text) if text else None


def _text(store: Store, tip: Tip, path: str, name: str) -> str:
    file = store.files(tip.commit, path).get(name)
    return settings_text(store.read([file.blob])[file.blob]) if file else ""


def _bound(text: str, binding: Binding, who: ClusterIdentity, url: str) -> str:
    cluster = {who.uid: who.context or who.server}
    if not text:
        name = _free_name(binding)
        salt = secrets.token_bytes(SALT_SIZE)
        return render_store_settings(
            replace(binding.fresh, set_name=name, clusters=cluster, salt=salt)
        )
    clusters = parse_store_settings(text).clusters
    if who.uid in clusters and not binding.replace:
        return text
    if clusters and not binding.adopt:
        raise _bound_elsewhere(clusters, url)
    kept: Mapping[str, str] = {} if binding.replace else clusters
    return update_store_settings(text, clusters={**kept, **cluster})


def _free_name(binding: Binding) -> str:
    """The set's name, numbered where the cluster has a set of that name."""
    first = binding.fresh.set_name
    names = (first, *(f"{first}-{number}" for number in range(2, _MOST_ALIKE)))
    free = next((name for name in names if not binding.taken(name)), None)
    if free is None:
        raise GitopsError(
            f"the cluster has too many sets named {first}", "kubectl gitops init --set NAME …"
        )
    return free


def listed_key(text: str, keys: Callable[[StoreSettings], Keyring | None]) -> str:
    """The settings with the id of the key that seals, where none is listed yet."""
    settings = parse_store_settings(text)
    keyring = keys(settings)
    if keyring is None or settings.key_ids:
        return text
    return update_store_settings(text, key_ids=(keyring.primary().kid,))


def _bound_elsewhere(clusters: Mapping[str, str], url: str) -> GitopsError:
    names = ", ".join(f"{name} (uid {uid})" for uid, name in sorted(clusters.items()))
    return GitopsError(
        f"{url} is bound to another cluster: {names}",
        f"kubectl gitops init --repo {url} --adopt-store             # this cluster, too",
        f"kubectl gitops init --repo {url} --adopt-store --replace   # the other one is gone",
    )


def set_name(url: str, path: str) -> str:
    """A name for a new set, from where it is kept: `shop` for `…/shop.git`, a label in any case."""
    last = re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git")
    words = re.sub(r"[^a-z0-9]+", "-", f"{last}-{path}".lower()).strip("-")
    return words[:40].strip("-") or "default"
