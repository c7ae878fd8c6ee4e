"""What the verbs need of a cluster and of a store: the two Protocols, and the data they exchange.

Nothing else in the program is abstract. `kubectl_gitops.cluster` and `kubectl_gitops.store` are
the only implementations; the Protocols keep the verbs free of `kubernetes` and `dulwich`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import Snapshot
from kubectl_gitops.message import Message
from kubectl_gitops.resource import Body, ResourceId

__all__ = [
    "Cause",
    "Cluster",
    "ClusterIdentity",
    "File",
    "Moved",
    "Refusal",
    "Store",
    "StoreRefusal",
    "Tip",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """One detail of a refusal: the field it is about and what is wrong with it."""

    reason: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server did not do what was asked; safe to print.

    `code` is the HTTP status, 0 where no answer came (connection refused, lost, timed out): after
    a write the outcome is then unknown. `reason` is the Status reason (`Conflict`, `Invalid`,
    `NotFound`, …), or `Unreachable` / `Timeout` for code 0. `message` never holds a Secret's value.
    """

    code: int
    reason: str
    message: str
    causes: tuple[Cause, ...] = ()
    retry_after: float | None = None

    @property
    def unknown(self) -> bool:
        """True where a write may or may not have happened.

        A 5xx that carries a Status of the API server's own admission or storage is a refusal
        (`request is too large`, `failed to create typed patch object`); the implementation tells
        those apart and gives them code 500 with a reason of their own.
        """
        return self.code == 0 or (self.code >= 500 and self.reason in ("", "Unknown"))

    @property
    def heading(self) -> str:
        """How kubectl begins what the API server answered; nothing where no answer came."""
        if self.code == 0:
            return ""
        return f"Error from server ({self.reason}): " if self.reason else "Error from server: "


@dataclass(frozen=True, slots=True)
class ClusterIdentity:
    """`uid` of kube-system (or of the home Namespace where that may not be read), who we are."""

    uid: str
    context: str
    user: str
    server: str


