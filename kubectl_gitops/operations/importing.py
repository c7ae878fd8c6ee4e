"""`import`: record live resources that the branch does not have, and make them the set's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_gitops.applyset import belongs_to_other
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.derived import DERIVED_KINDS, is_bootstrap, is_made_again
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.operations.session import Branch, Session
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import catalog_of, workers
from kubectl_gitops.recording import recorded_manifest
from kubectl_gitops.resource import Body, ResourceId, is_terminating
from kubectl_gitops.sealing import unmanageable

__all__ = ["Selection", "importable"]

_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")


@dataclass(frozen=True, slots=True)
class Selection:
    """What to import: kinds as a person spells them (none: all), where, and by which labels.

    `namespace` empty means every one but the system's own.
    """

    types: tuple[str, ...] = ()
    namespace: str = ""
    labels: str = ""


def importable(session: Session, branch: Branch, selection: Selection) -> list[OpenManifest]:
    """The live resources that the branch lacks, as manifests in the order of their ids."""
    catalog = catalog_of(session.cluster)
    apis = _apis(catalog, selection)
    with workers() as pool:
        listed = pool.map(lambda api: _listed(session, api, selection), apis)
        lives = {ResourceId.of(body): body for bodies in listed for body in bodies}
    rules = session.rules(branch)
    return [
        recorded_manifest(id, live)
        for id, live in sorted(lives.items())
        if id not in branch.snapshot.entries
        and not _is_derived(id, live, selection)
        and not belongs_to_other(live, rules.set_id)
    ]


def _apis(catalog: Catalog, selection: Selection) -> Sequence[Api]:
    if selection.types:
        return [_named(catalog, word) for word in selection.types]
    return [
        api
        for api in catalog.apis
        if api.preferred
        and api.group_kind not in DERIVED_KINDS
        and {"list", "patch"} <= api.verbs
        and (api.namespaced or not selection.namespace)
    ]


def _named(catalog: Catalog, word: str) -> Api:
    api = catalog.named(word)
    if api is None:
        raise GitopsError(
            f'the server doesn\'t have a resource type "{word}"', "kubectl api-resources"
        )
    return api


def _listed(session: Session, api: Api, selection: Selection) -> list[Body]:
    namespace = selection.namespace if api.namespaced else ""
    answer = session.cluster.list(api, namespace, labels=selection.labels)
    if isinstance(answer, Refusal):
        session.tell(f"warning: {api.plural} cannot be listed: {answer.message}")
        return []
    return answer


def _is_derived(id: ResourceId, live: Body, selection: Selection) -> bool:
    """Whether the cluster, or a controller in it, made the object and would make it again."""
    if is_made_again(id, live) or is_bootstrap(live):
        return True
    if is_terminating(live) or unmanageable(live) is not None:
        return True
    system = id.name if id.group_kind == "Namespace" else id.namespace
    if id.group_kind == "PriorityClass.scheduling.k8s.io" and id.name.startswith("system-"):
        return True
    return system in _SYSTEM and system != selection.namespace
