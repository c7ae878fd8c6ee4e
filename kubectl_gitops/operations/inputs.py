"""The manifests that `-f` gives, as resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest import (
    Document,
    OpenManifest,
    documents,
    flatten,
    prepare,
    unique,
)
from kubectl_gitops.manifest.prepare import identified
from kubectl_gitops.operations.session import Session
from kubectl_gitops.reconcile import catalog_of
from kubectl_gitops.resource import Body, group_of, labels_of
from kubectl_gitops.selector import parse_selector

__all__ = ["namespace_of", "read_documents", "read_manifests"]


def read_manifests(
    session: Session,
    sources: Iterable[tuple[str, bytes]],
    *,
    namespace: str,
    explicit: bool,
    selector: str = "",
) -> tuple[OpenManifest, ...]:
    """The manifests in (name, content) pairs, each with its identity settled.

    `namespace` is for those that name none; `explicit` (the flag was given) refuses those of
    another one, in kubectl's words. `selector` keeps those with certain labels. Raises
    `GitopsError` for anything that cannot be read, a `generateName`, a kind that nobody serves,
    and one resource given twice with other content.
    """
    catalog, items = read_documents(session, sources)
    kept, warnings = unique(
        prepare(item, namespace_of(catalog, item, namespace, explicit=explicit)) for item in items
    )
    for warning in (*(w for one in kept for w in one.warnings), *warnings):
        session.tell(f"warning: {warning}")
    wanted = parse_selector(selector)
    found = [one.manifest for one in kept if wanted.selects(labels_of(one.manifest.body))]
    if not found:
        raise GitopsError("no objects passed to apply")
    return tuple(found)


def read_documents(
    session: Session, sources: Iterable[tuple[str, bytes]]
) -> tuple[Catalog, list[Document]]:
    """Every resource in (name, content) pairs, in order, and the kinds that are known for them.

    Known are those of the cluster and those that definitions among the resources declare. Raises
    `GitopsError` for what is no resource, or of a kind that is not known.
    """
    items = [
        item
        for name, content in sources
        for document in documents(content, name)
        for item in flatten(document)
    ]
    catalog = catalog_of(session.cluster).including(
        item.body for item in items if item.body.get("kind") == "CustomResourceDefinition"
    )
    problems = [problem for item in items if (problem := _problem(catalog, item))]
    if problems:
        raise _refused(problems)
    return catalog, items


def _api(catalog: Catalog, body: Body) -> Api | None:
    version: str = body["apiVersion"].rpartition("/")[2]
    return catalog.find(group_of(body["apiVersion"]), body["kind"], version)


def _refused(problems: Sequence[GitopsError]) -> GitopsError:
    """All of them at once: whoever mends one wants to know of the others."""
    hints = dict.fromkeys(hint for problem in problems for hint in problem.hints)
    return GitopsError("\n".join(problem.message for problem in problems), *hints)


def _problem(catalog: Catalog, item: Document) -> GitopsError | None:
    """Why an item can be no resource here: it is none, or nobody serves or defines its kind."""
    try:
        body = identified(item)
    except GitopsError as error:
        return error
    return None if _api(catalog, body) is not None else _unserved(item, body)


def _unserved(item: Document, body: Body) -> GitopsError:
    """kubectl's words for a kind that neither the cluster nor this input defines."""
    metadata = body["metadata"]
    name, namespace = metadata.get("name", ""), metadata.get("namespace") or ""
    message = printable(
        f'resource mapping not found for name: "{name}" namespace: "{namespace}" from '
        f'"{item.source}": no matches for kind "{body["kind"]}" in version '
        f'"{body["apiVersion"]}"; ensure CRDs are installed first'
    )
    return GitopsError(message, "kubectl api-resources")


def namespace_of(
    catalog: Catalog, document: Document, namespace: str, *, explicit: bool
) -> str | None:
    """Where a resource belongs: where it says, else in `namespace`; None where it has none.

    `GitopsError`, in kubectl's words, where it says another than the one asked for explicitly.
    """
    body = document.body
    api = _api(catalog, body)
    if api is None or not api.namespaced:
        return None
    own: str = body["metadata"].get("namespace") or namespace
    if explicit and own != namespace:
        raise GitopsError(
            f'the namespace from the provided object "{printable(own)}" does not match the '
            f'namespace "{printable(namespace)}". You must pass '
            f"'--namespace={printable(own)}' to perform this operation."
        )
    return own
