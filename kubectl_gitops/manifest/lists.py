"""`kind: List` and its relatives: one document that stands for several resources.

kubectl's decoder calls whatever has `items` a list, whatever its kind; an item without a kind
inherits `ConfigMap` and the apiVersion from a `ConfigMapList` (apimachinery, `decodeToList`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest.documents import Document
from kubectl_gitops.manifest.write import write
from kubectl_gitops.resource import Body

__all__ = ["flatten", "inherited", "is_list"]


def is_list(body: Body) -> bool:
    """True for what kubectl takes apart."""
    return "items" in body


def flatten(document: Document) -> tuple[Document, ...]:
    """The resources of a document: itself, or every item of a list, recursively.

    An item's text is written anew; its `item` leads to it through the lists. Raises GitopsError
    where `items` is not a list of maps.
    """
    return tuple(_flattened(document))


def _flattened(document: Document) -> Iterator[Document]:
    if not is_list(document.body):
        yield document
        return
    for number, body in enumerate(_items(document)):
        path = (*document.item, number)
        if type(body) is not dict:
            where = ".".join(map(str, path))
            raise GitopsError(f"item {where} of the list in {document.place} is not a map")
        yield from _flattened(_item(document, inherited(body, document.body), path))


def _item(document: Document, body: Body, path: tuple[int, ...]) -> Document:
    text = document.text if is_list(body) else write(body)
    return replace(document, body=body, text=text, item=path)


def _items(document: Document) -> list[Any]:
    items = document.body["items"]
    if items is not None and type(items) is not list:
        raise GitopsError(f"items of the list in {document.place} is not a list")
    return items or []


def inherited(item: Body, parent: Body) -> Body:
    """The item with the kind and the apiVersion of its list where it has no kind itself."""
    kind = str(parent.get("kind") or "").removesuffix("List")
    if item.get("kind") or not kind:
        return item
    rest = {name: value for name, value in item.items() if name not in ("apiVersion", "kind")}
    return {"apiVersion": parent.get("apiVersion"), "kind": kind, **rest}
