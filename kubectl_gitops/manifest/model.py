"""The two kinds of manifest: one that may be stored and shown, one that may only be sent.

They share no base class on purpose: a function that takes `Manifest` cannot be handed the clear
values of a Secret without mypy saying so. The store, the history and everything that prints take
`Manifest` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubectl_gitops.resource import Body, ResourceId

__all__ = ["Manifest", "OpenManifest"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A resource as the branch holds it: its Secret values are sealed, or it has none.

    `text` is one document without separators, in YAML or JSON; `body` is what kubectl reads in it.
    """

    id: ResourceId
    api_version: str
    text: str
    body: Body


@dataclass(frozen=True, slots=True)
class OpenManifest:
    """A resource as a person wrote it or the cluster wants it: Secret values may be clear text.

    `private`: values were opened in it, so no word of a server about it may be repeated.
    """

    id: ResourceId
    api_version: str
    text: str = field(repr=False)
    body: Body = field(repr=False)
    private: bool = False
