"""What people set is worth a commit; what the server and its controllers wrote is not."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.recording import recorded

SPEC = {"f:spec": {"f:replicas": {}, "f:selector": {}}}
TEMPLATE = {"f:spec": {"f:template": {"f:metadata": {"f:labels": {"f:app": {}}}}}}


def entry(manager: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    found = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {**found, "subresource": subresource} if subresource else found


def live(*entries: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "u1",
            "resourceVersion": "7",
            "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "managedFields": list(entries),
            **metadata,
        },
        "spec": {
            "replicas": 2,
            "selector": {"app": "web"},
            "template": {"metadata": {"labels": {"app": "web"}, "annotations": {"restarted": "x"}}},
            "strategy": {"type": "RollingUpdate"},
        },
        "status": {"replicas": 2},
    }


def bare(**metadata: Any) -> dict[str, Any]:
    return {"name": "web", "namespace": "shop", **metadata}


def test_what_managers_set_is_kept_and_what_nobody_set_is_a_default():
    found = live(entry("kubectl-client-side-apply", SPEC), entry("kubectl-edit", TEMPLATE))
    assert recorded(found) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": bare(),
        "spec": {
            "replicas": 2,
            "selector": {"app": "web"},
            "template": {"metadata": {"labels": {"app": "web"}}},
        },
    }


@pytest.mark.parametrize(
    "other",
    [
        entry("kube-controller-manager", TEMPLATE),
        entry("kube-apiserver", TEMPLATE),
        entry("kube-scheduler", TEMPLATE),
        entry("kubelet", TEMPLATE),
        entry("cloud-controller-manager", TEMPLATE),
        entry("somebody", {"f:status": {"f:replicas": {}}}, "status"),
        entry("autoscaler", TEMPLATE, "scale"),
        {"manager": "old", "operation": "Update", "apiVersion": "apps/v1"},
    ],
)
def test_what_controllers_and_subresources_set_is_not(other):
    found = live(entry("kubectl-create", SPEC), other)
    assert recorded(found)["spec"] == {"replicas": 2, "selector": {"app": "web"}}


def test_what_a_person_scaled_to_is():
    spec = {"f:spec": {"f:selector": {"f:app": {}}}}
    scaled = entry("kubectl", {"f:spec": {"f:replicas": {}}}, "scale")
    assert recorded(live(entry("kubectl-create", spec), scaled))["spec"] == {
        "replicas": 2,
        "selector": {"app": "web"},
    }


def test_the_traces_of_a_server_and_of_kubectl_never_enter():
    noise = {
        "f:annotations": {
            "f:kubectl.kubernetes.io/last-applied-configuration": {},
            "f:team": {},
        },
        "f:labels": {"f:app": {}},
        "f:ownerReferences": {'k:{"uid":"u0"}': {}},
        "f:finalizers": {'v:"example.com/a"': {}},
        "f:deletionGracePeriodSeconds": {},
    }
    found = live(
        entry("kubectl-client-side-apply", {"f:metadata": noise}),
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "shop"},
        labels={"app": "web", "added-by-nobody": "x"},
        ownerReferences=[{"uid": "u0"}],
        finalizers=["example.com/a", "example.com/b"],
        deletionTimestamp="2026-01-02T03:04:05Z",
        deletionGracePeriodSeconds=30,
    )
    assert recorded(found) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": bare(
            annotations={"team": "shop"}, labels={"app": "web"}, finalizers=["example.com/a"]
        ),
    }


def test_annotations_that_held_kubectls_copy_alone_go_with_it():
    copy = {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}
    found = live(
        entry("kubectl-client-side-apply", {"f:metadata": copy}),
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    )
    assert recorded(found)["metadata"] == bare()


@pytest.mark.parametrize("entries", [[], [entry("kube-controller-manager", SPEC)]])
def test_where_no_person_set_anything_all_of_it_is_kept_but_what_a_server_sets(entries):
    found = live(*entries, ownerReferences=[{"uid": "u0"}])
    assert recorded(found) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": bare(),
        "spec": found["spec"],
    }


def test_the_live_object_is_not_changed():
    found = live(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})
    recorded(found)
    assert found == live(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})


def test_a_cluster_scoped_resource_has_no_namespace():
    found = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "uid": "u1"}}
    assert recorded(found) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop"},
    }
