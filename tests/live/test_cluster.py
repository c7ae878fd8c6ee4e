"""Every call of the `Cluster` protocol, against a real API server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kubectl_gitops import applyset
from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster import ConnectionOptions, connect
from kubectl_gitops.cluster.link import open_link
from kubectl_gitops.cluster.server import ApiServer
from kubectl_gitops.cluster.transport import Transport
from kubectl_gitops.operations.listening import Heard, Listener
from kubectl_gitops.ports import Cause, Cluster, ClusterIdentity, Refusal
from kubectl_gitops.resource import Body
from tests.controlplane.certificates import Pki
from tests.controlplane.cluster import ControlPlane
from tests.faultproxy import Fault, FaultProxy, fault_proxy, http_answer

CONFIG_MAP = Api("", "v1", "ConfigMap", "configmaps", True)
SECRET = Api("", "v1", "Secret", "secrets", True)
NAMESPACE = Api("", "v1", "Namespace", "namespaces", False)


@pytest.fixture
def cluster(kubeconfig: Path) -> ApiServer:
    return connect(ConnectionOptions())


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[FaultProxy]:
    """In front of the API server, with the administrator's certificate."""
    pki = Pki(control_plane.data / "pki")
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
    with fault_proxy(control_plane.url, context) as proxy:
        yield proxy


@pytest.fixture
def impatient(proxy: FaultProxy) -> tuple[ApiServer, list[float]]:
    """A cluster behind the proxy that notes how long it would have waited, and does not."""
    pauses: list[float] = []
    link = open_link(ConnectionOptions(server=proxy.url))
    transport = Transport(link, sleep=pauses.append, chance=lambda: 0.5)
    return ApiServer(transport, context="", namespace="default"), pauses


def config_map(namespace: str, name: str = "settings", **data: str) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def secret(namespace: str, **rest: Any) -> Body:
    metadata = {"name": "database", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **rest}


def body(answer: Body | Refusal | None) -> Body:
    assert isinstance(answer, dict), answer
    return answer


def refusal(answer: Body | list[Body] | Refusal | None) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def version(answer: Body | Refusal | None) -> str:
    return str(body(answer)["metadata"]["resourceVersion"])


def guarded(base: Body, answer: Body, *keys: str) -> Body:
    guard = {key: answer["metadata"][key] for key in keys}
    return {**base, "metadata": {**base["metadata"], **guard}}


def test_the_api_server_is_what_the_verbs_call_a_cluster(cluster: ApiServer) -> None:
    protocol: Cluster = cluster
    assert protocol is cluster


def test_the_identity_is_that_of_the_cluster_and_of_who_asks(
    cluster: ApiServer, control_plane: ControlPlane
) -> None:
    assert cluster.identity("default") == ClusterIdentity(
        uid=control_plane.uid, context=cluster.context, user="admin", server=control_plane.url
    )


def test_the_version_is_asked_once(cluster: ApiServer) -> None:
    assert (cluster.server_version(), cluster.server_version()) == ("v1.36.3", "v1.36.3")
    assert cluster.requests == {"GET": 1}


def test_the_catalog_takes_two_requests_and_is_kept(cluster: ApiServer) -> None:
    catalog = cluster.catalog()
    assert not isinstance(catalog, Refusal)
    assert catalog.broken == ()
    deployment = catalog.named("deploy")
    assert deployment is not None
    assert (deployment.api_version, deployment.kind, deployment.namespaced) == (
        "apps/v1",
        "Deployment",
        True,
    )
    assert not [api for api in catalog.apis if "/" in api.plural]
    assert cluster.catalog() is catalog
    assert cluster.requests == {"GET": 2}
    assert cluster.catalog(fresh=True) is not catalog
    assert cluster.requests == {"GET": 4}


OLDER = http_answer("200 OK", json.dumps({"kind": "APIVersions", "versions": ["v1"]}).encode())