class Cluster(Protocol):
    """One API server. Every call answers with what was asked for, or with a `Refusal`."""

    def identity(self, home: str) -> ClusterIdentity | Refusal:
        """Which cluster this is and who asks."""

    def server_version(self) -> str | Refusal:
        """`v1.36.3`: what a dry-run's verdict depends on beside the bodies; asked once."""

    def catalog(self, *, fresh: bool = False) -> Catalog | Refusal:
        """The kinds it serves; kept for the process, `fresh` asks again (after a CRD came)."""

    def get(self, api: Api, namespace: str, name: str) -> Body | Refusal | None:
        """The live object, None where there is none."""

    def list(
        self, api: Api, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[Body] | Refusal:
        """All objects of a kind in a namespace (empty: in all), read in pages."""

    def watch(
        self, api: Api, namespace: str = "", *, labels: str = "", stopped: Callable[[], bool]
    ) -> Iterator[ResourceId | Refusal | None]:
        """What changes of a kind from now on: None once nothing is missed, then an id each time.

        Ends with a `Refusal` where something may have been missed (410, the server is away), and
        without one some time after `stopped` says so.
        """

    def may(self, verb: str, api: Api, namespace: str = "") -> bool | Refusal:
        """Whether it would let us: `patch` what is in a namespace; empty: in all of them."""

    def apply(
        self,
        api: Api,
        body: Body,
        *,
        dry_run: bool = False,
        force: bool = False,
        validation: str = "Strict",
        quiet: bool = False,
    ) -> Body | Refusal:
        """Server-side apply as field manager `gitops`.

        `metadata.uid` and `metadata.resourceVersion`, where the body carries them, are
        preconditions (409 where they do not hold). `quiet`: the body has opened values, so a
        refusal must not show any; for a Secret that is always so.
        """

    def patch(
        self,
        api: Api,
        namespace: str,
        name: str,
        operations: Sequence[Body],
        *,
        quiet: bool = False,
    ) -> Body | Refusal:
        """An RFC 6902 patch of the live object; `quiet` as in `apply`."""

    def delete(
        self,
        api: Api,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str = "",
        propagation: str = "Background",
        grace_period: int | None = None,
        dry_run: bool = False,
    ) -> Body | Refusal:
        """Delete exactly that object. `dryRun` goes into the body, never beside it."""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the branch and its history stood when we looked. Empty: the ref does not exist yet."""

    commit: str
    history: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of a tree: its Git blob and mode (0o100644, 0o100755, 0o120000 for a link …)."""

    blob: str
    mode: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The push lost the race: the branch is no longer where it was; nothing was written."""

    tip: Tip


@dataclass(frozen=True, slots=True)
class StoreRefusal:
    """The Git server does not take the push (protected branch, hook, rights); nothing happened."""

    message: str


class Store(Protocol):
    """One Git repository, one branch in it. Paths are relative to the repository's root."""

    @property
    def url(self) -> str:
        """Where it is, without credentials: safe to print."""

    @property
    def branch(self) -> str:
        """The name of the branch, without `refs/heads/`."""

    def fetch(self) -> Tip:
        """Look at the server and bring what is new; `GitopsError` where it is not reached."""

    def files(self, commit: str, path: str = "") -> Mapping[str, File]:
        """Every file below `path` in a commit, by full path. Empty for an empty commit id.

        A tree that holds names no honest Git writes (`..`, `.git`, control characters) is refused.
        """

    def file(self, commit: str, path: str) -> File | None:
        """One file of a commit, None where there is none."""

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of blobs."""

    def snapshot(self, commit: str, path: str, default_namespace: str) -> Snapshot:
        """The set at `path` of a commit, other sets below it left out; links are not followed."""

    def parent(self, commit: str) -> str:
        """The first parent, empty for a root commit."""

    def message(self, commit: str) -> Message:
        """Who made a commit, when and why."""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """True where `older` is reachable from `newer` (a commit is its own ancestor)."""

    def commit(self, parent: str, edits: Mapping[str, bytes | None], message: Message) -> str:
        """Write a commit on top of `parent` (None removes a file). No ref moves."""

    def publish(self, base: Tip, commit: str) -> Tip | Moved | StoreRefusal:
        """Extend the history to `commit` and move both refs, if the branch still is at `base`."""

    def writable(self) -> StoreRefusal | None:
        """Why a push would be refused, as far as that can be told without one; None: it is not."""

    def resolve(self, name: str) -> str:
        """The full id of a commit by (abbreviated) id; `GitopsError` if unknown.

        Of the branch, or of what the history still has of it after a rewrite.
        """

    def revisions(self, tip: Tip, resource: ResourceId, path: str = "") -> Iterable[Revision]:
        """The history of one resource of the set at `path`, newest first, read as it is asked."""

    def latest(self, tip: Tip, path: str = "") -> Iterable[Revision]:
        """The newest revision of every resource that ever was in the set at `path`."""

    def extend(self, tip: Tip) -> Tip:
        """Index commits of the branch that the history lacks (locally; `publish` pushes it)."""

    def rebuild(self, tip: Tip) -> Tip | Moved | StoreRefusal:
        """Make the history anew from the branch alone, in the place of the one at `tip`."""

    def recorded(self, tip: Tip, path: str = "") -> Mapping[str, str]:
        """The blobs of the latest records of the set at `path`, by the files they stand in."""

    def record(self, blob: str) -> Revision:
        """The record in a blob of the history; `GitopsError` where none can be read there."""

    def distrusted(self, commit: str, since: str = "") -> Iterable[tuple[str, str]]:
        """The commits of a range that are unsigned or not to be trusted, each with the reason."""

    def damage(self) -> Iterable[str]:
        """What is not as it was written: packs and objects, one line each."""

    def operations(self, commit: str, path: str = "") -> Iterable[str]:
        """The commits that changed a file of the set at `path`, newest first, by first parents."""

    def changes(self, tip: Tip, path: str = "") -> Iterable[Revision]:
        """Every revision of the set at `path`, newest first, read as it is asked."""

    def changed_by(self, tip: Tip, commit: str, path: str = "") -> tuple[Revision, ...]:
        """The revisions of the set at `path` that one commit made."""

    def abandoned(self, tip: Tip, names: Collection[str]) -> frozenset[str]:
        """Those of some commits of the history that a rewrite has taken off the branch."""
