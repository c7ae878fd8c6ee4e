"""What one command works with: a cluster, a store, the branch as it is read, and who is told.

A `Session` is opened once for a command. `Branch` is what stood at one tip; reading again after a
fetch is the only way to see a newer one, so no decision ever mixes two commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kubectl_gitops import applyset, takeover
from kubectl_gitops.envelope import Keyring
from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.manifest import (
    Manifest,
    OpenManifest,
    Snapshot,
)
from kubectl_gitops.message import Message, Signature, subject
from kubectl_gitops.plan import Rights
from kubectl_gitops.ports import Cluster, ClusterIdentity, Refusal, Store, Tip
from kubectl_gitops.reconcile import Clock, Parent, Rules, read_parent, with_namespace
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import (
    SealRule,
    Tripwire,
    hiding,
    open_manifest,
    seal_manifest,
    secret_values,
)
from kubectl_gitops.settings import (
    SETTINGS_FILE,
    StoreSettings,
    Verdicts,
    parse_store_settings,
    settings_path,
    settings_text,
    update_store_settings,
)

__all__ = [
    "Branch",
    "Session",
    "Wanted",
    "check_bound",
    "check_listed",
    "conflict",
    "read_branch",
    "signed",
]


@dataclass(frozen=True, slots=True)
class Branch:
    """The set as the branch holds it at one tip.

    `path` is its directory in the repository, `source` the text of its settings.
    """

    tip: Tip
    path: str
    settings: StoreSettings
    source: str
    snapshot: Snapshot

    def is_unknown(self, id: ResourceId) -> bool:
        """Whether nobody can tell what the branch says: it stands twice, a file is unreadable."""
        if id in self.snapshot.entries:
            return False
        return id in self.snapshot.duplicates or bool(self.snapshot.unreadable)

    def secrets(self, id: ResourceId) -> tuple[SealRule, ...]:
        """What is secret in a resource: by the set's rules, and what is sealed in it anyway."""
        entry = self.snapshot.entries.get(id)
        return (*self.settings.seals, *((hiding(entry.manifest),) if entry else ()))

    def listing_keys(self, kids: tuple[str, ...]) -> dict[str, bytes | None]:
        """The edit after which just these keys may seal; the first one lists itself."""
        listed = update_store_settings(self.source, key_ids=kids)
        return {settings_path(self.path): listed.encode()}

    def manifest(self, id: ResourceId) -> Manifest | None:
        """What the branch declares, None where it declares nothing."""
        entry = self.snapshot.entries.get(id)
        return entry.manifest if entry else None

    def body(self, id: ResourceId) -> Body | None:
        """The sealed body that the branch declares, None where it declares none."""
        entry = self.snapshot.entries.get(id)
        return entry.manifest.body if entry else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource in both forms: as the branch will hold it and as the cluster will be sent it."""

    sealed: Manifest
    open: OpenManifest

    @property
    def id(self) -> ResourceId:
        """The resource."""
        return self.sealed.id


def read_branch(store: Store, tip: Tip, path: str) -> Branch:
    """Read the set at a tip; `GitopsError` where there is no set, or one we may not read."""
    name = settings_path(path)
    file = store.file(tip.commit, name) if tip.commit else None
    if file is None:
        where = f"{store.url} {store.branch}" + (f" {path}/" if path else "")
        raise GitopsError(
            f"{where} holds no {SETTINGS_FILE}: it is not bound to a cluster yet",
            f"kubectl gitops init --repo {store.url} --branch {store.branch}"
            + (f" --path {path}" if path else ""),
        )
    source = settings_text(store.read([file.blob])[file.blob])
    settings = parse_store_settings(source)
    snapshot = store.snapshot(tip.commit, path, settings.default_namespace)
    return Branch(tip, path, settings, source, snapshot)


_KEPT = 2


@dataclass(frozen=True, slots=True)
class Session:
    """The parts of one command. `keys` gives a store's keyring, None where no key is known.

    The branch is kept as it was read at the last two commits: the one that a change is planned on
    and the one that it makes are each asked for several times.
    `verdicts` are what former dry-runs of this set said.
    """

    cluster: Cluster
    store: Store
    path: str
    keys: Callable[[StoreSettings], Keyring | None]
    author: Callable[[str], tuple[str, str]]
    tell: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)
    verdicts: Verdicts = field(default_factory=Verdicts)
    kept: dict[str, Branch] = field(default_factory=dict, repr=False)

    def read(self, tip: Tip) -> Branch:
        """The branch at a tip that `store.fetch` gave."""
        if tip.commit not in self.kept:
            while len(self.kept) >= _KEPT:
                del self.kept[next(iter(self.kept))]
            self.kept[tip.commit] = read_branch(self.store, tip, self.path)
        return replace(self.kept[tip.commit], tip=tip)

    def read_at(self, commit: str) -> Branch:
        """The branch as of one commit that the store has."""
        return self.read(Tip(commit, ""))

    def commit(
        self,
        parent: str,
        edits: Mapping[str, bytes | None],
        message: Message,
        tripwire: Tripwire | None = None,
    ) -> str:
        """Write a commit, unless a Secret's value would be in it."""
        for warning in tripwire.check(edits, message) if tripwire else ():
            self.tell(f"warning: {warning}")
        return self.store.commit(parent, edits, message)

    def bound(self, branch: Branch) -> ClusterIdentity:
        """Which cluster this is, if the branch may be applied to it; checked before every write.

        By UID: a cluster that was made anew can carry the old one's name and address.
        """
        identity = self.cluster.identity(branch.settings.home_namespace)
        if isinstance(identity, Refusal):
            raise GitopsError(identity.message, "kubectl cluster-info")
        check_bound(identity, branch.settings, self.store.url)
        return identity

    def parent(self, branch: Branch) -> Parent:
        """The set's parent; `GitopsError` where it may not be read or is another branch's."""
        settings = branch.settings
        return read_parent(
            self.cluster, settings.set_name, settings.home_namespace, settings.origin
        )

    def rules(
        self, branch: Branch, rights: Rights = Rights.OWN, validation: str = "Strict"
    ) -> Rules:
        """What holds for the writes of this set."""
        settings, entries = branch.settings, branch.snapshot.entries
        scaled = takeover.hpa_targets(
            with_namespace(entries[id].manifest)
            for id in entries
            if (id.group, id.kind) == ("autoscaling", "HorizontalPodAutoscaler")
        )

        def ignored(sent: Body, live: Body) -> tuple[str, ...]:
            id = ResourceId.of(sent)
            configured = (p for rule in settings.ignores for p in rule.pointers_for(id, live))
            return (*takeover.built_in_ignores(sent, live, scaled), *configured)

        set_id = applyset.set_id(applyset.parent_name(settings.set_name), settings.home_namespace)
        return Rules(
            set_id, ignored, rights, validation, verdicts=self.verdicts, outside=settings.outside
        )

    def sealed(self, branch: Branch, manifests: Iterable[OpenManifest]) -> tuple[Wanted, ...]:
        """Seal for the branch; a value that did not change keeps its ciphertext.

        What is sealed in the input already is opened for the cluster. `GitopsError` where a value
        needs a key and none is known, or one that the set does not list.
        """
        keyring, entries = self.keys(branch.settings), branch.snapshot.entries
        pairs = []
        for manifest in manifests:
            rules = branch.secrets(manifest.id)
            if secret_values(manifest, rules):
                check_listed(keyring, branch.settings)
            entry = entries.get(manifest.id)
            previous = entry.manifest if entry else None
            sealed = seal_manifest(manifest, keyring, previous, rules, self.tell)
            pairs.append(Wanted(sealed, open_manifest(sealed, keyring)))
        return tuple(pairs)

    def sealing_key(self, branch: Branch, wanted: Iterable[Wanted]) -> str:
        """The id of the key that sealed these, empty where nothing had to be sealed."""
        keyring = self.keys(branch.settings)
        if keyring is None or not any(one.open.private for one in wanted):
            return ""
        return keyring.primary().kid

    def tripwire(self, branch: Branch, wanted: Iterable[Wanted]) -> Tripwire:
        """What may show nowhere in a commit of these: their values, and the keys."""
        keyring = self.keys(branch.settings)
        keys = keyring.texts if keyring else ()
        return Tripwire.of([one.open for one in wanted], branch.settings.seals, keys)

    def opened(self, branch: Branch, manifest: Manifest, *, with_text: bool = True) -> OpenManifest:
        """Open what the branch holds; `GitopsError` names the place that does not open."""
        return open_manifest(manifest, self.keys(branch.settings), with_text=with_text)

    def message(
        self,
        operation: str,
        ids: Iterable[ResourceId],
        reason: str,
        who: ClusterIdentity,
        plain: Iterable[ResourceId] = (),
    ) -> Message:
        """The commit message of one of our commits, signed with the person's name and the time.

        `plain` are resources with what looks like a secret in the clear.
        """
        message = signed(operation, ids, reason, self.author(who.user), self.clock.now())
        said = tuple(map(spelled, sorted(plain)))
        return replace(message, cluster=who.uid, user=who.user, plain=said)


