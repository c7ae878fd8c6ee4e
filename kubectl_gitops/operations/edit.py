"""`edit`: the branch's own text as a person may change it, and back to a manifest. Runs no editor.

A Secret whose values are all text is shown with them in `stringData`, as people write them; with
any other bytes among them it is shown as the API has it, in base64.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest, documents, edit_text, prepare
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing import is_secret

__all__ = ["Draft", "draft_of", "manifest_of"]


@dataclass(frozen=True, slots=True)
class Draft:
    """The text to begin with, and the branch it was read from; `private`: values are open in it."""

    id: ResourceId
    base: Branch
    text: str = field(repr=False)
    private: bool


def draft_of(session: Session, branch: Branch, id: ResourceId) -> Draft:
    """What the branch declares, opened; `GitopsError` where it declares no such resource."""
    entry = branch.snapshot.entries.get(id)
    if entry is None:
        raise GitopsError(
            f"the branch has no {id}",
            f"kubectl gitops import {id.group_kind.lower()}"
            + (f" -n {id.namespace}" if id.namespace else "")
            + "   # records what is live",
        )
    opened = session.opened(branch, entry.manifest)
    private = opened.private or is_secret(opened.body)
    return Draft(id, branch, _readable(opened), private)


def _readable(manifest: OpenManifest) -> str:
    texts = _texts(manifest.body) if is_secret(manifest.body) else None
    if not texts:
        return manifest.text
    body = {
        "stringData" if key == "data" else key: texts if key == "data" else value
        for key, value in manifest.body.items()
    }
    return edit_text(manifest.text, manifest.body, body)[0]


def _texts(body: Body) -> dict[str, str] | None:
    """The values of a Secret as text; None where one of them is none."""
    try:
        texts = {
            key: base64.b64decode(value).decode() for key, value in (body.get("data") or {}).items()
        }
    except (UnicodeDecodeError, TypeError):
        return None
    shown = "".join(texts.values()).replace("\n", "").replace("\t", "")
    return texts if shown.isprintable() and not body.get("stringData") else None


def manifest_of(draft: Draft, text: str) -> OpenManifest:
    """The manifest that a person made of a draft.

    `GitopsError` for what cannot be read, and for another resource than it was: a name is not
    something that an edit changes.
    """
    found = list(documents(text.encode("utf-8", "surrogateescape"), "the edited text"))
    if len(found) != 1:
        raise GitopsError(f"the edited text holds {len(found)} resources, not {draft.id} alone")
    metadata = found[0].body.get("metadata")
    own = metadata.get("namespace") if isinstance(metadata, dict) else None
    manifest = prepare(found[0], own or None).manifest
    if replace(manifest.id, namespace=_namespace(draft, own)) != draft.id:
        raise GitopsError(f"the edited text is {manifest.id}, not {draft.id}")
    return replace(manifest, id=draft.id, private=draft.private)


def _namespace(draft: Draft, own: object) -> str:
    """Where a resource lives whose text says so, or says nothing."""
    if not draft.id.namespace:
        return ""
    return own if isinstance(own, str) and own else draft.base.settings.default_namespace
