import pytest

from kubectl_gitops.applyset import (
    PART_OF,
    ParentState,
    belongs_to_other,
    member,
    owns,
    parent_body,
    parent_name,
    parent_state,
    set_id,
    tracked_by,
)
from kubectl_gitops.errors import GitopsError

SET = set_id("kubectl-gitops-shop", "default")


def config_map(**metadata):
    named = {"name": "c", "namespace": "shop", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named}


def test_ids_are_those_of_kubectl():
    assert set_id("set1", "default", "Secret") == (
        "applyset-TJSViJwF6UhFlL4bnPXMWRnXnH4yPVy5hhP1Y3SCHVU-v1"
    )
    assert set_id("my-set", "prod") == "applyset-v6VHwH8Ycvb6h070cMT9Ezo0Wza9Gnn_PWK7B9XLF1k-v1"
    assert set_id("x", "", "Set", "example.com") != set_id("x", "", "Set")


def test_the_parent_of_a_new_set_holds_nothing():
    assert parent_body("shop", "default", ParentState(), "1.2.3") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "kubectl-gitops-shop",
            "namespace": "default",
            "labels": {"applyset.kubernetes.io/id": SET},
            "annotations": {
                "applyset.kubernetes.io/tooling": "kubectl-gitops/1.2.3",
                "applyset.kubernetes.io/contains-group-kinds": "",
                "applyset.kubernetes.io/additional-namespaces": "",
            },
        },
    }


def test_a_parent_lists_kinds_and_namespaces_in_order_and_not_its_own():
    state = ParentState(
        frozenset({"Service", "Deployment.apps", "ConfigMap"}),
        frozenset({"shop", "default", "db"}),
        "c0ffee",
    )
    assert parent_body("shop", "default", state, "1.0.0")["metadata"]["annotations"] == {
        "applyset.kubernetes.io/tooling": "kubectl-gitops/1.0.0",
        "applyset.kubernetes.io/contains-group-kinds": "ConfigMap,Deployment.apps,Service",
        "applyset.kubernetes.io/additional-namespaces": "db,shop",
        "kubectl-gitops/commit": "c0ffee",
    }


@pytest.mark.parametrize(
    "state",
    [ParentState(), ParentState(frozenset({"A.b", "C"}), frozenset({"x", "y"}), "c0ffee")],
)
def test_a_parent_is_read_as_it_was_written(state):
    assert parent_state(parent_body("shop", "default", state, "1"), "shop", "default") == state


def written(**changed):
    live = parent_body("shop", "default", ParentState(), "1")
    for part, values in changed.items():
        live["metadata"][part] = values and {**live["metadata"][part], **values}
    return live


def test_another_tools_parent_is_refused():
    with pytest.raises(GitopsError) as raised:
        parent_state(
            written(annotations={"applyset.kubernetes.io/tooling": "kubectl/v1.36.0"}),
            "shop",
            "default",
        )
    assert raised.value.message == (
        "configmap/default/kubectl-gitops-shop, the parent of the set, is not ours: "
        "its tooling is kubectl/v1.36.0"
    )
    assert raised.value.hints == ("kubectl get configmap -n default kubectl-gitops-shop -o yaml",)


def test_a_parent_without_annotations_is_refused():
    with pytest.raises(GitopsError, match="is not ours: its tooling is unnamed"):
        parent_state(written(annotations=None), "shop", "default")


@pytest.mark.parametrize("labels", [None, {"applyset.kubernetes.io/id": "applyset-other-v1"}])
def test_a_parent_with_another_id_is_refused(labels):
    with pytest.raises(GitopsError, match="does not carry the id of its set in the label"):
        parent_state(written(labels=labels), "shop", "default")


def test_a_parent_that_lost_its_kinds_is_refused():
    live = written()
    del live["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    with pytest.raises(GitopsError, match="lacks the annotation"):
        parent_state(live, "shop", "default")


def test_a_parent_without_namespaces_has_none():
    live = written()
    del live["metadata"]["annotations"]["applyset.kubernetes.io/additional-namespaces"]
    assert parent_state(live, "shop", "default") == ParentState()


def test_a_member_carries_the_label_and_the_manifest_is_not_touched():
    body = config_map(labels={"app": "x"})
    assert member(body, SET) == config_map(labels={"app": "x", PART_OF: SET})
    assert body == config_map(labels={"app": "x"})
    assert member(config_map(), SET) == config_map(labels={PART_OF: SET})
    assert member(member(body, SET), SET) == member(body, SET)


def test_a_manifest_of_another_set_is_refused():
    with pytest.raises(GitopsError) as raised:
        member(config_map(labels={PART_OF: "applyset-other-v1"}), SET)
    assert raised.value.message == (
        "configmap/shop/c: the manifest carries the label applyset.kubernetes.io/part-of of "
        "another set; remove it"
    )


def applied(fields, manager="gitops", operation="Apply", part_of=SET):
    entry = {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}
    return config_map(labels={PART_OF: part_of}, managedFields=[entry])


LABEL = {"f:metadata": {"f:labels": {f"f:{PART_OF}": {}}}}


def test_what_we_labelled_ourselves_is_a_member():
    assert owns(applied(LABEL), SET)


@pytest.mark.parametrize(
    "live",
    [
        config_map(),
        config_map(labels={PART_OF: SET}),
        applied(LABEL, manager="endpoint-controller", operation="Update"),
        applied(LABEL, operation="Update"),
        applied(LABEL, part_of="applyset-other-v1"),
        applied({"f:metadata": {"f:labels": {"f:app": {}}}}),
        applied({"f:data": {}}),
        applied(None),
    ],
)
def test_a_label_that_is_not_ours_makes_no_member(live):
    assert not owns(live, SET)


def test_another_set_is_named():
    assert belongs_to_other(config_map(labels={PART_OF: "applyset-other-v1"}), SET) == (
        "applyset-other-v1"
    )
    assert belongs_to_other(config_map(labels={PART_OF: SET}), SET) is None
    assert belongs_to_other(config_map(), SET) is None


@pytest.mark.parametrize(
    ("metadata", "tool"),
    [
        ({}, None),
        ({"labels": None, "annotations": None}, None),
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            "Flux (flux-system/apps)",
        ),
        (
            {
                "labels": {
                    "helm.toolkit.fluxcd.io/name": "redis",
                    "helm.toolkit.fluxcd.io/namespace": "db",
                }
            },
            "Flux (db/redis)",
        ),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/c"}},
            "Argo CD (shop)",
        ),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/other"}}, None),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD (shop)"),
        (
            {
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "redis"},
            },
            "Helm (redis)",
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, None),
        ({"annotations": {"meta.helm.sh/release-name": "redis"}}, None),
        ({"labels": {"kapp.k14s.io/app": "1700000000"}}, "kapp (1700000000)"),
    ],
)
def test_the_tool_that_tracks_an_object_is_named(metadata, tool):
    assert tracked_by(config_map(**metadata)) == tool


def test_the_name_of_a_parent():
    assert parent_name("shop") == "kubectl-gitops-shop"
