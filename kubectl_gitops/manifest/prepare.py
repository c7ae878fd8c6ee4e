"""What `apply -f` makes of a document: a resource with an identity, without a server's traces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kubectl_gitops.annotations import LAST_APPLIED
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest.documents import Document
from kubectl_gitops.manifest.edit import edit_text
from kubectl_gitops.manifest.model import OpenManifest
from kubectl_gitops.manifest.splice import same
from kubectl_gitops.resource import SERVER_SIDE, Body, ResourceId

__all__ = ["Prepared", "identified", "prepare", "unique"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A manifest ready to be planned, where it was read, and what the person should know."""

    manifest: OpenManifest
    place: str
    warnings: tuple[str, ...] = ()


def identified(document: Document) -> Body:
    """The body of a document that has all a resource needs.

    Raises GitopsError where apiVersion, kind or metadata.name is missing or is not text, or where
    the name is to be generated, which `kubectl apply` refuses, too.
    """
    body, place = document.body, document.place
    for name in ("apiVersion", "kind"):
        if not _is_text(body.get(name)):
            raise GitopsError(f"{place}: {name} not set")
    metadata = body.get("metadata")
    if type(metadata) is not dict:
        raise GitopsError(f"{place}: {printable(body['kind'])} has no metadata")
    if _is_text(metadata.get("generateName")) and not metadata.get("name"):
        prefix = printable(metadata["generateName"])
        raise GitopsError(f"from {prefix}: cannot use generate name with apply ({place})")
    if not _is_text(metadata.get("name")):
        raise GitopsError(f"{place}: {printable(body['kind'])} has no metadata.name")
    if metadata.get("namespace") is not None and type(metadata["namespace"]) is not str:
        raise GitopsError(f"{place}: metadata.namespace is not a string")
    for name in ("labels", "annotations"):
        if not _is_text_map(metadata.get(name)):
            raise GitopsError(f"{place}: metadata.{name} is not a map of strings")
    return body


def _is_text_map(value: Any) -> bool:
    """True for what labels and annotations may be; null values are the API server's to judge."""
    if value is None:
        return True
    return type(value) is dict and all(part is None or type(part) is str for part in value.values())


def _is_text(value: Any) -> bool:
    return type(value) is str and value != ""


def prepare(document: Document, namespace: str | None) -> Prepared:
    """The document as a manifest.

    `namespace` is where it belongs if it does not say so itself; None for a resource that has no
    namespace, whatever it says. The text is changed in place as the body is: the namespace is
    added, `status`, last-applied-configuration and what only a server sets go. Raises GitopsError
    as `identified` does.
    """
    body = identified(document)
    meant = _meant(body, namespace)
    text, warning = edit_text(document.text, body, meant)
    manifest = OpenManifest(ResourceId.of(meant), meant["apiVersion"], text, meant)
    warnings = (f"{document.place}: {manifest.id}: {warning}",) if warning else ()
    return Prepared(manifest, document.place, warnings)


def _meant(body: Body, namespace: str | None) -> Body:
    metadata = {name: part for name, part in body["metadata"].items() if name not in SERVER_SIDE}
    if namespace is None:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata = {"namespace": namespace, **metadata} | {"namespace": namespace}
    annotations = metadata.get("annotations")
    if type(annotations) is dict and LAST_APPLIED in annotations:
        kept = {name: text for name, text in annotations.items() if name != LAST_APPLIED}
        metadata["annotations"] = kept
        if not kept:
            del metadata["annotations"]
    rest = {name: part for name, part in body.items() if name != "status"}
    return {**rest, "metadata": metadata}


def unique(prepared: Iterable[Prepared]) -> tuple[tuple[Prepared, ...], tuple[str, ...]]:
    """One manifest for each resource of a command's input, and warnings about copies.

    kubectl applies the same resource twice, in order and without a word. Here identical copies
    count once; raises GitopsError where they differ, with both places.
    """
    first: dict[ResourceId, Prepared] = {}
    warnings = []
    for one in prepared:
        id = one.manifest.id
        other = first.setdefault(id, one)
        if other is one:
            continue
        if not same(other.manifest.body, one.manifest.body):
            raise GitopsError(
                f"{id} is given twice with different content: {other.place} and {one.place}"
            )
        warnings.append(f"{id} is given twice: {other.place} and {one.place}")
    return tuple(first.values()), tuple(warnings)
