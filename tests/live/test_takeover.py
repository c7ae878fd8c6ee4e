"""Taking resources over from kubectl, on a real API server: what goes, what stays, who is named."""

from __future__ import annotations

import copy
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster import ConnectionOptions, connect
from kubectl_gitops.cluster.server import ApiServer
from kubectl_gitops.equality import proven_equal
from kubectl_gitops.fields import entries, entry_of, owned, owners
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.takeover import (
    Conflict,
    built_in_ignores,
    conflicts,
    forcible,
    hpa_targets,
    needs_takeover,
    respect_ignored,
    restamp_patch,
    takeover_patch,
)
from tests.controlplane.cluster import ControlPlane

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
CONFIG_MAP = Api("", "v1", "ConfigMap", "configmaps", True)
DEPLOYMENT = Api("apps", "v1", "Deployment", "deployments", True)
CLUSTER_ROLE = Api("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
RBAC = "rbac.authorization.k8s.io/v1"


@pytest.fixture
def cluster(kubeconfig: Path) -> ApiServer:
    return connect(ConnectionOptions())


def config_map(namespace: str, **data: str) -> Body:
    metadata = {"name": "settings", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(namespace: str, **spec: Any) -> Body:
    labels = {"app": "web"}
    container = {"name": "web", "image": "nginx:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
            **spec,
        },
    }


def read(cluster: ApiServer, api: Api, body: Body) -> Body:
    metadata = body["metadata"]
    live = cluster.get(api, metadata.get("namespace", ""), metadata["name"])
    assert isinstance(live, dict), live
    return live


def take_over(cluster: ApiServer, api: Api, body: Body, ignored: tuple[str, ...] = ()) -> Body:
    """The patch, then the ordinary apply; repeated where a controller wrote in between."""
    metadata = body["metadata"]
    while True:
        live = read(cluster, api, body)
        operations = takeover_patch(live, ignored)
        assert operations is not None
        answer = cluster.patch(api, metadata.get("namespace", ""), metadata["name"], operations)
        if not (isinstance(answer, Refusal) and answer.code == 409):
            break
    assert isinstance(answer, dict), answer
    stored = cluster.apply(api, respect_ignored(body, answer, ignored))
    assert isinstance(stored, dict), stored
    return stored


def managers(live: Body) -> list[tuple[str, str]]:
    return sorted((entry["manager"], entry["operation"]) for entry in entries(live))


@pytest.mark.parametrize(
    "command", [["apply"], ["create"], ["create", "--save-config"], ["apply", "--server-side"]]
)
def test_a_key_that_left_the_manifest_goes_with_the_first_apply(
    cluster: ApiServer, kubectl: Kubectl, namespace: str, command: list[str]
) -> None:
    kubectl(*command, "-f", "-", input=json.dumps(config_map(namespace, old="1", kept="1")))
    body = config_map(namespace, kept="2")
    assert needs_takeover(read(cluster, CONFIG_MAP, body))
    stored = take_over(cluster, CONFIG_MAP, body)
    assert stored["data"] == {"kept": "2"}
    assert "annotations" not in stored["metadata"]
    assert managers(stored) == [("gitops", "Apply")]
    assert proven_equal(body, stored) is None
    assert not needs_takeover(stored)


def test_without_the_takeover_the_key_would_stay_for_ever(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    kubectl("apply", "-f", "-", input=json.dumps(config_map(namespace, old="1", kept="1")))
    stored = cluster.apply(CONFIG_MAP, config_map(namespace, kept="2"), force=True)
    assert isinstance(stored, dict), stored
    assert stored["data"] == {"kept": "2", "old": "1"}


def test_a_takeover_of_an_object_that_moved_is_refused(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    body = config_map(namespace, a="1")
    kubectl("apply", "-f", "-", input=json.dumps(body))
    operations = takeover_patch(read(cluster, CONFIG_MAP, body))
    kubectl("annotate", "configmap", "settings", "by=hand")
    assert operations is not None
    answer = cluster.patch(CONFIG_MAP, namespace, "settings", operations)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.reason) == (409, "Conflict")


def test_replicas_of_an_autoscaler_and_a_restart_survive(
    cluster: ApiServer, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    body = deployment(namespace, replicas=1)
    kubectl("apply", "-f", "-", input=json.dumps(body))
    kubectl("rollout", "restart", "deployment/web")
    scale(control_plane, namespace, 4)
    live = read(cluster, DEPLOYMENT, body)
    ignored = built_in_ignores(body, live)
    assert ignored == ("/spec/replicas",)
    stored = take_over(cluster, DEPLOYMENT, body, ignored)
    assert stored["spec"]["replicas"] == 4
    assert (
        "kubectl.kubernetes.io/restartedAt" in stored["spec"]["template"]["metadata"]["annotations"]
    )
    (owner,) = owners(stored, "/spec/replicas")
    assert (owner.manager, owner.subresource) == ("horizontal-pod-autoscaler", "scale")


def scale(plane: ControlPlane, namespace: str, replicas: int) -> None:
    """As the autoscaler does: an update of the scale subresource."""
    place = f"/apis/apps/v1/namespaces/{namespace}/deployments/web/scale"
    wanted = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": replicas},
    }
    plane.request("PUT", f"{place}?fieldManager=horizontal-pod-autoscaler", wanted)


def test_replicas_that_an_autoscaler_is_about_to_set_are_sent_as_they_are(
    cluster: ApiServer, control_plane: ControlPlane, namespace: str
) -> None:
    body = deployment(namespace, replicas=2)
    cluster.apply(DEPLOYMENT, body)
    autoscaler = {
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    wanted = deployment(namespace, replicas=5)
    for expected in (2, 4):
        live = read(cluster, DEPLOYMENT, body)
        ignored = built_in_ignores(wanted, live, hpa_targets([autoscaler]))
        stored = cluster.apply(DEPLOYMENT, respect_ignored(wanted, live, ignored))
        assert isinstance(stored, dict), stored
        assert stored["spec"]["replicas"] == expected
        scale(control_plane, namespace, 4)


@pytest.fixture
def aggregated(cluster: ApiServer, kubectl: Kubectl, namespace: str) -> Iterator[Body]:
    """A ClusterRole made by kubectl, whose rules the controller has collected."""
    part = {
        "apiVersion": RBAC,
        "kind": "ClusterRole",
        "metadata": {"name": f"{namespace}-part", "labels": {"part-of": namespace}},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    whole = {
        "apiVersion": RBAC,
        "kind": "ClusterRole",
        "metadata": {"name": f"{namespace}-whole"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part-of": namespace}}]},
        "rules": [],
    }
    for role in (part, whole):
        kubectl("apply", "-f", "-", input=json.dumps(role))
    kubectl("wait", f"clusterrole/{namespace}-whole", "--for=jsonpath={.rules[0].verbs[0]}=get")
    yield whole
    kubectl("delete", "clusterrole", f"{namespace}-part", f"{namespace}-whole")


def test_the_rules_of_an_aggregated_role_stay(cluster: ApiServer, aggregated: Body) -> None:
    live = read(cluster, CLUSTER_ROLE, aggregated)
    ignored = built_in_ignores(aggregated, live)
    assert ignored == ("/rules",)
    stored = take_over(cluster, CLUSTER_ROLE, aggregated, ignored)
    assert stored["rules"] == live["rules"] != []


@pytest.fixture
def webhook(kubectl: Kubectl, namespace: str) -> Iterator[Body]:
    """A webhook for a kind that nobody has, made by kubectl; an injector wrote its bundle."""
    rule = {"apiGroups": [f"{namespace}.example.com"], "apiVersions": ["v1"], "resources": ["x"]}
    hook = {
        "name": "hook.example.com",
        "clientConfig": {"service": {"name": "hook", "namespace": namespace}},
        "rules": [{**rule, "operations": ["CREATE"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"{namespace}-hook"},
        "webhooks": [hook],
    }
    kind = "validatingwebhookconfiguration"
    kubectl("apply", "-f", "-", input=json.dumps(body))
    bundle = {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "Y2E="}
    patch = ["--type=json", "-p", json.dumps([bundle]), "--field-manager=cainjector"]
    kubectl("patch", kind, f"{namespace}-hook", *patch)
    yield body
    kubectl("delete", kind, f"{namespace}-hook")


def test_the_bundle_that_an_injector_wrote_stays(cluster: ApiServer, webhook: Body) -> None:
    api = Api(
        "admissionregistration.k8s.io",
        "v1",
        webhook["kind"],
        "validatingwebhookconfigurations",
        False,
    )
    ignored = built_in_ignores(webhook, read(cluster, api, webhook))
    assert ignored == ("/webhooks/name=hook.example.com/clientConfig/caBundle",)
    stored = take_over(cluster, api, webhook, ignored)
    assert stored["webhooks"][0]["clientConfig"]["caBundle"] == "Y2E="
    assert managers(stored) == [("cainjector", "Update"), ("gitops", "Apply")]


def test_a_conflict_with_an_edit_names_the_editor_and_may_be_forced_once(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    body = config_map(namespace, a="1", b="1")
    kubectl("apply", "-f", "-", input=json.dumps(body))
    kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"a":"by hand"}}')
    wanted = config_map(namespace, a="2", b="1")
    live = read(cluster, CONFIG_MAP, body)
    operations = takeover_patch(live)
    assert operations is not None
    cluster.patch(CONFIG_MAP, namespace, "settings", operations)
    refusal = cluster.apply(CONFIG_MAP, wanted)
    assert isinstance(refusal, Refusal)
    found = conflicts(refusal.causes)
    assert found == (Conflict("kubectl-patch", ".data.a", "", applied=False),)
    assert forcible(conflict.manager for conflict in found)
    assert isinstance(cluster.apply(CONFIG_MAP, wanted, force=True), dict)


def test_a_conflict_with_another_applier_says_that_it_applies(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    flux = ["apply", "--server-side", "--field-manager=flux", "-f", "-"]
    kubectl(*flux, input=json.dumps(config_map(namespace, a="1")))
    refusal = cluster.apply(CONFIG_MAP, config_map(namespace, a="2"))
    assert isinstance(refusal, Refusal)
    found = conflicts(refusal.causes)
    assert found == (Conflict("flux", ".data.a", "", applied=True),)
    assert not forcible(conflict.manager for conflict in found)


def test_a_conflict_with_a_scale_names_the_subresource(
    cluster: ApiServer, control_plane: ControlPlane, namespace: str
) -> None:
    cluster.apply(DEPLOYMENT, deployment(namespace, replicas=1))
    scale(control_plane, namespace, 2)
    refusal = cluster.apply(DEPLOYMENT, deployment(namespace, replicas=3))
    assert isinstance(refusal, Refusal)
    assert conflicts(refusal.causes) == (
        Conflict("horizontal-pod-autoscaler", ".spec.replicas", "scale", applied=False),
    )


def test_what_kubectl_applied_is_read_back_by_ownership(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    body = deployment(namespace, replicas=1)
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps(body))
    live = read(cluster, DEPLOYMENT, body)
    entry = entry_of(live, "kubectl")
    assert entry is not None
    assert owned(live, entry["fieldsV1"]) == body


@pytest.fixture
def widgets(control_plane: ControlPlane, namespace: str) -> Iterator[tuple[str, Body]]:
    """A CustomResourceDefinition of this test, served in v1 and v2."""
    group = f"{namespace}.example.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [
        {"name": "v1", "served": True, "storage": False, "schema": schema},
        {"name": "v2", "served": True, "storage": True, "schema": schema},
    ]
    names = {"plural": "widgets", "kind": "Widget"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }
    control_plane.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(crd))
    control_plane.kubectl("wait", f"crd/widgets.{group}", "--for=condition=Established")
    yield group, crd
    control_plane.kubectl("delete", "crd", f"widgets.{group}")


def widget(group: str, version: str, namespace: str) -> tuple[Api, Body]:
    metadata = {"name": "w", "namespace": namespace}
    body = {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": metadata}
    return Api(group, version, "Widget", "widgets", True), {**body, "spec": {"size": 1}}


def test_an_entry_of_a_version_no_longer_served_is_rewritten(
    cluster: ApiServer, control_plane: ControlPlane, namespace: str, widgets: tuple[str, Body]
) -> None:
    group, crd = widgets
    v1, v2 = widget(group, "v1", namespace), widget(group, "v2", namespace)
    stored = cluster.apply(*v1)
    assert isinstance(stored, dict), stored
    assert proven_equal(v2[1], read(cluster, *v2)) == "it was applied or read in another apiVersion"
    unserve(cluster, control_plane, crd, v1)
    live = read(cluster, *v2)
    refused = cluster.apply(*v2)
    assert isinstance(refused, Refusal)
    assert refused.code == 500
    operations = restamp_patch(live, {f"{group}/v2"})
    assert operations is not None
    answer = cluster.patch(v2[0], namespace, "w", operations)
    assert isinstance(answer, dict), answer
    stored = cluster.apply(*v2)
    assert isinstance(stored, dict), stored
    assert proven_equal(v2[1], stored) is None


def unserve(cluster: ApiServer, plane: ControlPlane, crd: Body, old: tuple[Api, Body]) -> None:
    """Stop serving v1, and wait until the API server has noticed."""
    without = copy.deepcopy(crd)
    without["spec"]["versions"] = without["spec"]["versions"][1:]
    plane.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(without))
    api, body = old
    for _ in range(200):
        if isinstance(cluster.get(api, body["metadata"]["namespace"], "x"), Refusal):
            return
        time.sleep(0.05)
    pytest.fail("the API server still serves v1")


def test_what_kubectl_made_in_another_version_is_taken_over_too(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    typed = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": namespace}}
    v1 = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    old = {"apiVersion": "autoscaling/v1", **typed, "spec": {**v1, "minReplicas": 2}}
    kubectl("apply", "-f", "-", input=json.dumps(old))
    v2 = Api("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True)
    new = {"apiVersion": "autoscaling/v2", **typed}
    new["spec"] = {"scaleTargetRef": target, "maxReplicas": 4}
    stored = take_over(cluster, v2, new)
    assert (stored["spec"]["maxReplicas"], stored["spec"]["minReplicas"]) == (4, 1)
    assert managers(stored) == [("gitops", "Apply")]
    assert hpa_targets([stored]) == {ResourceId("apps", "Deployment", namespace, "web")}
