"""A claim that a live object is equal is never contradicted by the API server's own dry-run."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml

from kubectl_gitops.applyset import member, owns, set_id
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.cluster import ConnectionOptions, connect
from kubectl_gitops.cluster.server import ApiServer
from kubectl_gitops.equality import differences, normalise, proven_equal, same_after_preview
from kubectl_gitops.resource import Body, group_of
from tests.controlplane.cluster import ControlPlane
from tests.real_manifests import real_bodies

KINDS = list(yaml.safe_load_all(Path(__file__).with_name("kinds.yaml").read_text()))
SET = set_id("kubectl-gitops-shop", "default")
IDLE = {"Deployment": {"replicas": 0}, "StatefulSet": {"replicas": 0}, "Job": {"suspend": True}}
WRITES = 4


@pytest.fixture
def cluster(kubeconfig: Path) -> ApiServer:
    return connect(ConnectionOptions())


def api_of(catalog: Catalog, body: Body) -> Api | None:
    version = body["apiVersion"].rpartition("/")[2]
    return catalog.find(group_of(body["apiVersion"]), body["kind"], version)


def sent(manifest: Body, namespace: str) -> Body:
    """As the program sends it, and at rest: no controller has Pods to make."""
    body = copy.deepcopy(manifest)
    body["metadata"]["namespace"] = namespace
    if body["kind"] in IDLE:
        body["spec"] |= IDLE[body["kind"]]
    return member(normalise(body), SET)


def mutants(value: Any) -> Iterator[Any]:
    """Every value that differs from this one in one place, in ways that defaults might hide."""
    if isinstance(value, dict):
        yield {**value, "x-extra": "y"}
        for key in value:
            yield {other: value[other] for other in value if other != key}
            yield {**value, key: None}
            yield from ({**value, key: child} for child in mutants(value[key]))
    elif isinstance(value, list):
        yield from ([], value[1:], value[::-1], [*value, *value[-1:]])
        for n, item in enumerate(value):
            yield from ([*value[:n], child, *value[n + 1 :]] for child in mutants(item))
    elif isinstance(value, bool):
        yield from (not value, int(value))
    elif isinstance(value, int):
        yield from (value + 1, str(value), float(value))
    elif isinstance(value, str):
        yield from (value + "x", "")


def mutated(body: Body) -> list[Body]:
    """The mutants of what a body says beyond its identity, each different from the body."""
    metadata = body["metadata"]
    identity = {key: metadata[key] for key in ("name", "namespace")}
    content = {key: body[key] for key in body if key not in ("apiVersion", "kind", "status")}
    content["metadata"] = {
        key: metadata[key] for key in ("labels", "annotations", "finalizers") if key in metadata
    }
    typed = {"apiVersion": body["apiVersion"], "kind": body["kind"]}
    return [
        {**typed, **mutant, "metadata": {**mutant["metadata"], **identity}}
        for mutant in mutants(content)
        if isinstance(mutant.get("metadata"), dict) and repr(mutant) != repr(content)
    ]


def compared(cluster: ApiServer, api: Api, body: Body) -> tuple[Body, Body]:
    """The live object and the dry-run of `body` on that very state of it.

    Controllers write meanwhile; a dry-run carries the resourceVersion that it was made on.
    """
    while True:
        live = cluster.get(api, body["metadata"]["namespace"], body["metadata"]["name"])
        preview = cluster.apply(api, body, dry_run=True, force=True)
        assert isinstance(live, dict), live
        assert isinstance(preview, dict), preview
        if live["metadata"]["resourceVersion"] == preview["metadata"]["resourceVersion"]:
            return live, preview


class Judge:
    """Counts claims, and lets the API server say whether each is true."""

    def __init__(self, cluster: ApiServer) -> None:
        self.cluster = cluster
        self.claims = 0

    def hear(self, api: Api, body: Body, live: Body) -> None:
        if proven_equal(body, live) is not None:
            return
        live, preview = compared(self.cluster, api, body)
        if proven_equal(body, live) is None:
            assert same_after_preview(live, preview), differences(live, preview)
            self.claims += 1


def others_write(plane: ControlPlane, api: Api, live: Body, rng: random.Random) -> Iterator[None]:
    """Some other manager replaces the object by a mutant of it; refused ones are not counted."""
    group = f"apis/{api.group}" if api.group else "api"
    metadata = live["metadata"]
    place = f"namespaces/{metadata['namespace']}/{api.plural}/{metadata['name']}"
    candidates = mutated(live)
    for mutant in rng.sample(candidates, min(WRITES, len(candidates))):
        with suppress(HTTPError):
            plane.request(
                "PUT", f"/{group}/{api.version}/{place}?fieldManager=kubectl-edit", mutant
            )
            yield


@pytest.mark.parametrize(
    "project", ["kinds", "online-boutique", "kube-prometheus", "knative-eventing"]
)
def test_no_claim_of_equality_is_false(
    cluster: ApiServer, control_plane: ControlPlane, namespace: str, project: str
) -> None:
    manifests = KINDS if project == "kinds" else real_bodies(project)
    catalog = cluster.catalog()
    assert isinstance(catalog, Catalog)
    judge, rng = Judge(cluster), random.Random(project)
    objects = 0
    for manifest in manifests:
        api = api_of(catalog, manifest)
        if api is None or not api.namespaced or "name" not in manifest["metadata"]:
            continue
        objects += 1
        judge_one(judge, control_plane, api, sent(manifest, namespace), rng)
    assert judge.claims >= objects // 3


def judge_one(judge: Judge, plane: ControlPlane, api: Api, body: Body, rng: random.Random) -> None:
    """Applied and untouched, asked for differently, and after others wrote to it."""
    live = judge.cluster.apply(api, body)
    assert isinstance(live, dict), live
    assert owns(live, SET)
    judge.hear(api, body, live)
    for mutant in mutated(body):
        judge.hear(api, mutant, live)
    for _ in others_write(plane, api, live, rng):
        seen = judge.cluster.get(api, body["metadata"]["namespace"], body["metadata"]["name"])
        assert isinstance(seen, dict)
        judge.hear(api, body, seen)
        judge.cluster.apply(api, body, force=True)


def test_every_shape_is_proven_where_nothing_is_left_to_a_default(
    cluster: ApiServer, namespace: str
) -> None:
    catalog = cluster.catalog()
    assert isinstance(catalog, Catalog)
    reasons = {}
    for manifest in KINDS:
        api, body = api_of(catalog, manifest), sent(manifest, namespace)
        assert api is not None
        live = cluster.apply(api, body)
        assert isinstance(live, dict), live
        reasons[manifest["kind"]] = proven_equal(body, live)
    assert reasons == dict.fromkeys(reasons)


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (
            {"ports": [{"containerPort": 80}]},
            "/ports has an item without its key",
        ),
        (
            {"resources": {"limits": {"cpu": "0.5"}}},
            "/resources/limits/cpu differs",
        ),
        (
            {"env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            '/env/["N"]/valueFrom/fieldRef differs',
        ),
        (
            {"env": [{"name": "E", "value": ""}]},
            '/env/["E"]/value is gone',
        ),
    ],
)
def test_what_only_the_schema_makes_equal_is_seen_in_a_dry_run(
    cluster: ApiServer, namespace: str, container: Body, reason: str
) -> None:
    catalog = cluster.catalog()
    assert isinstance(catalog, Catalog)
    deployment = next(copy.deepcopy(body) for body in KINDS if body["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    pod["containers"] = [{"name": "web", "image": "nginx:1", **container}]
    api, body = api_of(catalog, deployment), sent(deployment, namespace)
    assert api is not None
    cluster.apply(api, body)
    live, preview = compared(cluster, api, body)
    assert proven_equal(body, live) == f'/spec/template/spec/containers/["web"]{reason}'
    assert same_after_preview(live, preview)
    assert differences(live, preview) == ()
