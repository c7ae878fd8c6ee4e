"""Sealed values changed in the branch alone: another key, another place, another format.

What the values say stays, so the cluster needs nothing and is not asked: one commit, planned anew
on a newer tip where the push lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubectl_gitops.envelope import Keyring, Place, is_sealed, open_legacy
from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, edit_text
from kubectl_gitops.operations.session import Branch, check_listed, read_branch, signed
from kubectl_gitops.ports import Moved, Store, StoreRefusal
from kubectl_gitops.reconcile import Clock
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.sealing import (
    Tripwire,
    is_secret,
    moved_values,
    open_manifest,
    place_of,
    seal_manifest,
    sealed_values,
    unsealed,
)
from kubectl_gitops.settings import StoreSettings

__all__ = ["Resealed", "Resealing", "Vault", "adopt", "rebind", "rekey", "reseal"]

_TRIES = 30
_KEYGEN = "kubectl gitops secret keygen --out FILE"
_USE_KEY = "export KUBECTL_GITOPS_KEY_FILE=FILE"


@dataclass(frozen=True, slots=True)
class Vault:
    """A store and the keys to what is sealed in it: what works without a cluster."""

    store: Store
    path: str
    keys: Callable[[StoreSettings], Keyring | None]
    author: Callable[[str], tuple[str, str]]
    tell: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)

    def read(self) -> Branch:
        """The branch as its server holds it now."""
        return read_branch(self.store, self.store.fetch(), self.path)

    def keyring(self, branch: Branch) -> Keyring:
        """The keys that are held; `GitopsError` where there are none."""
        keyring = self.keys(branch.settings)
        if keyring is None:
            raise GitopsError("no key is known", _KEYGEN, _USE_KEY)
        return keyring


@dataclass(frozen=True, slots=True)
class Resealing:
    """What is to be sealed anew, and which keys may seal from then on (None: as before).

    `findings` are values that had to be left as they are, and why.
    """

    manifests: tuple[OpenManifest, ...] = ()
    key_ids: tuple[str, ...] | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resealed:
    """What came of it; `commit` is empty where the branch says it all already."""

    commit: str
    resources: tuple[ResourceId, ...]
    findings: tuple[str, ...]


def reseal(
    vault: Vault, operation: str, reason: str, intend: Callable[[Branch], Resealing]
) -> Resealed:
    """Commit what `intend` makes of the tip. `GitopsError` where nothing could be changed."""
    for _ in range(_TRIES):
        branch = vault.read()
        wanted = intend(branch)
        changed, commit = _commit(vault, branch, operation, reason, wanted)
        if not commit:
            return Resealed("", (), wanted.findings)
        answer = vault.store.publish(branch.tip, commit)
        if isinstance(answer, StoreRefusal):
            raise GitopsError(
                f"{vault.store.url} refuses the push to {vault.store.branch}: {answer.message}",
                f"git ls-remote {vault.store.url}",
            )
        if not isinstance(answer, Moved):
            return Resealed(commit, changed, wanted.findings)
        vault.clock.sleep(random.uniform(0.02, 0.2))  # noqa: S311  spreads the writers, no secret
    raise GitopsError(
        f"the branch moved {_TRIES} times while this change was being pushed; nothing was changed",
        "kubectl gitops history",
        exit=Exit.CONFLICT,
    )


def _commit(
    vault: Vault, branch: Branch, operation: str, reason: str, wanted: Resealing
) -> tuple[tuple[ResourceId, ...], str]:
    """The resources that change and the commit, which is empty where none does."""
    keyring = vault.keyring(branch)
    if wanted.key_ids is None:
        check_listed(keyring, branch.settings)
    sealed = [
        seal_manifest(one, keyring, None, branch.secrets(one.id), vault.tell)
        for one in wanted.manifests
    ]
    edits = branch.snapshot.edit(sealed, ())
    listed = branch.settings.key_ids if wanted.key_ids is None else wanted.key_ids
    if sealed and not listed:
        listed = (keyring.primary().kid,)
    if listed != branch.settings.key_ids:
        edits |= branch.listing_keys(listed)
    if not edits:
        return (), ""
    entries = branch.snapshot.entries
    texts = {one.id: one.text for one in sealed}
    changed = sorted(id for id in texts if texts[id] != entries[id].manifest.text)
    message = signed(operation, changed, reason, vault.author(""), vault.clock.now())
    tripwire = Tripwire.of(wanted.manifests, branch.settings.seals, keyring.texts)
    for warning in tripwire.check(edits, message):
        vault.tell(f"warning: {warning}")
    return tuple(changed), vault.store.commit(branch.tip.commit, edits, message)


def rekey(vault: Vault, branch: Branch) -> Resealing:
    """Every value under the first key that is held, which is the only one listed from then on.

    All or nothing: `GitopsError` names each value that does not open and each file that cannot be
    read, for what was left behind would be lost with the key that is retired.
    """
    keyring = vault.keyring(branch)
    problems = [error.message for error in branch.snapshot.unreadable.values()]
    problems += [f"{id} stands twice in the branch" for id in branch.snapshot.duplicates]
    opened = []
    for manifest in _with_values(branch):
        try:
            opened.append(open_manifest(manifest, keyring))
        except GitopsError as error:
            problems.append(error.message)
    if problems:
        raise GitopsError("\n".join((*problems, "nothing was changed")), _USE_KEY)
    return Resealing(tuple(opened), (keyring.primary().kid,))


def _with_values(branch: Branch) -> Iterator[Manifest]:
    """The resources that hold secret values, those that somebody committed in the clear too."""
    for entry in branch.snapshot.entries.values():
        if sealed_values(entry.manifest) or unsealed(entry.manifest, branch.settings.seals):
            yield entry.manifest


Confirm = Callable[[Mapping[Place, Place]], None]
"""Shown where values are and where they were sealed for; refuses by a `GitopsError`."""


def rebind(vault: Vault, branch: Branch, id: ResourceId, confirm: Confirm) -> Resealing:
    """The values of a resource that was renamed or moved on purpose, sealed for where it is now.

    Where they came from is looked for in the branch and in its history. `GitopsError` names a
    value that opens nowhere.
    """
    entry = branch.snapshot.entries.get(id)
    if entry is None:
        raise GitopsError(
            f"the branch has no {id}", f"kubectl gitops history {id.argument}   # what became of it"
        )
    keyring = vault.keyring(branch)
    origins = moved_values(entry.manifest, keyring, _everything(vault, branch, entry.manifest))
    opened = open_manifest(entry.manifest, keyring, origins)
    if not origins:
        return Resealing()
    confirm(origins)
    return Resealing((opened,))


def _everything(vault: Vault, branch: Branch, first: Manifest) -> Iterator[Manifest]:
    """This manifest, all others, and the names of those that are no more."""
    yield first
    yield from (entry.manifest for entry in branch.snapshot.entries.values())
    for latest in vault.store.latest(vault.store.extend(branch.tip), branch.path):
        yield Manifest(latest.resource, "", "", {})


def adopt(passphrase: str, branch: Branch) -> Resealing:
    """The predecessor's Secrets in the branch, opened; a value that does not open leaves its own.

    Its format is not marked, and a wrong passphrase opens one value in some hundreds by chance:
    a Secret is taken over only where every value of it opens.
    """
    opened: list[OpenManifest] = []
    findings: list[str] = []
    for id, entry in branch.snapshot.entries.items():
        if not is_secret(entry.manifest.body):
            continue
        try:
            opened += _adopted(passphrase, id, entry.manifest)
        except GitopsError as error:
            findings.append(error.message)
    return Resealing(tuple(opened), findings=tuple(findings))


def _adopted(passphrase: str, id: ResourceId, manifest: Manifest) -> Iterable[OpenManifest]:
    data = manifest.body.get("data") or {}
    values = {key: text for key, text in data.items() if text is not None and not is_sealed(text)}
    if not values:
        return ()
    opened = {key: _legacy(passphrase, id, key, text) for key, text in values.items()}
    body = {**manifest.body, "data": {**data, **opened}}
    text, _ = edit_text(manifest.text, manifest.body, body)
    return (OpenManifest(id, manifest.api_version, text, body, private=True),)


def _legacy(passphrase: str, id: ResourceId, key: str, text: str) -> str:
    try:
        return open_legacy(passphrase, text)
    except GitopsError as error:
        raise GitopsError(f"{place_of(id, f'/data/{key}')}: {error.message}") from error
