"""Look at the cluster and plan: what is live, what is equal beyond doubt, what a dry-run says.

Equality is proven from the live object alone where that is possible (`kubectl_gitops.equality`),
so a no-op costs LISTs; only where it is not is the API server asked for a dry-run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from kubectl_gitops import applyset, equality, takeover
from kubectl_gitops.annotations import forces, not_applied
from kubectl_gitops.catalog import Api, Catalog, declared_by
from kubectl_gitops.manifest import Manifest, OpenManifest
from kubectl_gitops.ordering import depends_on_new, provided
from kubectl_gitops.plan import Action, Change, Plan, Preview, Rights, decide, foreign
from kubectl_gitops.ports import Cluster, Refusal
from kubectl_gitops.reconcile.look import Lives, catalog_of, look, workers
from kubectl_gitops.reconcile.recreate import created_anew
from kubectl_gitops.reconcile.write import Sending, preview, served_versions
from kubectl_gitops.resource import Body, ResourceId, is_terminating
from kubectl_gitops.settings import Verdicts

_GLANCES = 3

__all__ = ["Rules", "observe", "sent_body"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all writes of one operation.

    `ignored(sent, live)` gives the JSON pointers that this set leaves to others. `adopts`: the
    manifests are made of what is live, so whatever they say becomes ours alone, and annotations
    that keep others from changing it keep nothing from that. `asks` False: nothing is dry-run, and
    what is not proven equal counts as different (`--dry-run=client`). `verdicts` are what dry-runs
    said before. `outside(id, labels)` says why something is out of the scope, empty where it is
    not: asked again of every body that is sent.
    """

    set_id: str
    ignored: Callable[[Body, Body], tuple[str, ...]]
    rights: Rights = Rights.OWN
    validation: str = "Strict"
    adopts: bool = False
    asks: bool = True
    verdicts: Verdicts = field(default_factory=Verdicts)
    outside: Callable[[ResourceId, Body], str] = lambda _, __: ""


def observe(
    cluster: Cluster,
    manifests: Sequence[OpenManifest],
    rules: Rules,
    lives: Lives | None = None,
) -> Plan:
    """Plan what would make these resources equal to their manifests.

    `lives` are objects that a LIST already brought; the rest is looked up here. A kind nobody
    serves or declares is a refusal of that resource, with the server's own words.
    """
    served = _serving(cluster, manifests)
    catalog = served.including(m.body for m in manifests if _is_crd(m.id))
    apis = {m.id: _api(catalog, m) for m in manifests}
    # Of a kind that is only declared yet nothing can be live, and nothing can be looked up.
    known = {m.id: api for m in manifests if (api := _api(served, m)) is not None}
    with workers() as pool:
        live = dict(lives or {})
        live |= look(cluster, {id: api for id, api in known.items() if id not in live}, pool)
        live = _outlasting(live)
        planner = _Planner(cluster, rules, live)
        # What others depend on goes first: whether a definition changes decides whether the
        # resources of its kind can be checked at all.
        firsts = [m for m in manifests if _is_crd(m.id)]
        changes = _planned(pool, planner, firsts, apis, frozenset())
        rest = [m for m in manifests if not _is_crd(m.id)]
        new = provided(_coming(changes.values(), rest, live))
        changes |= _planned(pool, planner, rest, apis, new)
    return Plan(tuple(changes[manifest.id] for manifest in manifests))


def _outlasting(lives: Lives) -> Lives:
    """The live objects, without what goes with a Namespace or a definition that is being deleted.

    It may look unchanged now, and is gone when its Namespace is made anew.
    """
    going = [live for live in lives.values() if isinstance(live, dict) and is_terminating(live)]
    namespaces = {live["metadata"]["name"] for live in going if live["kind"] == "Namespace"}
    kinds = {api.group_kind for live in going for api in declared_by(live)}
    return {
        id: None if id.namespace in namespaces or id.group_kind in kinds else live
        for id, live in lives.items()
    }


def _serving(cluster: Cluster, manifests: Iterable[OpenManifest]) -> Catalog:
    """What the cluster serves; asked anew where a kind is missing that may have come since."""
    catalog = catalog_of(cluster)
    if all(_api(catalog, manifest) is not None for manifest in manifests):
        return catalog
    return catalog_of(cluster, fresh=True)


def _coming(
    definitions: Iterable[Change], rest: Iterable[OpenManifest], live: Lives
) -> Iterator[Body]:
    """What this plan brings that a dry-run of the others would not see yet."""
    for change in definitions:
        if change.writes and change.sent is not None:
            yield change.sent
    for manifest in rest:
        found = live.get(manifest.id)
        if found is None or (isinstance(found, dict) and is_terminating(found)):
            yield with_namespace(manifest)


