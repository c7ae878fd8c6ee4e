"""The set's parent: the ConfigMap that says which kinds it holds and which commit it stands at.

Its group kinds are a superset of what is in the cluster at every moment: they are widened before a
member is written and narrowed only after a complete `pull`. A write that changes nothing is not
made, and every other one carries the resourceVersion it was decided on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kubectl_gitops import __version__
from kubectl_gitops.annotations import suspension
from kubectl_gitops.applyset import ParentState, parent_body, parent_name, parent_state
from kubectl_gitops.catalog import Api
from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Parent", "note", "read_parent", "widen"]

_CONFIG_MAPS = Api("", "v1", "ConfigMap", "configmaps", namespaced=True)
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent of one set as it was read; `live` is None where it does not exist yet."""

    set_name: str
    home: str
    state: ParentState
    live: Body | None

    @property
    def id(self) -> ResourceId:
        """The ConfigMap that is the parent."""
        return ResourceId("", "ConfigMap", self.home, parent_name(self.set_name))

    @property
    def suspended(self) -> str | None:
        """By whom and since when the whole set is suspended; None where it is not."""
        return suspension(self.live) if self.live else None


def read_parent(cluster: Cluster, set_name: str, home: str, origin: str = "") -> Parent:
    """Read it; `GitopsError` where it may not be read, or is another tool's or another branch's.

    `origin` is the branch's own; empty asks for the parent of whichever branch.
    """
    live = cluster.get(_CONFIG_MAPS, home, parent_name(set_name))
    if isinstance(live, Refusal):
        name = f"configmap/{home}/{parent_name(set_name)}"
        raise GitopsError(
            f"{name}, the parent of the set, cannot be read: {live.message}",
            f"kubectl auth can-i get configmaps -n {home}",
        )
    state = parent_state(live, set_name, home) if live else ParentState()
    if origin and state.origin not in ("", origin):
        # Both would prune what the other declares.
        raise GitopsError(
            f"the cluster has a set named {set_name} in {home} that another branch keeps",
            f"kubectl get configmap -n {home} {parent_name(set_name)} -o yaml",
            "kubectl gitops init --repo URL --set OTHER   # a set of another name",
        )
    return Parent(set_name, home, replace(state, origin=origin or state.origin), live)


def widen(
    cluster: Cluster, parent: Parent, group_kinds: Iterable[str], namespaces: Iterable[str]
) -> Parent:
    """Make sure that it names these kinds and namespaces before a member of theirs is written."""
    kinds, spaces = frozenset(group_kinds), frozenset(namespaces) - {parent.home}

    def wider(state: ParentState) -> ParentState:
        return replace(
            state,
            group_kinds=state.group_kinds | kinds,
            namespaces=state.namespaces | spaces,
        )

    return _settled(cluster, parent, wider)


def note(
    cluster: Cluster,
    parent: Parent,
    commit: str,
    *,
    after: str | None = None,
    group_kinds: Iterable[str] | None = None,
    namespaces: Iterable[str] = (),
) -> Parent:
    """Note the commit the cluster stands at.

    `after`: only if that commit is the noted one now (an `apply` on top of it). `group_kinds` and
    `namespaces`, from a complete `pull`, become exactly what the parent names.
    """
    if group_kinds is None:
        return _settled(cluster, parent, lambda state: _at(state, commit, after))
    known, kinds = parent.state, frozenset(group_kinds)
    spaces = frozenset(namespaces) - {parent.home}

    def noted(state: ParentState) -> ParentState:
        # What somebody has widened it by since we looked is kept: members may be on their way.
        return replace(
            state,
            commit=commit,
            group_kinds=kinds | (state.group_kinds - known.group_kinds),
            namespaces=spaces | (state.namespaces - known.namespaces),
        )

    return _settled(cluster, parent, noted)


def _at(state: ParentState, commit: str, after: str | None) -> ParentState:
    if after is not None and state.commit != after:
        return state
    return replace(state, commit=commit)


def _settled(
    cluster: Cluster,
    parent: Parent,
    change: Callable[[ParentState], ParentState],
) -> Parent:
    for _ in range(_TRIES):
        state = change(parent.state)
        if parent.live is not None and state == parent.state:
            return parent
        answer = cluster.apply(_CONFIG_MAPS, _body(parent, state), force=True)
        if not isinstance(answer, Refusal):
            return replace(parent, state=state, live=answer)
        if answer.code != 409:
            raise _unwritten(parent, answer)
        parent = read_parent(cluster, parent.set_name, parent.home, parent.state.origin)
    raise GitopsError(
        f"{parent.id}, the parent of the set, is rewritten faster than it can be updated",
        f"kubectl get configmap -n {parent.home} {parent.id.name} --show-managed-fields -o yaml",
        exit=Exit.AHEAD,
    )


def _body(parent: Parent, state: ParentState) -> Body:
    body = parent_body(parent.set_name, parent.home, state, __version__)
    if parent.live is not None:
        live = parent.live["metadata"]
        body["metadata"] |= {key: live[key] for key in ("uid", "resourceVersion")}
    return body


def _unwritten(parent: Parent, refusal: Refusal) -> GitopsError:
    return GitopsError(
        f"{parent.id}, the parent of the set, cannot be written: {refusal.message}",
        f"kubectl auth can-i patch configmaps -n {parent.home}",
        exit=Exit.AHEAD,
    )
