"""What the command line names, as resources: manifests given by `-f`, and TYPE NAME arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.manifest import (
    Document,
    OpenManifest,
    Prepared,
    documents,
    flatten,
    prepare,
    unique,
)
from kubectl_gitops.manifest.prepare import identified
from kubectl_gitops.operations.session import Session
from kubectl_gitops.reconcile import catalog_of
from kubectl_gitops.resource import Body, ResourceId, group_of, labels_of
from kubectl_gitops.selector import parse_selector

__all__ = ["name_resources", "read_manifests"]


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
    prepared = [_prepared(catalog, item, namespace, explicit=explicit) for item in items]
    kept, warnings = unique(prepared)
    for warning in (*(w for one in kept for w in one.warnings), *warnings):
        session.tell(f"warning: {warning}")
    wanted = parse_selector(selector)
    found = [one.manifest for one in kept if wanted.selects(labels_of(one.manifest.body))]
    if not found:
        raise GitopsError("no objects passed to apply")
    return tuple(found)


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


def _prepared(catalog: Catalog, item: Document, namespace: str, *, explicit: bool) -> Prepared:
    body = item.body
    api = _api(catalog, body)
    if api is None or not api.namespaced:
        return prepare(item, None)
    own = body["metadata"].get("namespace")
    if explicit and own and own != namespace:
        raise GitopsError(
            f'the namespace from the provided object "{printable(own)}" does not match the '
            f'namespace "{printable(namespace)}". You must pass '
            f"'--namespace={printable(own)}' to perform this operation."
        )
    return prepare(item, namespace)


def name_resources(session: Session, words: Sequence[str], *, namespace: str) -> list[ResourceId]:
    """The resources that `TYPE NAME…`, `TYPE1,TYPE2 NAME…` or `TYPE/NAME…` mean, as in kubectl."""
    catalog = catalog_of(session.cluster)
    if any("/" in word for word in words):
        pairs = [_pair(word) for word in words]
    else:
        types, *names = words
        if not names:
            raise GitopsError(
                "resource(s) were provided, but no name was specified", "kubectl gitops delete -h"
            )
        pairs = [(kind, name) for kind in types.split(",") for name in names]
    return [_named(catalog, kind, name, namespace) for kind, name in pairs]


def _pair(word: str) -> tuple[str, str]:
    kind, slash, name = word.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise GitopsError(
            "there is no need to specify a resource type as a separate argument when passing "
            "arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' "
            "instead of 'kubectl get resource resource/<resource_name>'"
        )
    return kind, name


def _named(catalog: Catalog, kind: str, name: str, namespace: str) -> ResourceId:
    api = catalog.named(kind)
    if api is None:
        raise GitopsError(
            f'the server doesn\'t have a resource type "{printable(kind)}"', "kubectl api-resources"
        )
    return ResourceId(api.group, api.kind, namespace if api.namespaced else "", name)
