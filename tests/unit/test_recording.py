"""What people set is worth a commit; what the server and its controllers wrote is not."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.recording import recorded, with_drift

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


def applied(*edits: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A live Deployment whose manifest was applied as `gitops`, with the entries of others."""
    found = live(*edits)
    return {**found, "spec": spec}


def declared(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def test_a_changed_value_is_taken_in_and_other_spellings_stay():
    wanted = applied(replicas=2, cpu="1")
    found = applied(entry("rogue", {"f:spec": {"f:replicas": {}}}), replicas=5, cpu="1")
    was = declared(replicas=2, cpu="1000m")
    assert with_drift(was, wanted, found, {"rogue"}) == declared(replicas=5, cpu="1000m")


def test_what_went_goes_and_what_is_null_or_empty_stays():
    wanted, found = applied(gone=1, empty={}), applied(empty={})
    was = declared(gone=1, empty={}, nothing=None)
    assert with_drift(was, wanted, found, ()) == declared(empty={}, nothing=None)


def test_what_the_editor_added_comes_along_and_what_others_added_does_not():
    edits = (
        entry("kubectl-edit", {"f:spec": {"f:mine": {}, "f:replicas": {}}}),
        entry("sidecar", {"f:spec": {"f:theirs": {}}}),
    )
    found = applied(*edits, replicas=5, mine=1, theirs=2)
    was = declared(replicas=2)
    assert with_drift(was, applied(replicas=2), found, {"kubectl-edit"}) == declared(
        replicas=5, mine=1
    )


def test_an_ignored_field_stays_as_declared():
    edit = entry("kubectl-edit", {"f:spec": {"f:replicas": {}, "f:mine": {}}})
    found = applied(edit, replicas=5, mine=1)
    # What is ignored does not differ in the dry-run either.
    was, wanted = declared(replicas=2), applied(replicas=5, mine=1)
    ignored = ("/spec/replicas", "/spec/mine")
    assert with_drift(was, wanted, found, {"kubectl-edit"}, ignored) == was


def test_items_with_names_are_taken_in_one_by_one():
    item = {"f:spec": {"f:env": {'k:{"name":"B"}': {}, 'k:{"name":"A"}': {"f:value": {}}}}}
    a, b, c = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C"}
    found = applied(entry("kubectl-set", item), env=[{**a, "value": "9"}, b])
    was = declared(env=[a, c])
    taken = with_drift(was, applied(env=[a, c, b]), found, {"kubectl-set"})
    assert taken == declared(env=[{"name": "A", "value": "9"}, b])


@pytest.mark.parametrize("owned", [True, False])
def test_a_list_without_names_is_one_value(owned):
    edit = entry("rogue", {"f:spec": {"f:args": {}}} if owned else {})
    wanted, found = applied(args=["a", "b"], ports=[{"p": 1}]), applied(edit, args=["b"], ports=[1])
    was = declared(args=["a", "b"], ports=[{"p": 1}])
    expected = declared(args=["b"], ports=[1])
    assert with_drift(was, wanted, found, {"rogue"}) == expected


def test_a_list_without_names_that_is_as_wanted_keeps_its_spelling():
    wanted = applied(ports=[{"p": 80, "protocol": "TCP"}], replicas=1)
    found = applied(
        entry("rogue", {"f:spec": {"f:replicas": {}}}), **{**wanted["spec"], "replicas": 2}
    )
    was = declared(ports=[{"p": 80}], replicas=1)
    assert with_drift(was, wanted, found, {"rogue"}) == declared(ports=[{"p": 80}], replicas=2)


def test_another_shape_is_taken_as_it_is():
    found = applied(port="http", more={"a": 1})
    was = declared(port={"number": 80}, more="x")
    wanted = applied(port={"number": 80}, more="x")
    assert with_drift(was, wanted, found, ()) == declared(port="http", more={"a": 1})