def test_a_server_without_aggregated_discovery_is_read_group_by_group(
    cluster: ApiServer, impatient: tuple[ApiServer, list[float]], proxy: FaultProxy
) -> None:
    older, _ = impatient
    proxy.faults.append(Fault(b"GET /api HTTP", OLDER))
    catalog, same = cluster.catalog(), older.catalog()
    assert not isinstance(catalog, Refusal)
    assert not isinstance(same, Refusal)
    assert same.apis == catalog.apis
    versions = {api.api_version for api in catalog.apis}
    assert older.requests == {"GET": 4 + len(versions)}


FORBIDDEN = Refusal(403, "Forbidden", "the server answered 403 Forbidden")


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(b"GET /api HTTP", http_answer("403 Forbidden"))],
        [Fault(b"GET /apis HTTP", http_answer("403 Forbidden"))],
        [Fault(b"GET /api HTTP", OLDER), Fault(b"GET /api HTTP", http_answer("403 Forbidden"))],
    ],
)
def test_discovery_that_is_refused_is_no_catalog(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, faults: list[Fault]
) -> None:
    cluster, _ = impatient
    proxy.faults += faults
    assert cluster.catalog() == FORBIDDEN
    assert not isinstance(cluster.catalog(), Refusal)


def test_who_may_not_read_kube_system_is_known_by_the_home_namespace(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, _ = impatient
    denied = http_answer("403 Forbidden")
    home = body(cluster.get(NAMESPACE, "", namespace))
    proxy.faults.append(Fault(b"GET /api/v1/namespaces/kube-system ", denied))
    proxy.faults.append(Fault(b"POST /apis/authentication.k8s.io/v1/selfsubjectreviews", denied))
    assert cluster.identity(namespace) == ClusterIdentity(
        uid=home["metadata"]["uid"], context="", user="", server=proxy.url
    )
    proxy.faults += [Fault(b"GET /api/v1/namespaces/", denied)] * 2
    assert cluster.identity(namespace) == FORBIDDEN


@pytest.fixture
def broken_api(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """An aggregated API whose server does not exist, as kube-prometheus leaves one."""
    group = f"{namespace}.example.com"
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "none", "namespace": namespace},
        },
    }
    control_plane.request("POST", path, service)
    control_plane.servers.until(lambda: group in groups(control_plane), "the API is announced")
    yield f"{group}/v1"
    control_plane.request("DELETE", f"{path}/v1.{group}")


def groups(control_plane: ControlPlane) -> set[str]:
    return {group["name"] for group in control_plane.request("GET", "/apis")["groups"]}


def test_an_api_without_a_server_is_named_and_hides_no_other(
    cluster: ApiServer,
    impatient: tuple[ApiServer, list[float]],
    proxy: FaultProxy,
    broken_api: str,
) -> None:
    older, _ = impatient
    proxy.faults.append(Fault(b"GET /api HTTP", OLDER))
    for catalog in (cluster.catalog(), older.catalog()):
        assert not isinstance(catalog, Refusal)
        assert catalog.broken == (broken_api,)
        assert catalog.named("deployments") is not None


def test_apply_creates_updates_and_leaves_alone(cluster: ApiServer, namespace: str) -> None:
    created = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    again = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    updated = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="2")))
    assert created["data"] == {"a": "1"}
    assert version(again) == version(created)
    assert version(updated) != version(created)
    assert cluster.get(CONFIG_MAP, namespace, "settings") == updated
    [entry] = updated["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("gitops", "Apply")
    assert cluster.requests == {"PATCH": 3, "GET": 1}


def test_a_dry_run_writes_nothing(cluster: ApiServer, namespace: str) -> None:
    shown = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1"), dry_run=True))
    assert shown["data"] == {"a": "1"}
    assert cluster.get(CONFIG_MAP, namespace, "settings") is None
    assert cluster.requests == {"PATCH (dry run)": 1, "GET": 1}


def test_a_conflict_names_the_manager_and_the_field(
    cluster: ApiServer, namespace: str, kubectl: Callable[..., Any]
) -> None:
    manifest = json.dumps(config_map(namespace, a="1"))
    kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", input=manifest)
    assert cluster.apply(CONFIG_MAP, config_map(namespace, a="2")) == Refusal(
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "other": .data.a',
        (Cause("FieldManagerConflict", ".data.a", 'conflict with "other"'),),
    )
    assert body(cluster.get(CONFIG_MAP, namespace, "settings"))["data"] == {"a": "1"}
    forced = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="2"), force=True))
    assert forced["data"] == {"a": "2"}


