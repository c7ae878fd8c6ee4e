"""What resources were, from the store alone. No cluster is asked.

The blobs of the branch are the truth: what a record says is shown, but a document is read from the
blob that the record names, and where that is gone the record alone is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from kubectl_gitops.builtin import builtin, is_kind
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.history import Revision, summary
from kubectl_gitops.manifest import Manifest, read_snapshot, write
from kubectl_gitops.ports import Store, Tip
from kubectl_gitops.resource import Body, ResourceId, labels_of
from kubectl_gitops.sealing import hiding, mask, mask_pair, unsealed
from kubectl_gitops.selector import parse_selector
from kubectl_gitops.settings import (
    StoreSettings,
    parse_store_settings,
    settings_path,
    settings_text,
)

__all__ = ["Past", "Told", "open_past", "read_settings"]


@dataclass(frozen=True, slots=True)
class Told:
    """A revision and one line on what it changed: `spec.replicas 2 → 3`.

    `abandoned`: a rewrite has taken its commit off the branch.
    """

    revision: Revision
    summary: str
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The history of one set at one tip. `settings` are those of the tip."""

    store: Store
    tip: Tip
    path: str
    settings: StoreSettings

    def of(self, id: ResourceId) -> Iterator[Revision]:
        """The revisions of one resource, newest first, read as they are asked for."""
        return iter(self.store.revisions(self.tip, id, self.path))

    def of_set(self) -> Iterator[Revision]:
        """All revisions of all resources, newest first, read as they are asked for."""
        return iter(self.store.changes(self.tip, self.path))

    def told(self, revisions: Sequence[Revision]) -> list[Told]:
        """Revisions in words."""
        lost = self.store.abandoned(self.tip, {revision.commit for revision in revisions})
        return [self._told(one, abandoned=one.commit in lost) for one in revisions]

    def _told(self, revision: Revision, *, abandoned: bool) -> Told:
        before = self.document(revision, revision.before) if revision.patch else None
        return Told(revision, summary(revision, before.body if before else None), abandoned)

    def bodies(self, revision: Revision) -> tuple[Body | None, Body | None]:
        """The resource before and after a revision, Secret values masked; None: not there."""
        before, after = (
            self.document(revision, blob) for blob in (revision.before, revision.after)
        )
        return self.masked(before, after)

    def shown(self, manifest: Manifest) -> tuple[str, Body, tuple[str, ...]]:
        """Text and body as they may be shown, and the places that stand in the clear in them.

        Where there are any, both are masked: somebody committed a Secret by hand.
        """
        places = unsealed(manifest, self.settings.seals)
        if not places:
            return manifest.text, manifest.body, ()
        body = mask(manifest.body, self.settings.seals)
        return write(body), body, places

    def masked(
        self, before: Manifest | None, after: Manifest | None
    ) -> tuple[Body | None, Body | None]:
        """Two states of a resource as they may be shown side by side."""
        hidden = [hiding(one) for one in (before, after) if one]
        rules = (*self.settings.seals, *hidden)
        return mask_pair(before.body if before else None, after.body if after else None, rules)

    def document(self, revision: Revision, blob: str | None) -> Manifest | None:
        """The resource of a revision in a blob, None where nobody can find it there any more."""
        if blob is None:
            return None
        with suppress(GitopsError):
            content = self.store.read([blob])[blob]
            for path in (revision.path, f"{revision.path}.json", f"{revision.path}.yaml"):
                found = self._read(revision, path, content)
                if found is not None:
                    return found
        return None

    def _read(self, revision: Revision, path: str, content: bytes) -> Manifest | None:
        """The resource of a revision in a file.

        What the file leaves to defaults and CRDs of its time is known from the record.
        """
        id = revision.resource
        snapshot = read_snapshot(
            revision.commit,
            {path: content},
            root=self.path,
            default_namespace=id.namespace or self.settings.default_namespace,
            scopes={(id.group, id.kind): bool(id.namespace)},
        )
        entry = snapshot.entries.get(id)
        return entry.manifest if entry else None

    def find(self, kind: str, name: str, namespace: str = "") -> ResourceId:
        """The resource that a person names, deleted ones too.

        Without a namespace: the set's default one, else the only resource of that kind and name.
        `GitopsError` suggests near misses.
        """
        api = builtin().named(kind)
        if api is not None:
            # The common case, and the only one that looks at nothing but the resource's own record.
            spaces = (namespace or self.settings.default_namespace) if api.namespaced else ""
            id = ResourceId(api.group, api.kind, spaces, name)
            if next(self.of(id), None) is not None:
                return id
        return self._searched(kind, name, namespace)

    def _searched(self, kind: str, name: str, namespace: str) -> ResourceId:
        known = [revision.resource for revision in self.store.latest(self.tip, self.path)]
        fitting = [id for id in known if id.name == name and is_kind(id, kind)]
        found = [id for id in fitting if not namespace or id.namespace in ("", namespace)]
        if len(found) == 1:
            return found[0]
        where = f" in namespace {namespace}" if namespace else ""
        if found:
            places = ", ".join(sorted(id.namespace for id in found))
            raise GitopsError(
                f"{printable(kind)}/{printable(name)} is in several namespaces: {places}",
                f"kubectl gitops history {found[0].argument}",
            )
        raise GitopsError(
            f"the history has no {printable(kind)}/{printable(name)}{where}",
            *_near(kind, name, known),
            "kubectl gitops history",
        )

    def select(
        self, kinds: Sequence[str] = (), namespace: str = "", selector: str = ""
    ) -> frozenset[ResourceId]:
        """The resources that ever were, of some kinds, in a namespace, with some labels.

        The labels of one that is gone are those it had last. `GitopsError` for a kind that the
        history does not have.
        """
        latest = {one.resource: one for one in self.store.latest(self.tip, self.path)}
        for kind in kinds:
            if not any(is_kind(id, kind) for id in latest):
                raise self._unknown_kind(kind, latest)
        chosen = [
            id
            for id in latest
            if (not kinds or any(is_kind(id, kind) for kind in kinds))
            and (not namespace or id.namespace == namespace)
        ]
        if not selector:
            return frozenset(chosen)
        wanted = parse_selector(selector)
        return frozenset(id for id in chosen if wanted.selects(self._labels(latest[id])))

    def _labels(self, latest: Revision) -> Body:
        found = self.document(latest, latest.after or latest.before)
        return labels_of(found.body) if found else {}

    def _unknown_kind(self, kind: str, known: Iterable[ResourceId]) -> GitopsError:
        names = {id.group_kind.lower(): None for id in known}
        near = get_close_matches(kind.lower(), names, n=3)
        return GitopsError(
            f"the history has no resource of type {printable(kind)}",
            *(f"kubectl gitops history {printable(name)}" for name in near),
            "kubectl gitops history",
        )

    def revision(self, id: ResourceId, number: int) -> Revision:
        """One revision by its number; `GitopsError` names the range that exists."""
        last = 0
        for revision in self.of(id):
            last = last or revision.revision
            if revision.revision == number:
                return revision
        raise GitopsError(
            f"{id} has no revision {number}: there are 1 to {last}",
            f"kubectl gitops history {id.argument}",
        )

    def state(self, id: ResourceId, number: int) -> Manifest | None:
        """The manifest as a revision left it, None where it removed it."""
        revision = self.revision(id, number)
        return self.manifest(revision) if revision.after is not None else None

    def last(self, id: ResourceId) -> Revision:
        """The newest revision that left the resource there."""
        return next(revision for revision in self.of(id) if revision.after is not None)

    def at(self, id: ResourceId, moment: datetime) -> Revision:
        """The revision in force at a moment, by the clocks of those who committed.

        `GitopsError` where there was none yet. What a rewrite abandoned was never in force.
        """
        revisions = list(self.of(id))
        lost = self.store.abandoned(self.tip, {revision.commit for revision in revisions})
        for revision in revisions:
            if revision.commit not in lost and datetime.fromisoformat(revision.time) <= moment:
                return revision
        first = revisions[-1]
        raise GitopsError(
            f"{id} did not exist at {moment.isoformat()}: revision {first.revision} is of "
            f"{first.time}",
            f"kubectl gitops history {id.argument}",
        )

    def at_commit(self, id: ResourceId, commit: str) -> Manifest:
        """The manifest as a commit holds it, sealed; `GitopsError` where it does not.

        It is looked for where the resource ever was, and then everywhere.
        """
        from kubectl_gitops.operations.session import read_branch  # three times the rest of us

        places = {revision.path: revision for revision in self.of(id)}
        for path, revision in places.items():
            file = self.store.file(commit, path)
            content = self.store.read([file.blob])[file.blob] if file else b""
            found = self._read(revision, path, content)
            if found is not None:
                return found
        entry = read_branch(self.store, Tip(commit, ""), self.path).snapshot.entries.get(id)
        if entry is None:
            raise GitopsError(
                f"{id} is not in {commit[:7]}", f"kubectl gitops history {id.argument}"
            )
        return entry.manifest

    def manifest(self, revision: Revision) -> Manifest:
        """The manifest as a revision left it, sealed; `GitopsError` where it removed it."""
        id = revision.resource
        if revision.after is None:
            raise GitopsError(
                f"{id} was removed in revision {revision.revision}",
                f"kubectl gitops show {id.argument} --revision {revision.revision - 1}",
            )
        content = self.store.read([revision.after])[revision.after]
        found = self._read(revision, revision.path, content)
        if found is None:
            raise GitopsError(
                f"{id}: revision {revision.revision} names a file that does not hold it",
                "kubectl gitops verify",
            )
        return found


