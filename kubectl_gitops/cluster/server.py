"""One API server as `ports.Cluster` describes it: paths, parameters and bodies of the requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.cluster import discovery, watching
from kubectl_gitops.cluster.exchange import Answer, Request
from kubectl_gitops.cluster.refusals import refusal_of, status_of
from kubectl_gitops.cluster.transport import Transport
from kubectl_gitops.ports import ClusterIdentity, Refusal
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["FIELD_MANAGER", "ApiServer"]

FIELD_MANAGER = "gitops"
"""Must not start with `kubectl`: Flux and kluctl take such managers over."""

Bodies = list[Body]
"""Spelled out here because inside the class `list` is a method."""

_RESTARTS = 3
"""How often a LIST that took longer than its snapshot lives starts again."""


class ApiServer:
    """Implements `ports.Cluster`; may be used from many threads.

    `context` and `namespace` are what kubeconfig and flags chose; `namespace` is `default` where
    neither names one.
    """

    def __init__(
        self, transport: Transport, *, context: str, namespace: str, page_size: int = 500
    ) -> None:
        self.context = context
        self.namespace = namespace
        self._transport = transport
        self._page_size = page_size
        self._lock = Lock()
        self._catalog: Catalog | None = None
        self._version = ""

    @property
    def url(self) -> str:
        """Where the API server is."""
        return self._transport.server

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests were sent so far: `{"GET": 3, "PATCH (dry run)": 1}`."""
        return self._transport.requests

    def identity(self, home: str) -> ClusterIdentity | Refusal:
        """The uid of kube-system, or of the home Namespace where that may not be read."""
        namespace = self._read("/api/v1/namespaces/kube-system")
        if isinstance(namespace, Refusal) and namespace.code in (403, 404):
            namespace = self._read(f"/api/v1/namespaces/{quote(home, safe='')}")
        if isinstance(namespace, Refusal):
            return namespace
        return ClusterIdentity(namespace["metadata"]["uid"], self.context, self._user(), self.url)

    def _user(self) -> str:
        """Who the API server takes us for; empty where it does not say (before Kubernetes 1.28)."""
        api_version = "authentication.k8s.io/v1"
        review = {"apiVersion": api_version, "kind": "SelfSubjectReview"}
        path = f"/apis/{api_version}/selfsubjectreviews"
        answer = self._ask(Request("POST", path, _encoded(review), safe=True))
        if isinstance(answer, Refusal):
            return ""
        return str(answer.get("status", {}).get("userInfo", {}).get("username", ""))

    def server_version(self) -> str | Refusal:
        """`v1.36.3`; asked once."""
        if not self._version:
            answer = self._read("/version")
            if isinstance(answer, Refusal):
                return answer
            self._version = str(answer.get("gitVersion", ""))
        return self._version

    def catalog(self, *, fresh: bool = False) -> Catalog | Refusal:
        """The kinds served; what cannot be read of them is named in `Catalog.broken`."""
        with self._lock:
            if self._catalog is None or fresh:
                found = self._discovered()
                if isinstance(found, Refusal):
                    return found
                self._catalog = found
            return self._catalog

    def _discovered(self) -> Catalog | Refusal:
        core = self._read("/api", accept=discovery.ACCEPT)
        if isinstance(core, Refusal):
            return core
        groups = self._read("/apis", accept=discovery.ACCEPT)
        if isinstance(groups, Refusal):
            return groups
        if not discovery.is_aggregated(core) or not discovery.is_aggregated(groups):
            return self._discovered_one_by_one()
        apis = [*discovery.aggregated(core), *discovery.aggregated(groups)]
        return discovery.catalog_of(apis, discovery.stale(groups))

    def _discovered_one_by_one(self) -> Catalog | Refusal:
        core, groups = self._read("/api"), self._read("/apis")
        if isinstance(core, Refusal):
            return core
        if isinstance(groups, Refusal):
            return groups
        apis: list[Api] = []
        broken = []
        for version in discovery.group_versions(core, groups):
            answer = self._read(f"/apis/{version}" if "/" in version else f"/api/{version}")
            if isinstance(answer, Refusal):
                broken.append(version)
            else:
                apis += discovery.kinds_of(answer)
        return discovery.catalog_of(apis, broken)

    def get(self, api: Api, namespace: str, name: str) -> Body | Refusal | None:
        """The live object; None only where the server says that this object is not there."""
        answer = self._transport.send(Request("GET", _path(api, namespace, name), safe=True))
        if isinstance(answer, Answer) and answer.status == 404:
            details = status_of(answer.data).get("details") or {}
            if details.get("name") == name:
                return None
        return _decoded(answer, write=False, masked=_is_secret(api))

    def list(
        self, api: Api, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> Bodies | Refusal:
        """All objects; where the snapshot expires between two pages (410) it starts again."""
        found = self._pages(api, namespace, labels, fields)
        for _ in range(_RESTARTS):
            if not isinstance(found, Refusal) or found.code != 410:
                break
            found = self._pages(api, namespace, labels, fields)
        return found

    def watch(
        self, api: Api, namespace: str = "", *, labels: str = "", stopped: Callable[[], bool]
    ) -> Iterator[ResourceId | Refusal | None]:
        """What changes from now on, by name alone."""
        path = partial(_path, api, namespace, labelSelector=labels)
        return watching.watch(self._transport, api, path, stopped)

    def _pages(self, api: Api, namespace: str, labels: str, fields: str) -> Bodies | Refusal:
        found: Bodies = []
        token = ""
        while True:
            path = _path(
                api,
                namespace,
                limit=str(self._page_size),
                labelSelector=labels,
                fieldSelector=fields,
                **{"continue": token},
            )
            page = self._ask(Request("GET", path, safe=True), masked=_is_secret(api))
            if isinstance(page, Refusal):
                return page
            typed = {"apiVersion": api.api_version, "kind": api.kind}
            found += ({**typed, **item} for item in page.get("items") or ())
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return found

    def may(self, verb: str, api: Api, namespace: str = "") -> bool | Refusal:
        """Whether we may, by the answer to a SelfSubjectAccessReview; empty: in all namespaces."""
        api_version = "authorization.k8s.io/v1"
        asked = {"verb": verb, "group": api.group, "resource": api.plural, "namespace": namespace}
        spec = {"resourceAttributes": asked}
        review = {"apiVersion": api_version, "kind": "SelfSubjectAccessReview", "spec": spec}
        path = f"/apis/{api_version}/selfsubjectaccessreviews"
        answer = self._ask(Request("POST", path, _encoded(review), safe=True))
        if isinstance(answer, Refusal):
            return answer
        return bool(answer.get("status", {}).get("allowed"))

    def apply(
        self,
        api: Api,
        body: Body,
        *,
        dry_run: bool = False,
        force: bool = False,
        validation: str = "Strict",
        quiet: bool = False,
    ) -> Body | Refusal:
        """Server-side apply; the JSON body is YAML, too, which is all the content type asks for."""
        metadata = body["metadata"]
        path = _path(
            api,
            metadata.get("namespace") or "",
            metadata["name"],
            fieldManager=FIELD_MANAGER,
            fieldValidation=validation,
            force="true" if force else "false",
            dryRun="All" if dry_run else "",
        )
        request = Request(
            "PATCH", path, _encoded(body), "application/apply-patch+yaml", dry_run=dry_run
        )
        return self._ask(request, masked=quiet or _is_secret(api))

    def patch(
        self,
        api: Api,
        namespace: str,
        name: str,
        operations: Sequence[Body],
        *,
        quiet: bool = False,
    ) -> Body | Refusal:
        """An RFC 6902 patch by our field manager."""
        path = _path(api, namespace, name, fieldManager=FIELD_MANAGER)
        request = Request("PATCH", path, _encoded(list(operations)), "application/json-patch+json")
        return self._ask(request, masked=quiet or _is_secret(api))

    def delete(
        self,
        api: Api,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str = "",
        propagation: str = "Background",
        grace_period: int | None = None,
        dry_run: bool = False,
    ) -> Body | Refusal:
        """Delete exactly that object; the answer is the object where it is not gone at once.

        All options stand in the body: a `dryRun` in the query beside a body is not looked at, and
        the object is really deleted.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options: Body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: value for key, value in preconditions.items() if value},
            "propagationPolicy": propagation,
        }
        if grace_period is not None:
            options["gracePeriodSeconds"] = grace_period
        if dry_run:
            options["dryRun"] = ["All"]
        path = _path(api, namespace, name)
        request = Request("DELETE", path, _encoded(options), dry_run=dry_run)
        return self._ask(request, masked=_is_secret(api))

    def _read(self, path: str, accept: str = "application/json") -> Body | Refusal:
        return self._ask(Request("GET", path, accept=accept, safe=True))

    def _ask(self, request: Request, *, masked: bool = False) -> Body | Refusal:
        write = not (request.safe or request.dry_run)
        return _decoded(self._transport.send(request), write=write, masked=masked)


def _path(api: Api, namespace: str, name: str = "", **query: str) -> str:
    """`/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All`; empty parameters are left out.

    Names may hold a colon (`system:node`), which must not be taken for anything else.
    """
    if api.namespaced and name and not namespace:
        raise ValueError(f"a {api.kind} is named without a namespace")
    parts = ["", "apis", api.group, api.version] if api.group else ["", "api", api.version]
    if api.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts += [api.plural, quote(name, safe="")] if name else [api.plural]
    given = urlencode({key: value for key, value in query.items() if value})
    return "/".join(parts) + (f"?{given}" if given else "")


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _is_secret(api: Api) -> bool:
    return not api.group and api.kind == "Secret"


def _decoded(answer: Answer | Refusal, *, write: bool, masked: bool) -> Body | Refusal:
    if isinstance(answer, Refusal):
        return answer
    if answer.status >= 300:
        return refusal_of(
            answer.status, answer.data, answer.retry_after, write=write, masked=masked
        )
    try:
        body = json.loads(answer.data)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    return Refusal(0, "Unreachable", "what answers there is not a Kubernetes API server")