def test_a_write_that_was_planned_against_an_older_object_is_a_conflict(
    cluster: ApiServer, namespace: str
) -> None:
    old = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    cluster.apply(CONFIG_MAP, config_map(namespace, a="2"))
    late = guarded(config_map(namespace, a="3"), old, "uid", "resourceVersion")
    assert refusal(cluster.apply(CONFIG_MAP, late)).reason == "Conflict"
    assert body(cluster.get(CONFIG_MAP, namespace, "settings"))["data"] == {"a": "2"}


@pytest.mark.parametrize("keys", [("uid",), ("uid", "resourceVersion")])
def test_a_write_never_touches_an_object_that_was_made_anew(
    cluster: ApiServer, namespace: str, keys: tuple[str, ...]
) -> None:
    first = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    uid = first["metadata"]["uid"]
    body(cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid))
    late = guarded(config_map(namespace, a="2"), first, *keys)
    assert refusal(cluster.apply(CONFIG_MAP, late)).code == 409
    assert cluster.get(CONFIG_MAP, namespace, "settings") is None
    second = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="3")))
    assert refusal(cluster.apply(CONFIG_MAP, late)).code == 409
    assert refusal(cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid)).code == 409
    assert cluster.get(CONFIG_MAP, namespace, "settings") == second


def test_a_delete_looks_at_the_version_too(cluster: ApiServer, namespace: str) -> None:
    old = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    new = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="2")))
    uid = old["metadata"]["uid"]
    late = cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid, resource_version=version(old))
    assert refusal(late).reason == "Conflict"
    body(cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid, resource_version=version(new)))
    assert cluster.get(CONFIG_MAP, namespace, "settings") is None
    gone = cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid)
    assert refusal(gone) == Refusal(404, "NotFound", 'configmaps "settings" not found')


def test_a_dry_run_of_a_delete_really_deletes_nothing(cluster: ApiServer, namespace: str) -> None:
    live = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    uid = live["metadata"]["uid"]
    body(cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid, dry_run=True))
    assert cluster.get(CONFIG_MAP, namespace, "settings") == live
    assert cluster.requests == {"PATCH": 1, "DELETE (dry run)": 1, "GET": 1}


def test_what_a_finalizer_holds_is_answered_with_its_deletion_timestamp(
    cluster: ApiServer, namespace: str
) -> None:
    held = config_map(namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/held"]
    uid = body(cluster.apply(CONFIG_MAP, held))["metadata"]["uid"]
    answer = body(cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid, grace_period=0))
    assert "deletionTimestamp" in answer["metadata"]
    let_go = [{"op": "remove", "path": "/metadata/finalizers"}]
    body(cluster.patch(CONFIG_MAP, namespace, "settings", let_go))
    assert cluster.get(CONFIG_MAP, namespace, "settings") is None


def test_a_json_patch_is_guarded_by_what_it_replaces(cluster: ApiServer, namespace: str) -> None:
    live = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version(live)}
    change = {"op": "replace", "path": "/data/a", "value": "2"}
    patched = body(cluster.patch(CONFIG_MAP, namespace, "settings", [guard, change]))
    assert patched["data"] == {"a": "2"}
    late = cluster.patch(CONFIG_MAP, namespace, "settings", [guard, change])
    assert refusal(late).reason == "Conflict"


