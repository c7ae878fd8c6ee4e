"""`history` and `show`: what a resource was, from the store alone. No cluster is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from kubectl_gitops.builtin import builtin
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.history import Revision, summary
from kubectl_gitops.manifest import Manifest, read_snapshot
from kubectl_gitops.ports import Store, Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.settings import (
    StoreSettings,
    parse_store_settings,
    settings_path,
    settings_text,
)

__all__ = ["Past", "Told", "open_past", "read_settings"]


@dataclass(frozen=True, slots=True)
class Told:
    """A revision and one line on what it changed: `spec.replicas 2 → 3`."""

    revision: Revision
    summary: str


@dataclass(frozen=True, slots=True)
class Past:
    """The history of one set at one tip. `settings` are those of the tip."""

    store: Store
    tip: Tip
    path: str
    settings: StoreSettings

    def of_set(self) -> list[Told]:
        """All revisions of all resources, newest first."""
        latest = self.store.latest(self.tip, self.path)
        every = [told for one in latest for told in self.told(one.resource)]
        every.sort(key=lambda told: told.revision.resource)
        every.sort(key=lambda told: datetime.fromisoformat(told.revision.time), reverse=True)
        return every

    def told(self, id: ResourceId) -> Iterator[Told]:
        """The revisions of one resource in words, newest first; read as they are asked for."""
        chain = self.of(id)
        revision = next(chain, None)
        while revision is not None:
            older = next(chain, None)
            before = self.manifest(older).body if older and older.after else None
            yield Told(revision, summary(revision, before))
            revision = older

    def of(self, id: ResourceId) -> Iterator[Revision]:
        """The revisions of one resource, newest first."""
        return iter(self.store.revisions(self.tip, id, self.path))

    def find(self, kind: str, name: str, namespace: str = "") -> ResourceId:
        """The resource that a person names, deleted ones too.

        Without a namespace: the set's default one, else the only resource of that kind and name.
        `GitopsError` suggests near misses.
        """
        api = builtin().named(kind)
        if api is not None:
            spaces = (namespace or self.settings.default_namespace) if api.namespaced else ""
            id = ResourceId(api.group, api.kind, spaces, name)
            if next(self.of(id), None) is not None:
                return id
        return self._searched(kind, name, namespace)

    def _searched(self, kind: str, name: str, namespace: str) -> ResourceId:
        known = [revision.resource for revision in self.store.latest(self.tip, self.path)]
        fitting = [id for id in known if id.name == name and _is_kind(id, kind)]
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

    def last(self, id: ResourceId) -> Revision:
        """The newest revision that left the resource there."""
        return next(revision for revision in self.of(id) if revision.after is not None)

    def manifest(self, revision: Revision) -> Manifest:
        """The manifest as a revision left it, sealed; `GitopsError` where it removed it.

        What the file leaves to defaults and CRDs of its time is known from the record.
        """
        id = revision.resource
        if revision.after is None:
            raise GitopsError(
                f"{id} was removed in revision {revision.revision}",
                f"kubectl gitops show {id.argument} --revision {revision.revision - 1}",
            )
        content = self.store.read([revision.after])[revision.after]
        snapshot = read_snapshot(
            revision.commit,
            {revision.path: content},
            root=self.path,
            default_namespace=id.namespace or self.settings.default_namespace,
            scopes={(id.group, id.kind): bool(id.namespace)},
        )
        entry = snapshot.entries.get(id)
        if entry is None:
            raise GitopsError(
                f"{id}: revision {revision.revision} names a file that does not hold it",
                f"git show {revision.after[:7]}",
            )
        return entry.manifest


def open_past(store: Store, path: str) -> Past:
    """The history up to what the server holds now; commits made by hand are indexed first."""
    tip = store.extend(store.fetch())
    return Past(store, tip, path, read_settings(store, tip, path))


def read_settings(store: Store, tip: Tip, path: str) -> StoreSettings:
    """The set's settings at a tip, without its manifests; `GitopsError` where there is no set."""
    name = settings_path(path)
    file = store.files(tip.commit, path).get(name)
    if file is None:
        raise GitopsError(
            f"{store.url} {store.branch} holds no {name}: it is not bound to a cluster yet",
            f"kubectl gitops init --repo {store.url} --branch {store.branch}"
            + (f" --path {path}" if path else ""),
        )
    return parse_store_settings(settings_text(store.read([file.blob])[file.blob]))


def _is_kind(id: ResourceId, word: str) -> bool:
    """Whether a word means this kind: a built-in one's names, else its name or plural, `.group`."""
    api = builtin().named(word)
    if api is not None and api.group_kind == id.group_kind:
        return True
    name, _, group = word.lower().partition(".")
    kind = id.kind.lower()
    if name not in (kind, f"{kind}s", f"{kind}es", f"{kind.removesuffix('y')}ies"):
        return False
    return group in ("", id.group) or group.endswith(f".{id.group}")


def _near(kind: str, name: str, known: Iterable[ResourceId]) -> list[str]:
    wanted = f"{kind.lower()}/{name}"
    spellings: dict[str, list[ResourceId]] = {}
    for id in known:
        spellings.setdefault(f"{id.kind.lower()}/{id.name}", []).append(id)
    near = [id for close in get_close_matches(wanted, spellings, n=3) for id in spellings[close]]
    return [f"kubectl gitops history {id.argument}" for id in near[:3]]
