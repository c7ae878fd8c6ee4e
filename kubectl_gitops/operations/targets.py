"""Which resources a command line is about: named, found by a selector, or given by files.

A selector is asked of the cluster, never of the branch: what is deleted by label is what the
cluster has by then, as with kubectl.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubectl_gitops.applyset import parent_of
from kubectl_gitops.arguments import NO_NAME, Arguments
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.operations.inputs import namespace_of, read_documents
from kubectl_gitops.operations.session import Session
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import catalog_of, workers
from kubectl_gitops.resource import Body, ResourceId, group_of, labels_of
from kubectl_gitops.selector import parse_selector

__all__ = ["Selection", "given_resources", "named_resources", "selected_resources"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Where to look, and for what: label and field selectors that the API server reads.

    `namespace` is for kinds that have one; None means all of them.
    """

    namespace: str | None
    labels: str = ""
    fields: str = ""


def named_resources(
    session: Session, arguments: Arguments, namespace: str | None
) -> list[ResourceId]:
    """The resources that are named, in order, each once; kubectl's words for what is none."""
    catalog = catalog_of(session.cluster)
    for word in arguments.types:
        _named(catalog, word)
    if arguments.types:
        raise GitopsError(NO_NAME)
    apis = {kind: _named(catalog, kind) for kind, _ in arguments.pairs}
    if namespace is None and any(api.namespaced for api in apis.values()):
        raise GitopsError("a resource cannot be retrieved by name across all namespaces")
    if not all(name for _, name in arguments.pairs):
        raise GitopsError("resource name may not be empty")
    return list(
        dict.fromkeys(_id(apis[kind], namespace or "", name) for kind, name in arguments.pairs)
    )


def _named(catalog: Catalog, word: str) -> Api:
    if api := catalog.named(word):
        return api
    if catalog.expand(word):
        raise GitopsError("you must specify only one resource")
    raise _no_such_type(word)


def _no_such_type(word: str) -> GitopsError:
    name = printable(word.partition(".")[0])
    return GitopsError(
        f'the server doesn\'t have a resource type "{name}"', "kubectl api-resources"
    )


def _id(api: Api, namespace: str, name: str) -> ResourceId:
    return ResourceId(api.group, api.kind, namespace if api.namespaced else "", name)


def selected_resources(
    session: Session, types: Sequence[str], selection: Selection
) -> list[ResourceId]:
    """What the cluster has of these types and the selection picks, in the server's order.

    The parent of a set is left out, and the person told: it is the set's memory. `GitopsError`
    where one of the types cannot be listed, with the server's words for each.
    """
    catalog = catalog_of(session.cluster)
    apis = list(dict.fromkeys(api for word in types for api in _expanded(catalog, word)))
    with workers() as pool:
        answers = list(pool.map(lambda api: _listed(session, api, selection), apis))
    refused = [
        _unlisted(api, selection, answer)
        for api, answer in zip(apis, answers, strict=True)
        if isinstance(answer, Refusal)
    ]
    if refused:
        raise GitopsError("\n".join(refused))
    lives = [live for answer in answers if not isinstance(answer, Refusal) for live in answer]
    for live in filter(parent_of, lives):
        session.tell(f"{ResourceId.of(live)} is left alone: it is the parent of a set")
    return list(dict.fromkeys(ResourceId.of(live) for live in lives if not parent_of(live)))


def _expanded(catalog: Catalog, word: str) -> Sequence[Api]:
    if found := catalog.expand(word):
        return found
    raise _no_such_type(word)


def _listed(session: Session, api: Api, selection: Selection) -> list[Body] | Refusal:
    namespace = (selection.namespace or "") if api.namespaced else ""
    return session.cluster.list(api, namespace, labels=selection.labels, fields=selection.fields)


def _unlisted(api: Api, selection: Selection, refusal: Refusal) -> str:
    """kubectl says which selector the server could not read, and of which kind."""
    if refusal.reason not in ("BadRequest", "NotFound"):
        return f"{refusal.heading}{refusal.message}"
    version = f"{api.group}/{api.version}"
    labels, fields = printable(selection.labels), printable(selection.fields)
    about = f'Unable to find "{version}, Resource={api.plural}" that match '
    about += f'label selector "{labels}", field selector "{fields}"'
    if not labels and not fields:
        about = f'Unable to list "{version}, Resource={api.plural}"'
    return f"{refusal.heading}{about}: {refusal.message}"


def given_resources(
    session: Session,
    sources: Iterable[tuple[str, bytes]],
    *,
    namespace: str,
    explicit: bool,
    selector: str = "",
) -> dict[ResourceId, str]:
    """The resources in (name, content) pairs that `selector` keeps, each with its file's name.

    Only what they are called counts, so one may be given twice. Raises `GitopsError` as
    `read_documents` does.
    """
    catalog, items = read_documents(session, sources)
    wanted = parse_selector(selector)
    found: dict[ResourceId, str] = {}
    for item in items:
        body = item.body
        if wanted.selects(labels_of(body)):
            where = namespace_of(catalog, item, namespace, explicit=explicit) or ""
            name = body["metadata"]["name"]
            id = ResourceId(group_of(body["apiVersion"]), body["kind"], where, name)
            found.setdefault(id, printable(item.source))
    return found
