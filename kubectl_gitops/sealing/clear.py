"""Secret values in the clear: as bytes to seal, and as the tripwire looks for them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kubectl_gitops.envelope import Place, is_sealed
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.resource import Body
from kubectl_gitops.sealing.places import Spot, decoded, merged, place_of, spots
from kubectl_gitops.sealing.rules import SealRule

__all__ = ["only_value", "plaintext", "secret_values", "shown"]


def plaintext(spot: Spot, where: object) -> bytes:
    """What is sealed of an open value: the bytes it stands for, or its JSON."""
    return decoded(spot.value, where) if spot.raw else json.dumps(spot.value).encode()


def secret_values(manifest: OpenManifest, rules: Sequence[SealRule] = ()) -> dict[Place, bytes]:
    """The values that sealing hides, by place; for the tripwire only."""
    values = {}
    for spot in spots(merged(manifest.body, manifest.id), manifest.id, rules):
        if not is_sealed(spot.value):
            place = place_of(manifest.id, spot.pointer)
            values[place] = shown(spot, place)
    return values


def only_value(secret: Body, where: str) -> str:
    """The text of the one value of a Secret; `GitopsError` for another number, or no text."""
    values = list((secret.get("data") or {}).values())
    if len(values) != 1:
        raise GitopsError(f"{where} holds {len(values)} values; the keys stand in one, one a line")
    try:
        return decoded(values[0], where).decode()
    except UnicodeDecodeError as error:
        raise GitopsError(f"{where} holds no text") from error


def shown(spot: Spot, where: object) -> bytes:
    """A value as it would show: a string of another resource stands without its quotes."""
    if spot.raw or not isinstance(spot.value, str):
        return plaintext(spot, where)
    return spot.value.encode("utf-8", "surrogatepass")
