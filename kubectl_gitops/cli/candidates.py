"""What a TAB offers that only this machine's files can tell; no server is asked.

Each function is one of click's `shell_complete` callbacks. Whatever cannot be read offers nothing:
the command itself will say why.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from kubectl_gitops.cluster.options import ConnectionOptions

if TYPE_CHECKING:
    from kubectl_gitops.resource import ResourceId
    from kubectl_gitops.settings import Target

__all__ = [
    "commits",
    "contexts",
    "directories",
    "files",
    "kinds",
    "namespaces",
    "resources",
    "revisions",
    "targets",
]

Items = list[CompletionItem]
Completer = Callable[[click.Context, click.Parameter, str], Items]

_MOST = 50
"""Revisions and commits that are offered: the newest."""


def files(_context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """A file: the shell knows."""
    return [CompletionItem(incomplete, type="file")]


def directories(_context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """A directory."""
    return [CompletionItem(incomplete, type="dir")]


def targets(_context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The configured targets, each with its repository."""
    from kubectl_gitops.settings import read_targets

    return _items(((one.name, one.url) for one in read_targets()), incomplete)


def contexts(context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The contexts of the kubeconfig."""
    from kubectl_gitops.cluster.context import context_names

    return _items(((name, "") for name in context_names(_connection(context))), incomplete)


def namespaces(context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The namespaces that the set's resources live in."""
    known = _known(context)
    return _items(((name, "") for name in {id.namespace for id in known} - {""}), incomplete)


def kinds(context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The kinds of the set."""
    return _items(_kinds(_known(context)), incomplete)


def resources(context: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """`TYPE`, the names behind one, or `TYPE/NAME`."""
    namespace = context.params.get("namespace") or ""
    known = [id for id in _known(context) if namespace in ("", id.namespace)]
    before = [word for word in context.params.get(param.name or "") or () if word]
    kind, slash, _ = incomplete.partition("/")
    if slash:
        named = ((f"{kind}/{name}", about) for name, about in _names(known, kind))
        return _items(named, incomplete)
    if before and "/" not in before[0]:
        given = set(before[1:])
        return _items((one for one in _names(known, before[0]) if one[0] not in given), incomplete)
    return [] if before else _items(_kinds(known), incomplete)


def revisions(context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The revisions of the resource that is named, newest first."""
    from itertools import islice

    from kubectl_gitops.arguments import parse_arguments

    past = _past(context)
    # Where the value of the last flag is still missing, click leaves the other words unread.
    words = tuple(context.params.get("names") or context.args)
    pairs = parse_arguments(words).pairs if words else ()
    if past is None or len(pairs) != 1:
        return []
    id = past.find(*pairs[0], context.params.get("namespace") or "")
    told = past.told(list(islice(past.of(id), _MOST)))
    start, dots, _ = incomplete.rpartition("..")
    rows = [(f"{start}{dots}{one.revision.revision}", one.summary) for one in told]
    return _items(rows, incomplete, in_order=True)


def commits(context: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """The operations of the set, newest first."""
    from itertools import islice

    past = _past(context)
    if past is None:
        return []
    found = islice(past.store.operations(past.tip.commit, past.path), _MOST)
    rows = [(commit[:7], past.store.message(commit).subject) for commit in found]
    return _items(rows, incomplete, in_order=True)


def _items(rows: Iterable[tuple[str, str]], incomplete: str, *, in_order: bool = False) -> Items:
    kept = [row for row in rows if row[0].startswith(incomplete)]
    return [
        CompletionItem(value, help=about) for value, about in (kept if in_order else sorted(kept))
    ]


def _connection(context: click.Context) -> ConnectionOptions:
    given = context.params
    return ConnectionOptions(
        kubeconfig=given.get("kubeconfig") or "", context=given.get("context") or ""
    )


def _target(context: click.Context) -> Target:
    from kubectl_gitops.cluster.context import current_context
    from kubectl_gitops.settings import load_target

    given: dict[str, Any] = {
        name: context.params.get(name) or "" for name in ("repo", "branch", "path")
    }
    name = context.params.get("target") or None
    return load_target(name, current_context(_connection(context)), given, os.environ)


def _known(context: click.Context) -> tuple[ResourceId, ...]:
    from kubectl_gitops.settings import data_dir
    from kubectl_gitops.store import known_resources

    target = _target(context)
    return known_resources(target.repo, target.branch, target.path, data_dir=data_dir())


def _past(context: click.Context) -> Any:
    """The history as this machine knows it, None where it knows nothing."""
    from kubectl_gitops.operations.past import Past, read_settings
    from kubectl_gitops.settings import data_dir
    from kubectl_gitops.store import open_known

    target = _target(context)
    store = open_known(target.repo, target.branch, data_dir=data_dir())
    if store is None:
        return None
    tip = store.fetch()
    return Past(store, tip, target.path, read_settings(store, tip, target.path))


def _kinds(known: Iterable[ResourceId]) -> list[tuple[str, str]]:
    """Each kind by its lower-case name, with its group where two of one name are there."""
    groups: dict[str, set[str]] = {}
    for id in known:
        groups.setdefault(id.kind.lower(), set()).add(id.group)
    return [
        (f"{kind}.{group}" if group and len(several) > 1 else kind, group)
        for kind, several in groups.items()
        for group in several
    ]


def _names(known: Iterable[ResourceId], word: str) -> list[tuple[str, str]]:
    """The names of one kind, each once, with the namespaces it is in."""
    from kubectl_gitops.builtin import is_kind

    found: dict[str, set[str]] = {}
    for id in known:
        if is_kind(id, word):
            found.setdefault(id.name, set()).add(id.namespace)
    return [(name, ", ".join(sorted(where))) for name, where in found.items()]
