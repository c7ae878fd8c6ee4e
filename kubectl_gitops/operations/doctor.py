"""`doctor`: what works of cluster, store, keys and rights. Changes nothing, asks for no change.

Each part is looked at alone, so that one which is broken hides no other; an error that a command
would end with is what is said of it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kubectl_gitops.catalog import Api
from kubectl_gitops.envelope import Keyring
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.operations.session import Branch, check_bound, check_listed, read_branch
from kubectl_gitops.ports import Cluster, ClusterIdentity, Refusal, Store
from kubectl_gitops.reconcile import catalog_of, workers
from kubectl_gitops.sealing import open_manifest, sealed_values
from kubectl_gitops.settings import StoreSettings

__all__ = ["Part", "Condition", "Need", "examine", "needs"]

_VERBS = ("get", "list", "create", "patch", "delete")
_SHOWN = 3
"""Problems of one part that are told; the rest is counted."""


class Condition(StrEnum):
    """What was found. `NOTE`: not set up or not looked at, and no fault."""

    OK = "Ok"
    FAILED = "Failed"
    NOTE = "Note"


@dataclass(frozen=True, slots=True)
class Part:
    """One line of `doctor`: what was looked at, what was found, and what to run."""

    name: str
    condition: Condition
    message: str
    hints: tuple[str, ...] = ()

    @classmethod
    def failed(cls, name: str, error: GitopsError) -> Part:
        """What is wrong, in the words of the error."""
        return cls(name, Condition.FAILED, error.message, error.hints)


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A right that the set needs; `namespace` is empty for a cluster-scoped kind."""

    group: str
    plural: str
    namespace: str
    verb: str

    def __str__(self) -> str:
        """`delete deployments.apps in shop`."""
        return f"{self.verb} {self._kind}" + (f" in {self.namespace}" if self.namespace else "")

    @property
    def question(self) -> str:
        """How kubectl asks whether it is granted."""
        where = f" -n {self.namespace}" if self.namespace else ""
        return f"kubectl auth can-i {self.verb} {self._kind}{where}"

    @property
    def _kind(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def examine(
    cluster: Cluster | GitopsError,
    store: Store | GitopsError,
    path: str,
    keys: Callable[[StoreSettings], Keyring | None],
) -> Iterator[Part]:
    """Every part of cluster and store; an error in the place of one is why it is not open."""
    branch = _branch(store, path)
    identity = _identity(cluster, branch)
    yield _cluster(cluster, identity)
    yield _store(branch)
    yield _push(store, branch)
    yield _binding(identity, branch, "" if isinstance(store, GitopsError) else store.url)
    yield _key(branch, keys)
    yield _rights(cluster, identity, branch)


def _branch(store: Store | GitopsError, path: str) -> Branch | GitopsError:
    if isinstance(store, GitopsError):
        return store
    try:
        return read_branch(store, store.fetch(), path)
    except GitopsError as error:
        return error


Identity = ClusterIdentity | Refusal | None
"""Which cluster it is, why it does not say, or nothing where no cluster could be asked."""

_DENIED = (401, 403)


def _identity(cluster: Cluster | GitopsError, branch: Branch | GitopsError) -> Identity:
    if isinstance(cluster, GitopsError):
        return None
    home = "default" if isinstance(branch, GitopsError) else branch.settings.home_namespace
    return cluster.identity(home)


def _cluster(cluster: Cluster | GitopsError, identity: Identity) -> Part:
    if isinstance(cluster, GitopsError):
        return Part.failed("cluster", cluster)
    if not isinstance(identity, ClusterIdentity):
        message = identity.message if identity else ""
        denied = identity is not None and identity.code in _DENIED
        hint = "kubectl auth whoami" if denied else "kubectl cluster-info"
        return Part("cluster", Condition.FAILED, message, (hint,))
    version = cluster.server_version()
    said = "" if isinstance(version, Refusal) else f" {version}"
    user = f", as {identity.user}" if identity.user else ""
    where = f"{identity.context or identity.server}{said}, uid {identity.uid}{user}"
    return Part("cluster", Condition.OK, where)


def _store(branch: Branch | GitopsError) -> Part:
    if isinstance(branch, GitopsError):
        return Part.failed("store", branch)
    count = len(branch.snapshot.entries)
    held = f"{count} resource{'' if count == 1 else 's'} at {branch.tip.commit[:7]}"
    problems = [error.message for error in branch.snapshot.unreadable.values()]
    problems += [f"{id} stands twice in the branch" for id in branch.snapshot.duplicates]
    if problems:
        return Part("store", Condition.FAILED, _some(problems), ("kubectl gitops verify",))
    return Part("store", Condition.OK, f"set {branch.settings.set_name}, {held}")


def _push(store: Store | GitopsError, branch: Branch | GitopsError) -> Part:
    if isinstance(store, GitopsError) or isinstance(branch, GitopsError):
        return _unseen("push", "the store is not reached")
    refusal = store.writable()
    where = f"{store.branch} of {store.url}"
    if refusal is None:
        return Part("push", Condition.OK, f"{where} can be written to")
    hint = f"git ls-remote {store.url}"
    return Part("push", Condition.FAILED, f"{where}: {refusal.message}", (hint,))


def _binding(identity: Identity, branch: Branch | GitopsError, url: str) -> Part:
    if isinstance(branch, GitopsError):
        return _unseen("binding", "the store is not reached")
    if not isinstance(identity, ClusterIdentity):
        return _unseen("binding", "which cluster this is cannot be told")
    try:
        check_bound(identity, branch.settings, url)
    except GitopsError as error:
        return Part.failed("binding", error)
    return Part("binding", Condition.OK, "the branch may be applied to this cluster")


def _key(branch: Branch | GitopsError, keys: Callable[[StoreSettings], Keyring | None]) -> Part:
    if isinstance(branch, GitopsError):
        return _unseen("key", "the store is not reached")
    sealed = [e.manifest for e in branch.snapshot.entries.values() if sealed_values(e.manifest)]
    try:
        keyring = keys(branch.settings)
        if keyring is not None:
            check_listed(keyring, branch.settings)
    except GitopsError as error:
        return Part.failed("key", error)
    return _without_key(sealed) if keyring is None else _opened(keyring, sealed)


def _without_key(sealed: Iterable[Manifest]) -> Part:
    count = sum(len(sealed_values(manifest)) for manifest in sealed)
    if not count:
        hint = "kubectl gitops secret keygen --out FILE"
        return Part("key", Condition.NOTE, "none is known; nothing is sealed yet", (hint,))
    message = f"none is known, so {_values(count)} of the branch cannot be opened"
    return Part("key", Condition.FAILED, message, ("export KUBECTL_GITOPS_KEY_FILE=FILE",))


def _opened(keyring: Keyring, sealed: Iterable[Manifest]) -> Part:
    count, problems = 0, []
    for manifest in sealed:
        try:
            open_manifest(manifest, keyring)
            count += len(sealed_values(manifest))
        except GitopsError as error:
            problems += error.message.splitlines()
    if problems:
        return Part("key", Condition.FAILED, _some(problems), ("kubectl gitops secret status",))
    opens = f"opens all {_values(count)}" if count else "nothing is sealed yet"
    return Part("key", Condition.OK, f"{keyring.primary().kid} {opens}")


def _values(count: int) -> str:
    return f"{count} sealed value{'' if count == 1 else 's'}"


def _rights(
    cluster: Cluster | GitopsError, identity: Identity, branch: Branch | GitopsError
) -> Part:
    silent = isinstance(identity, Refusal) and identity.code != 403
    if isinstance(cluster, GitopsError) or silent:
        return _unseen("rights", "the cluster is not reached")
    if isinstance(branch, GitopsError):
        return _unseen("rights", "the store is not reached")
    try:
        wanted = needs(cluster, branch)
        missing = _denied(cluster, wanted)
    except GitopsError as error:
        return Part.failed("rights", error)
    if missing:
        message = f"not allowed: {_some([str(need) for need in missing])}"
        return Part("rights", Condition.FAILED, message, (missing[0].question,))
    return Part("rights", Condition.OK, f"all {len(wanted)} that the set needs")


def needs(cluster: Cluster, branch: Branch) -> dict[Need, Api]:
    """What `apply`, `delete` and `pull` of the set ask the API server for, with the kind of each.

    The set's own parent is a ConfigMap of its home Namespace, which is never deleted. A kind that
    the cluster does not serve yet needs nothing so far.
    """
    catalog = catalog_of(cluster)
    home = branch.settings.home_namespace
    wanted: dict[Need, Api] = {}
    places = {(id.group, id.kind, id.namespace) for id in branch.snapshot.entries}
    for group, kind, namespace in {*places, ("", "ConfigMap", home)}:
        api = catalog.find(group, kind)
        if api is None:
            continue
        verbs = _VERBS if (group, kind, namespace) in places else ("get", "create", "patch")
        for verb in verbs:
            wanted[Need(group, api.plural, namespace if api.namespaced else "", verb)] = api
    return dict(sorted(wanted.items()))


def _denied(cluster: Cluster, wanted: dict[Need, Api]) -> list[Need]:
    """What is not granted; `GitopsError` where the API server does not say."""
    with workers() as pool:
        ask = pool.map(lambda need: cluster.may(need.verb, wanted[need], need.namespace), wanted)
        answers = dict(zip(wanted, ask, strict=True))
    for answer in answers.values():
        if isinstance(answer, Refusal):
            raise GitopsError(answer.message, "kubectl auth can-i --list")
    return [need for need, answer in answers.items() if not answer]


def _unseen(name: str, why: str) -> Part:
    return Part(name, Condition.NOTE, f"not looked at: {why}")


def _some(problems: list[str]) -> str:
    rest = len(problems) - _SHOWN
    return "; ".join(problems[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