@pytest.mark.parametrize(
    "values",
    [
        {"stringData": {"password": 5123123}},
        {"data": {"password": "%%5123123%%"}},
        {"data": {"password": ["5123123"]}},
        {"data": {"password": {"5123123": "5123123"}}},
        {"data": ["5123123"]},
        {"data": {"tls.crt": "NTEyMzEyMw=="}, "type": "kubernetes.io/tls"},
        {"data": {"a": "NTEyMzEyMw=="}, "immutable": "5123123"},
        {"stringData": {"a": "x" * 1_100_000 + "5123123"}},
        {"data": {".dockerconfigjson": "NTEyMzEyMw=="}, "type": "kubernetes.io/dockerconfigjson"},
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_secret_that_is_not_right_is_refused_without_a_value(
    cluster: ApiServer, namespace: str, values: dict[str, Any], dry_run: bool
) -> None:
    found = refusal(cluster.apply(SECRET, secret(namespace, **values), dry_run=dry_run))
    assert not found.unknown
    assert "5123123" not in repr(found)
    assert "NTEyMzEyMw" not in repr(found)


def test_a_wrong_value_of_a_secret_is_named_by_its_field(
    cluster: ApiServer, namespace: str
) -> None:
    answer = cluster.apply(SECRET, secret(namespace, stringData={"password": 5123123}))
    assert answer == Refusal(
        500,
        "InternalError",
        "refused; what the server says about it is withheld, for it may show a value: "
        ".stringData.password: expected string",
        (Cause("FieldValueTypeInvalid", ".stringData.password", "expected string"),),
    )


def test_a_patch_that_does_not_fit_shows_no_value_where_none_may_be_shown(
    cluster: ApiServer, namespace: str
) -> None:
    body(cluster.apply(SECRET, secret(namespace, stringData={"password": "hunter2"})))
    wrong = [{"op": "replace", "path": "/data/password", "value": 5123123}]
    answer = refusal(cluster.patch(SECRET, namespace, "database", wrong))
    assert (answer.code, answer.reason, "5123123" in repr(answer)) == (422, "Invalid", False)
    body(cluster.apply(CONFIG_MAP, config_map(namespace, password="hunter2")))
    sealed = refusal(cluster.patch(CONFIG_MAP, namespace, "settings", wrong, quiet=True))
    shown = refusal(cluster.patch(CONFIG_MAP, namespace, "settings", wrong))
    assert ("5123123" in repr(sealed), "5123123" in repr(shown)) == (False, True)


@pytest.fixture
def telltale(control_plane: ControlPlane, namespace: str) -> Iterator[None]:
    """A policy that refuses every Secret of the Namespace and says what is in it."""
    group = "/apis/admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    says = "'it is ' + string(object.data.password)"
    policy = {
        "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}]},
        "validations": [{"expression": "false", "messageExpression": says}],
    }
    binding = {
        "policyName": namespace,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": here},
    }
    for kind, spec in (("", policy), ("Binding", binding)):
        metadata = {"name": namespace}
        document = {"kind": f"ValidatingAdmissionPolicy{kind}", "metadata": metadata, "spec": spec}
        path = f"{group}/validatingadmissionpolic{'ybindings' if kind else 'ies'}"
        control_plane.request("POST", path, document)
    yield
    for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        control_plane.request("DELETE", f"{group}/{plural}/{namespace}")


def test_what_an_admission_policy_says_about_a_secret_is_not_repeated(
    cluster: ApiServer, control_plane: ControlPlane, namespace: str, telltale: None
) -> None:
    apply = partial(cluster.apply, SECRET, secret(namespace, data={"password": "NTEyMzEyMw=="}))
    control_plane.servers.until(lambda: isinstance(apply(), Refusal), "the policy is in force")
    assert apply() == Refusal(
        422,
        "Invalid",
        f"secrets \"database\" is forbidden: ValidatingAdmissionPolicy '{namespace}' with binding "
        f"'{namespace}'",
    )


def test_lists_are_read_page_by_page_and_say_what_they_hold(
    kubeconfig: Path, namespace: str
) -> None:
    transport = Transport(open_link(ConnectionOptions()))
    cluster = ApiServer(transport, context="", namespace=namespace, page_size=10)
    names = [f"page-{number:02}" for number in range(25)]
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda n: cluster.apply(CONFIG_MAP, config_map(namespace, n)), names)
        assert all(isinstance(answer, dict) for answer in made)
    listed = cluster.list(CONFIG_MAP, namespace, fields="metadata.name!=kube-root-ca.crt")
    assert not isinstance(listed, Refusal)
    assert [item["metadata"]["name"] for item in listed] == names
    assert {(item["apiVersion"], item["kind"]) for item in listed} == {("v1", "ConfigMap")}
    assert cluster.requests == {"PATCH": 25, "GET": 3}


def test_a_list_can_be_narrowed_by_labels(cluster: ApiServer, namespace: str) -> None:
    marked = config_map(namespace, "marked")
    marked["metadata"]["labels"] = {"part-of": namespace}
    body(cluster.apply(CONFIG_MAP, marked))
    body(cluster.apply(CONFIG_MAP, config_map(namespace, "other")))
    listed = cluster.list(CONFIG_MAP, labels=f"part-of={namespace}")
    assert not isinstance(listed, Refusal)
    assert [item["metadata"]["name"] for item in listed] == ["marked"]
    assert cluster.list(CONFIG_MAP, labels="part-of=nobody") == []


def test_cluster_scoped_objects_have_no_namespace_in_their_path(
    cluster: ApiServer, namespace: str
) -> None:
    live = body(cluster.get(NAMESPACE, "", namespace))
    assert (live["kind"], live["metadata"]["name"]) == ("Namespace", namespace)
    role = Api("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
    assert body(cluster.get(role, "", "system:node"))["metadata"]["name"] == "system:node"


def test_a_namespaced_object_without_a_namespace_is_a_mistake_of_the_caller(
    cluster: ApiServer,
) -> None:
    with pytest.raises(ValueError, match="a ConfigMap is named without a namespace"):
        cluster.get(CONFIG_MAP, "", "settings")


def test_a_kind_that_is_not_served_is_not_taken_for_a_missing_object(
    cluster: ApiServer, namespace: str
) -> None:
    for api in (
        Api("gone.example.com", "v1", "Gone", "gones", True),
        Api("", "v1", "X", "x", True),
    ):
        assert refusal(cluster.get(api, namespace, "settings")).code == 404
        assert refusal(cluster.list(api)).code == 404


def test_a_namespace_that_is_not_there_is_named(cluster: ApiServer) -> None:
    answer = cluster.apply(CONFIG_MAP, config_map("nowhere", a="1"))
    assert answer == Refusal(404, "NotFound", 'namespaces "nowhere" not found')


def test_a_warning_of_the_server_is_passed_on_once(kubeconfig: Path, namespace: str) -> None:
    warnings: list[str] = []
    cluster = connect(ConnectionOptions(), warn=warnings.append)
    endpoints = Api("", "v1", "Endpoints", "endpoints", True)
    for name in ("a", "b"):
        metadata = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
        body(cluster.apply(endpoints, manifest))
    assert warnings == [
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    ]


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
def test_server_side_apply_refuses_an_unknown_field_whatever_validation_is_asked_for(
    cluster: ApiServer, namespace: str, validation: str
) -> None:
    services = Api("", "v1", "Service", "services", True)
    metadata = {"name": "web", "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"prots": 1}}
    assert cluster.apply(services, manifest, validation=validation) == Refusal(
        500,
        "InternalError",
        f"failed to create typed patch object ({namespace}/web; /v1, Kind=Service): "
        ".spec.prots: field not declared in schema",
    )


def test_sixteen_threads_share_one_cluster(cluster: ApiServer, namespace: str) -> None:
    names = [f"thread-{number}" for number in range(64)]
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: cluster.apply(CONFIG_MAP, config_map(namespace, n)), names))
    assert [body(answer)["metadata"]["name"] for answer in made] == names
    assert cluster.requests == {"PATCH": 64}


def test_a_write_whose_answer_was_lost_is_unknown_and_not_sent_again(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, pauses = impatient
    for verb in ("PATCH", "DELETE"):
        live = body(cluster.apply(CONFIG_MAP, config_map(namespace, a=verb)))
        uid = live["metadata"]["uid"]
        proxy.faults.append(Fault(verb.encode(), delivered=True))
        answer = (
            cluster.apply(CONFIG_MAP, config_map(namespace, a="after"))
            if verb == "PATCH"
            else cluster.delete(CONFIG_MAP, namespace, "settings", uid=uid)
        )
        place = proxy.url.removeprefix("http://")
        assert answer == Refusal(
            0, "Unreachable", f"the connection to {place} was lost before an answer came"
        )
        assert refusal(answer).unknown
        found = cluster.get(CONFIG_MAP, namespace, "settings")
        assert found is None if verb == "DELETE" else body(found)["data"] == {"a": "after"}
    assert pauses == []
    assert [line.partition(b" ")[0] for line in proxy.seen] == [
        *(b"PATCH", b"PATCH", b"GET"),
        *(b"PATCH", b"DELETE", b"GET"),
    ]


def test_a_read_whose_answer_was_lost_is_sent_again(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy
) -> None:
    cluster, pauses = impatient
    proxy.faults += [Fault(b"GET", delivered=True), Fault(b"GET")]
    assert cluster.server_version() == "v1.36.3"
    assert (cluster.requests, pauses) == ({"GET": 3}, [0.2, 0.4])


def test_a_server_that_went_away_is_waited_for(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, pauses = impatient
    proxy.faults.append(Fault(b"GET", http_answer("200 OK", b"{}")))
    assert cluster.server_version() == ""
    proxy.close()
    answer = refusal(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    assert (answer.code, answer.reason, answer.unknown) == (0, "Unreachable", True)
    assert cluster.requests == {"GET": 1, "PATCH": 6}
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2]


TOO_MANY = http_answer("429 Too Many Requests", b"", "Retry-After: 3")
NOT_NOW = http_answer("503 Service Unavailable", b"", "Retry-After: 2")


def test_a_server_that_asks_for_patience_is_asked_again_when_it_said(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, pauses = impatient
    proxy.faults += [Fault(b"PATCH", TOO_MANY), Fault(b"GET", NOT_NOW), Fault(b"GET", TOO_MANY)]
    live = body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    assert cluster.get(CONFIG_MAP, namespace, "settings") == live
    assert cluster.requests == {"PATCH": 2, "GET": 3}
    assert pauses == pytest.approx([3.15, 2.1, 3.15])


def test_a_write_answered_with_503_is_not_sent_again(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, pauses = impatient
    proxy.faults.append(Fault(b"PATCH", NOT_NOW))
    answer = refusal(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    assert answer == Refusal(
        503, "", "the server answered 503 Service Unavailable", retry_after=2.0
    )
    assert (answer.unknown, cluster.requests, pauses) == (True, {"PATCH": 1}, [])


def test_patience_has_an_end(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy, namespace: str
) -> None:
    cluster, pauses = impatient
    proxy.faults += [Fault(b"GET", http_answer("429 Slow", b"", "Retry-After: 60"))]
    answer = refusal(cluster.get(CONFIG_MAP, namespace, "settings"))
    assert (answer.code, answer.reason, answer.retry_after) == (429, "TooManyRequests", 60.0)
    proxy.faults += [Fault(b"GET", TOO_MANY)] * 6
    assert refusal(cluster.get(CONFIG_MAP, namespace, "settings")).code == 429
    assert (len(pauses), proxy.faults) == (5, [])


EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "The provided continue parameter is too old",
    "reason": "Expired",
    "code": 410,
}


def test_a_list_whose_snapshot_expired_starts_again(proxy: FaultProxy, namespace: str) -> None:
    transport = Transport(open_link(ConnectionOptions(server=proxy.url)))
    cluster = ApiServer(transport, context="", namespace=namespace, page_size=2)
    names = ["a", "b", "c"]
    for name in names:
        body(cluster.apply(CONFIG_MAP, config_map(namespace, name)))
    path = f"/api/v1/namespaces/{namespace}/configmaps?limit=2&"
    answer = http_answer("410 Gone", json.dumps(EXPIRED).encode())
    second_page = Fault(f"GET {path}fieldSelector=metadata.name%21%3Dx&continue=".encode(), answer)
    proxy.faults.append(second_page)
    listed = cluster.list(CONFIG_MAP, namespace, fields="metadata.name!=x")
    assert not isinstance(listed, Refusal)
    assert [item["metadata"]["name"] for item in listed] == [*names, "kube-root-ca.crt"]
    assert (cluster.requests["GET"], proxy.faults) == (4, [])
    proxy.faults += [second_page] * 4
    refused = cluster.list(CONFIG_MAP, namespace, fields="metadata.name!=x")
    assert refused == Refusal(410, "Expired", EXPIRED["message"])


def test_what_is_no_api_server_is_told_from_one(
    impatient: tuple[ApiServer, list[float]], proxy: FaultProxy
) -> None:
    cluster, _ = impatient
    proxy.faults += [Fault(b"GET", http_answer("200 OK", b"<html>please log in</html>"))]
    answer = cluster.catalog()
    assert answer == Refusal(0, "Unreachable", "what answers there is not a Kubernetes API server")
    proxy.faults += [Fault(b"GET", http_answer("302 Found", b"", "Location: http://127.0.0.1:1/"))]
    assert cluster.catalog() == Refusal(302, "", "the server answered 302 Found")


def test_a_server_that_hangs_is_given_up_on(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str
) -> None:
    cluster = connect(ConnectionOptions(request_timeout=0.5))
    place = control_plane.url.removeprefix("https://")
    body(cluster.apply(CONFIG_MAP, config_map(namespace, a="1")))
    with control_plane.paused():
        answer = cluster.apply(CONFIG_MAP, config_map(namespace, a="2"))
    assert answer == Refusal(0, "Timeout", f"{place} did not answer in time")
    assert cluster.requests == {"PATCH": 2}


def test_a_watch_that_expired_says_so_and_begins_again_with_a_look(
    proxy: FaultProxy, namespace: str
) -> None:
    cluster = connect(ConnectionOptions(server=proxy.url))
    event = json.dumps({"type": "ERROR", "object": EXPIRED}).encode() + b"\n"
    path = f"/api/v1/namespaces/{namespace}/configmaps?labelSelector="
    expired = Fault(f"GET {path}a%3Db&watch=true".encode(), http_answer("200 OK", event))
    proxy.faults.append(expired)
    heard = cluster.watch(CONFIG_MAP, namespace, labels="a=b", stopped=lambda: False)
    assert list(heard) == [None, Refusal(410, "Expired", "the watch has expired")]

    label = f"{applyset.PART_OF}=x".replace("/", "%2F").replace("=", "%3D")
    proxy.faults.append(Fault(f"GET {path}{label}&watch=true".encode(), expired.answer))
    listener = Listener(cluster, "x")
    try:
        assert listener.listen([CONFIG_MAP], [namespace], 10.0)
        listener.wait(10.0)
        assert listener.take() == Heard(frozenset(), missed=True)
        assert proxy.faults == []
    finally:
        listener.stop()