def _is_crd(id: ResourceId) -> bool:
    return (id.group, id.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition")


def _api(catalog: Catalog, manifest: OpenManifest) -> Api | None:
    version = manifest.api_version.rpartition("/")[2]
    return catalog.find(manifest.id.group, manifest.id.kind, version)


def _planned(
    pool: ThreadPoolExecutor,
    planner: _Planner,
    manifests: Iterable[OpenManifest],
    apis: Mapping[ResourceId, Api | None],
    new: frozenset[ResourceId],
) -> dict[ResourceId, Change]:
    changes = pool.map(lambda m: planner.plan(m, apis[m.id], new), manifests)
    return {change.id: change for change in changes}


@dataclass(frozen=True, slots=True)
class _Planner:
    cluster: Cluster
    rules: Rules
    lives: Lives

    def plan(self, manifest: OpenManifest, api: Api | None, new: frozenset[ResourceId]) -> Change:
        id = manifest.id
        if api is None:
            return Change(id, Action.CREATE, None, None, None, Preview(_unserved(manifest)))
        live = self._live(id, api)
        if isinstance(live, Refusal):
            return Change(id, Action.UPDATE, api, None, None, Preview(live))
        other = applyset.belongs_to_other(live, self.rules.set_id) if live else None
        if other:
            return Change(id, Action.UPDATE, api, None, live, Preview(foreign(other)))
        left_alone = None if self.rules.adopts else not_applied(manifest.body, live)
        if left_alone:
            return Change(id, Action.SKIP, api, None, live, reason=left_alone)
        sent = self._sent(manifest, live)
        if live is not None and equality.proven_equal(sent, live) is None:
            return decide(id, api, sent, live, None)
        depends = depends_on_new(sent, new) or self._is_stale(api, live)
        change = self._asked(id, api, sent, live, depends=depends, private=manifest.private)
        return replace(change, private=manifest.private)

    def _live(self, id: ResourceId, api: Api) -> Body | Refusal | None:
        """The live object in the manifest's own version: another one cannot be compared with it."""
        live = self.lives.get(id)
        if isinstance(live, dict) and live["apiVersion"] != api.api_version:
            return self.cluster.get(api, id.namespace, id.name)
        return live

    def _is_stale(self, api: Api, live: Body | None) -> bool:
        """With entries of a version no longer served every dry-run is a 500."""
        return live is not None and bool(
            takeover.restamp_patch(live, served_versions(self.cluster, api))
        )

    def _sent(self, manifest: OpenManifest, live: Body | None) -> Body:
        body = sent_body(manifest, self.rules.set_id)
        if live is None:
            return body
        return takeover.respect_ignored(body, live, self.rules.ignored(body, live))

    def _asked(
        self,
        id: ResourceId,
        api: Api,
        sent: Body,
        live: Body | None,
        *,
        depends: bool,
        private: bool,
    ) -> Change:
        if depends or not self.rules.asks:
            action = Action.CREATE if live is None else Action.UPDATE
            reason = "it cannot be checked before other writes of this change" if depends else ""
            return Change(id, action, api, sent, live, unchecked=reason)
        rules = self.rules
        known = "" if private else self._verdict(id, sent, live)
        if known and rules.verdicts.holds(known):
            return decide(id, api, sent, live, None)
        for _ in range(_GLANCES):
            how = Sending(rules.rights, rules.validation, quiet=private)
            answer = preview(self.cluster, api, sent, live, how)
            if live is None or isinstance(answer.answer, Refusal) or _is_of(answer.answer, live):
                break
            now = self.cluster.get(api, id.namespace, id.name)
            live = live if isinstance(now, Refusal) else now
        if live is not None and is_terminating(live) and isinstance(answer.answer, Refusal):
            # Judged by the one that goes, what comes would be a change of it.
            anew = created_anew(self.cluster, api, sent, live, rules.validation, quiet=private)
            answer = answer if isinstance(anew, Refusal) else Preview(anew)
        change = decide(id, api, sent, live, answer)
        if known and change.action is Action.UNCHANGED:
            rules.verdicts.keep(self._verdict(id, sent, live))
        return _retaking(change) if rules.rights is Rights.DRIFT else change

    def _verdict(self, id: ResourceId, sent: Body, live: Body | None) -> str:
        """Under which digest a dry-run is remembered; empty where none is, as of Secrets."""
        version = self.cluster.server_version()
        if live is None or isinstance(version, Refusal) or id.group_kind == "Secret":
            return ""
        return equality.verdict(sent, live, version, self.rules.validation)


def _retaking(change: Change) -> Change:
    """Where edited items beside ours are what the server refuses, the update takes them back.

    That takes two requests, of which a dry-run can only try the first.
    """
    refusal, live, sent = change.refusal, change.live, change.sent
    if refusal is None or refusal.reason != "Invalid" or live is None or sent is None:
        return change
    if forces(sent, live) or takeover.retake_patch(live, sent) is None:
        return change
    reason = "somebody put other items into its lists"
    return replace(change, preview=None, unchecked=reason, retakes=True)


def _is_of(preview: Body, live: Body) -> bool:
    """A dry-run answers with the resourceVersion it was made on.

    Where that is not the one that was read, a controller wrote in between, and what differs says
    nothing about the manifest.
    """
    version: str = preview["metadata"]["resourceVersion"]
    return version == str(live["metadata"]["resourceVersion"])


def _unserved(manifest: OpenManifest) -> Refusal:
    """kubectl's own words for a kind that the cluster does not know."""
    id = manifest.id
    return Refusal(
        404,
        "NoMatch",
        f'resource mapping not found for name: "{id.name}" namespace: "{id.namespace}": '
        f'no matches for kind "{id.kind}" in version "{manifest.api_version}"; '
        "ensure CRDs are installed first",
    )


def sent_body(manifest: OpenManifest, set_id: str) -> Body:
    """The body as it goes to the cluster: normalised, with its namespace and the set's label."""
    return applyset.member(equality.normalise(with_namespace(manifest)), set_id)


def with_namespace(manifest: Manifest | OpenManifest) -> Body:
    """The body with the namespace it lives in, which its text may leave to a default."""
    body, namespace = manifest.body, manifest.id.namespace
    if not namespace:
        return body
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}