def open_past(store: Store, path: str) -> Past:
    """The history up to what the server holds now; commits made by hand are indexed first."""
    tip = store.extend(store.fetch())
    return Past(store, tip, path, read_settings(store, tip, path))


def read_settings(store: Store, tip: Tip, path: str) -> StoreSettings:
    """The set's settings at a tip, without its manifests; `GitopsError` where there is no set."""
    name = settings_path(path)
    file = store.file(tip.commit, name) if tip.commit else None
    if file is None:
        raise GitopsError(
            f"{store.url} {store.branch} holds no {name}: it is not bound to a cluster yet",
            f"kubectl gitops init --repo {store.url} --branch {store.branch}"
            + (f" --path {path}" if path else ""),
        )
    return parse_store_settings(settings_text(store.read([file.blob])[file.blob]))


def _near(kind: str, name: str, known: Iterable[ResourceId]) -> list[str]:
    wanted = f"{kind.lower()}/{name}"
    spellings: dict[str, list[ResourceId]] = {}
    for id in known:
        spellings.setdefault(f"{id.kind.lower()}/{id.name}", []).append(id)
    near = [id for close in get_close_matches(wanted, spellings, n=3) for id in spellings[close]]
    return [f"kubectl gitops history {id.argument}" for id in near[:3]]
