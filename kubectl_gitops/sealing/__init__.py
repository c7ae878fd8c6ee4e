"""Secrets on their way into the branch, out of it, and onto a screen.

A person's manifest is open: its values may be in the clear. The branch's is sealed. This is the
only way from one to the other, so that what must hold for every Secret is in one place: which
values are secret (`places`), that no others stay readable (`tripwire`), what is shown instead
(`mask`). Nothing here does IO, and no cipher is loaded before a value needs it.
"""

from __future__ import annotations

from kubectl_gitops.sealing.clear import only_value, secret_values
from kubectl_gitops.sealing.exclusions import unmanageable
from kubectl_gitops.sealing.exposure import exposed, new_tokens
from kubectl_gitops.sealing.mask import mask, mask_pair
from kubectl_gitops.sealing.places import is_secret, place_of
from kubectl_gitops.sealing.rules import SealRule
from kubectl_gitops.sealing.tripwire import Tripwire
from kubectl_gitops.sealing.values import (
    hiding,
    moved_values,
    open_manifest,
    seal_manifest,
    sealed_values,
    unsealed,
)

__all__ = [
    "SealRule",
    "Tripwire",
    "exposed",
    "hiding",
    "is_secret",
    "mask",
    "mask_pair",
    "moved_values",
    "new_tokens",
    "only_value",
    "open_manifest",
    "place_of",
    "seal_manifest",
    "sealed_values",
    "secret_values",
    "unmanageable",
    "unsealed",
]
