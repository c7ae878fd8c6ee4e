"""Sealing a manifest for the branch, and opening it for the cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.envelope import (
    Keyring,
    Place,
    find_place,
    is_sealed,
    kid_of,
    open_sealed,
    seal,
)
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, edit_text
from kubectl_gitops.resource import Body, ResourceId, ResourcePattern
from kubectl_gitops.sealing.clear import plaintext, shown
from kubectl_gitops.sealing.places import (
    Path,
    Spot,
    is_secret,
    merged,
    place_of,
    replaced,
    spots,
)
from kubectl_gitops.sealing.rules import SealRule
from kubectl_gitops.sealing.tripwire import check_document

__all__ = ["moved_values", "open_manifest", "seal_manifest", "sealed_values", "unsealed"]

_USE_KEY = "export KUBECTL_GITOPS_KEY_FILE=FILE"
_NEW_KEY = "kubectl gitops secret keygen --out FILE"


def seal_manifest(
    manifest: OpenManifest,
    keyring: Keyring | None,
    previous: Manifest | None = None,
    rules: Sequence[SealRule] = (),
    warn: Callable[[str], None] | None = None,
) -> Manifest:
    """The manifest as the branch holds it: every secret value sealed, comments beside them gone.

    A value that is sealed already stays, and so does the ciphertext in `previous` of a value that
    did not change, whichever key made it. Without secret values no key is needed. `warn` is told
    where the text could not be changed in place.

    `GitopsError`: there are values and no key; a value is no base64 or no string; the Secret holds
    the very key; the text shows a value elsewhere, in a comment perhaps.
    """
    sealer = _Sealer(manifest.id, keyring, _sealed_paths(previous))
    sealed = replaced(merged(manifest.body, manifest.id), manifest.id, rules, sealer.seal)
    text, warning = _text(manifest.text, manifest.body, sealed)
    if warning and warn:
        warn(f"{manifest.id}: {warning}")
    check_document(manifest.id, text, sealer.seen, sealed)
    return Manifest(manifest.id, manifest.api_version, text, sealed)


def _sealed_paths(previous: Manifest | None) -> Mapping[Path, str]:
    if previous is None:
        return {}
    return {s.path: s.value for s in spots(previous.body, previous.id) if is_sealed(s.value)}


def _text(text: str, before: Body, after: Body) -> tuple[str, str | None]:
    """The text of the changed body. Beside the values of Secrets people note what they were."""
    values = ("data", "stringData") if is_secret(before) else ()
    noted = [key for key, value in before.items() if key in values or _holds_secret(value)]
    return edit_text(text, before, after, drop_comments_in=noted)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return is_secret(value) or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


@dataclass(frozen=True, slots=True)
class _Sealer:
    """Seals the values of one resource; `seen` is what they were, for the tripwire."""

    id: ResourceId
    keyring: Keyring | None
    previous: Mapping[Path, str]
    seen: dict[Place, bytes] = field(default_factory=dict, repr=False)

    def seal(self, spot: Spot) -> str:
        """What stands in the branch for a value."""
        place = place_of(self.id, spot.pointer)
        if is_sealed(spot.value):
            kid_of(spot.value, place)  # what only looks sealed would be committed in the clear
            return str(spot.value)
        if self.keyring is None:
            raise GitopsError(
                f"{self.id} has values to seal, and there is no key", _NEW_KEY, _USE_KEY
            )
        value = plaintext(spot, place)
        if self.keyring.is_key(value):
            raise GitopsError(f"{place} is the key that seals this branch; it cannot be in it")
        self.seen[place] = shown(spot, place)
        sealed = seal(self.keyring.primary(), value, place, json_value=not spot.raw)
        before = self.previous.get(spot.path, sealed)
        unchanged = before != sealed and _opens_to(value, before, place, spot, self.keyring)
        return before if unchanged else sealed


def _opens_to(value: bytes, text: str, place: Place, spot: Spot, keyring: Keyring) -> bool:
    """Whether an older key's ciphertext says the same; one that does not open is replaced."""
    try:
        return open_sealed(keyring, text, place, json_value=not spot.raw) == value
    except GitopsError:
        return False