def signed(
    operation: str, ids: Iterable[ResourceId], reason: str, author: tuple[str, str], now: datetime
) -> Message:
    """The message of a commit that was made without a cluster: by (name, address), at a time."""
    named = sorted(ids)
    here = now.astimezone()
    offset = here.utcoffset()
    zone = int(offset.total_seconds()) if offset else 0
    return Message(
        author=Signature(*author, int(here.timestamp()), zone),
        subject=subject(operation, named, reason),
        reason=reason,
        operation=operation,
        resources=tuple(map(spelled, named)),
    )


def spelled(id: ResourceId) -> str:
    """`deployment.apps/shop/web`, `namespace/shop`: a resource in a trailer."""
    return "/".join(part for part in (id.group_kind.lower(), id.namespace, id.name) if part)


def check_bound(identity: ClusterIdentity, settings: StoreSettings, url: str) -> None:
    """`GitopsError` for a cluster that the branch may not be applied to."""
    if identity.uid in settings.clusters:
        return
    known = ", ".join(sorted(settings.clusters.values())) or "none"
    raise GitopsError(
        f"this cluster ({identity.context or identity.server}, uid {identity.uid}) is not one "
        f"that the branch may be applied to ({known})",
        "kubectl config get-contexts",
        f"kubectl gitops init --repo {url} --adopt-store",
    )


def check_listed(keyring: Keyring | None, settings: StoreSettings) -> None:
    """Values are sealed with a listed key only: others could not open them."""
    if keyring is None or not settings.key_ids:
        return
    kid = keyring.primary().kid
    if kid not in settings.key_ids:
        raise GitopsError(
            f"the first key you hold ({kid}) is not one that this set seals with "
            f"({', '.join(settings.key_ids)})",
            "kubectl gitops status --key-file FILE   # the file with a listed key",
            "kubectl gitops secret rekey             # or seal all of it with the first key",
        )


def conflict(message: str, *hints: str) -> GitopsError:
    """Somebody else owns the field, or moved the same resource."""
    return GitopsError(message, *hints, exit=Exit.CONFLICT)