def open_manifest(
    manifest: Manifest,
    keyring: Keyring | None,
    origins: Mapping[Place, Place] | None = None,
    *,
    with_text: bool = True,
) -> OpenManifest:
    """The manifest as the cluster is sent it: values in the clear, those of a Secret in `data`.

    All of it or nothing: `GitopsError` names the first place that does not open and why, and where
    the value was sealed if that is in the same resource. `origins` tells of values that a person
    moved on purpose for which place they were sealed. Without its text, which takes longer than the
    ciphers, a manifest can be sent and not be sealed again.
    """

    def opened(spot: Spot) -> Any:
        if not is_sealed(spot.value):
            return spot.value
        value = _open(manifest, keyring, spot, origins or {})
        return base64.b64encode(value).decode() if spot.raw else json.loads(value)

    body = replaced(merged(manifest.body, manifest.id), manifest.id, (), opened)
    text = edit_text(manifest.text, manifest.body, body)[0] if with_text else ""
    private = bool(sealed_values(manifest))
    return OpenManifest(manifest.id, manifest.api_version, text, body, private)


def hiding(manifest: Manifest) -> SealRule:
    """A rule for just the places that are sealed in a manifest, whatever the branch's rules say.

    A rule may go from a branch, and what was sealed under it stays a secret.
    """
    id = manifest.id
    places = tuple(place.pointer for place in sealed_values(manifest))
    return SealRule(ResourcePattern(id.group, id.kind, None, id.name), places)


def _open(
    manifest: Manifest, keyring: Keyring | None, spot: Spot, origins: Mapping[Place, Place]
) -> bytes:
    place = place_of(manifest.id, spot.pointer)
    if keyring is None:
        kid = kid_of(spot.value, place)
        raise GitopsError(f"{place} is sealed with key {kid}, and there is no key", _USE_KEY)
    try:
        return open_sealed(keyring, spot.value, origins.get(place, place), json_value=not spot.raw)
    except GitopsError as error:
        origin = moved_values(manifest, keyring, [manifest]).get(place)
        if origin is None:
            raise
        raise GitopsError(f"{place} was sealed for {origin}", *error.hints) from error


def sealed_values(manifest: Manifest) -> dict[Place, str]:
    """The sealed values of a manifest by place, in its order."""
    found = (spot for spot in spots(manifest.body, manifest.id) if is_sealed(spot.value))
    return {place_of(manifest.id, spot.pointer): spot.value for spot in found}


def moved_values(
    manifest: Manifest, keyring: Keyring, others: Iterable[Manifest]
) -> dict[Place, Place]:
    """Which values of a manifest were sealed for another place, and for which.

    Tried are the places of `others`, and this manifest's own pointers in them: a Secret that was
    renamed has values that its former place may not have any more.
    """
    values = sealed_values(manifest)
    places: dict[Place, None] = {}
    for other in others:
        pointers = [place.pointer for place in (*sealed_values(other), *values)]
        places |= dict.fromkeys(place_of(other.id, pointer) for pointer in pointers)
    origins = {place: _origin(keyring, text, places) for place, text in values.items()}
    return {place: origin for place, origin in origins.items() if origin and origin != place}


def _origin(keyring: Keyring, text: str, places: Iterable[Place]) -> Place | None:
    try:
        return find_place(keyring, text, places)
    except GitopsError:  # a key that is not held, or no whole envelope: nothing to tell
        return None


def unsealed(manifest: Manifest, rules: Sequence[SealRule] = ()) -> tuple[str, ...]:
    """The pointers of values that stand in the branch in the clear: somebody committed by hand."""
    found = spots(manifest.body, manifest.id, rules)
    return tuple(pointer_to.join(spot.path) for spot in found if not is_sealed(spot.value))
