import copy

import pytest

from kubectl_gitops.ports import Cause
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.takeover import (
    Conflict,
    built_in_ignores,
    conflicts,
    forcible,
    hpa_targets,
    needs_takeover,
    release_patch,
    respect_ignored,
    restamp_patch,
    retake_patch,
    takeover_patch,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def entry(manager, fields, operation="Update", time="2026-01-01T00:00:00Z", **more):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def deployment(*managed, annotations=None, **spec):
    metadata = {
        "name": "web",
        "namespace": "shop",
        "resourceVersion": "7",
        "managedFields": list(managed),
    }
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


REPLICAS = {"f:spec": {"f:replicas": {}}}
PAUSED = {"f:spec": {"f:paused": {}}}


@pytest.mark.parametrize(
    ("live", "needed"),
    [
        (deployment(), False),
        (deployment(entry("kubectl-client-side-apply", REPLICAS)), True),
        (deployment(entry("kubectl-create", REPLICAS)), True),
        (deployment(entry("kubectl-replace", REPLICAS)), True),
        (deployment(entry("before-first-apply", REPLICAS)), True),
        (deployment(entry("kubectl", REPLICAS, "Apply")), True),
        (deployment(annotations={LAST_APPLIED: "{}"}), True),
        (deployment(entry("kubectl", REPLICAS)), False),
        (deployment(entry("kubectl-edit", REPLICAS)), False),
        (deployment(entry("helm", REPLICAS)), False),
        (deployment(entry("kubectl-create", REPLICAS, subresource="status")), False),
        (deployment(entry("kubectl-create", REPLICAS, apiVersion="apps/v1beta1")), True),
        (
            deployment(entry("kubectl-create", REPLICAS), entry("gitops", REPLICAS, "Apply")),
            False,
        ),
    ],
)
def test_what_kubectl_made_and_we_never_applied_needs_a_takeover(live, needed):
    assert needs_takeover(live) is needed


def test_a_takeover_unites_the_fields_of_kubectl_and_removes_its_annotation():
    annotated = {"f:metadata": {"f:annotations": {".": {}, f"f:{LAST_APPLIED}": {}, "f:x": {}}}}
    others = [
        entry("kubectl-edit", PAUSED),
        entry("kube-controller-manager", {"f:status": {}}, subresource="status"),
        entry("kubectl-create", REPLICAS, subresource="scale"),
    ]
    live = deployment(
        others[0],
        entry(
            "kubectl-client-side-apply",
            annotated,
            time="2026-01-02T00:00:00Z",
            apiVersion="extensions/v1beta1",
        ),
        others[1],
        entry("kubectl", REPLICAS, "Apply", time="2026-01-03T00:00:00Z"),
        others[2],
        annotations={LAST_APPLIED: "{}", "x": "y"},
        replicas=2,
    )
    before = copy.deepcopy(live)
    assert takeover_patch(live) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": [
                {
                    "manager": "gitops",
                    "operation": "Apply",
                    "apiVersion": "apps/v1",
                    "time": "2026-01-03T00:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {
                        "f:metadata": {"f:annotations": {".": {}, "f:x": {}}},
                        "f:spec": {"f:replicas": {}},
                    },
                },
                *others,
            ],
        },
        {
            "op": "remove",
            "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
        },
    ]
    assert live == before


def test_a_takeover_adds_to_what_is_ours_already():
    live = deployment(entry("gitops", PAUSED, "Apply"), entry("kubectl-create", REPLICAS))
    (_, patch) = takeover_patch(live)
    (ours,) = patch["value"]
    assert ours["fieldsV1"] == {"f:spec": {"f:paused": {}, "f:replicas": {}}}


def test_ignored_fields_become_nobodys():
    live = deployment(entry("kubectl-create", {"f:spec": {"f:paused": {}, "f:replicas": {}}}))
    (_, patch) = takeover_patch(live, ["/spec/replicas"])
    assert [one["fieldsV1"] for one in patch["value"]] == [PAUSED]


def test_an_annotation_that_outlived_its_owner_is_removed_alone():
    live = deployment(entry("helm", REPLICAS), annotations={LAST_APPLIED: "{}"})
    assert [(op["op"], op["path"]) for op in takeover_patch(live)] == [
        ("replace", "/metadata/resourceVersion"),
        ("remove", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"),
    ]


def test_where_kubectl_owns_nothing_there_is_nothing_to_take():
    assert takeover_patch(deployment(entry("helm", REPLICAS))) is None


def test_entries_of_versions_no_longer_served_are_stamped_anew_and_united():
    live = deployment(
        entry("gitops", REPLICAS, "Apply", apiVersion="extensions/v1beta1"),
        entry("edit", REPLICAS, time="2026-01-01T00:00:00Z"),
        entry("edit", PAUSED, apiVersion="apps/v1beta1", time="2026-01-02T00:00:00Z"),
        entry("scale", REPLICAS, subresource="scale", apiVersion="apps/v1beta2"),
    )
    assert restamp_patch(live, {"apps/v1", "apps/v1beta2"}) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": [
                entry("gitops", REPLICAS, "Apply"),
                entry(
                    "edit",
                    {"f:spec": {"f:replicas": {}, "f:paused": {}}},
                    time="2026-01-02T00:00:00Z",
                ),
                entry("scale", REPLICAS, subresource="scale", apiVersion="apps/v1beta2"),
            ],
        },
    ]


def released(*managed, **who):
    patch = release_patch(deployment(*managed), **who)
    return None if patch is None else patch[1]["value"]


def test_what_kubectl_set_and_we_state_as_well_becomes_ours_alone():
    ours = entry("gitops", {"f:spec": {"f:replicas": {}, "f:selector": {}}}, "Apply")
    edit = entry("kubectl-edit", {"f:spec": {"f:replicas": {}, "f:paused": {}}})
    scale = entry("kubectl", REPLICAS, subresource="scale")
    others = (entry("flux", REPLICAS, "Apply"), entry("rogue", REPLICAS))
    status = entry("kubectl-patch", REPLICAS, subresource="status")
    left = entry("kubectl-edit", PAUSED)
    assert released(ours, edit, scale, *others, status) == [ours, left, *others, status]
    everyone = released(ours, edit, scale, *others, status, everyone=True)
    assert everyone == [ours, left, others[0], status]


def test_of_a_map_whose_keys_became_ours_nothing_is_left():
    ours = entry("gitops", {"f:data": {"f:a": {}}}, "Apply")
    edit = entry("kubectl-edit", {"f:data": {".": {}, "f:a": {}}})
    more = entry("kubectl-edit", {"f:data": {".": {}, "f:a": {}, "f:b": {".": {}}}})
    assert released(ours, edit) == [ours]
    left = entry("kubectl-edit", {"f:data": {"f:b": {".": {}}}})
    assert released(ours, more) == [ours, left]


def test_where_nobody_shares_a_field_nothing_is_released():
    ours, edit = entry("gitops", REPLICAS, "Apply"), entry("kubectl-edit", PAUSED)
    assert released(ours, edit, everyone=True) is None
    assert released(edit, everyone=True) is None


def test_where_all_versions_are_served_nothing_is_stamped():
    assert restamp_patch(deployment(entry("gitops", REPLICAS, "Apply")), {"apps/v1"}) is None
    assert restamp_patch(deployment(), set()) is None


def cause(message, field=".spec.replicas", reason="FieldManagerConflict"):
    return Cause(reason, field, message)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ('conflict with "flux"', Conflict("flux", ".spec.replicas", "", True)),
        (
            'conflict with "kubectl-edit" using apps/v1',
            Conflict("kubectl-edit", ".spec.replicas", "", False),
        ),
        (
            'conflict with "kubectl" with subresource "scale" using v1 at 2026-01-01T00:00:00Z',
            Conflict("kubectl", ".spec.replicas", "scale", False),
        ),
        (
            'conflict with "ctl" with subresource "status"',
            Conflict("ctl", ".spec.replicas", "status", True),
        ),
        (
            r'conflict with "a \"b\" \\" using v1',
            Conflict('a "b" \\', ".spec.replicas", "", False),
        ),
        ("something new", Conflict("", ".spec.replicas", "", True)),
    ],
)
def test_a_conflict_is_read_from_the_servers_words(message, found):
    assert conflicts([cause(message)]) == (found,)


def test_other_causes_are_no_conflicts():
    assert conflicts([cause("must be unique", reason="FieldValueDuplicate")]) == ()


@pytest.mark.parametrize(
    ("managers", "may"),
    [
        (["kubectl"], True),
        (["kubectl-edit", "kubectl-client-side-apply", "kubectl"], True),
        (["kubectl", "helm"], False),
        (["kubectly"], False),
        ([""], False),
        ([], False),
    ],
)
def test_only_a_conflict_with_kubectl_may_be_forced_at_the_first_takeover(managers, may):
    assert forcible(managers) is may


SCALE = entry("kube-controller-manager", REPLICAS, subresource="scale")


@pytest.mark.parametrize(
    ("live", "targets", "ignored"),
    [
        (deployment(SCALE, replicas=4), frozenset(), ("/spec/replicas",)),
        (
            deployment(entry("kubectl", REPLICAS, subresource="scale"), replicas=4),
            frozenset(),
            (),
        ),
        (deployment(entry("kubectl-edit", REPLICAS), replicas=4), frozenset(), ()),
        (
            deployment(replicas=1),
            frozenset({ResourceId("apps", "Deployment", "shop", "web")}),
            ("/spec/replicas",),
        ),
        (
            deployment(replicas=1),
            frozenset({ResourceId("apps", "Deployment", "other", "web")}),
            (),
        ),
    ],
)
def test_replicas_under_an_autoscaler_are_ignored(live, targets, ignored):
    assert built_in_ignores(deployment(replicas=1), live, targets) == ignored


def test_the_targets_of_autoscalers():
    def hpa(**target):
        return {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "shop"},
            "spec": {"scaleTargetRef": target},
        }

    assert hpa_targets(
        [
            hpa(apiVersion="apps/v1", kind="Deployment", name="web"),
            hpa(kind="ReplicationController", name="old"),
        ]
    ) == {
        ResourceId("apps", "Deployment", "shop", "web"),
        ResourceId("", "ReplicationController", "shop", "old"),
    }


def cluster_role(**content):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        **content,
    }


@pytest.mark.parametrize(
    ("desired", "live", "ignored"),
    [
        ({"aggregationRule": {}}, {}, ("/rules",)),
        ({}, {"aggregationRule": {}}, ("/rules",)),
        ({"rules": []}, {"rules": []}, ()),
    ],
)
def test_the_rules_of_an_aggregated_role_are_ignored(desired, live, ignored):
    assert built_in_ignores(cluster_role(**desired), cluster_role(**live)) == ignored


def webhooks(*items, managed=(), group="admissionregistration.k8s.io"):
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hooks", "managedFields": list(managed)},
        "webhooks": list(items),
    }


def hook(name, bundle=None):
    return {"name": name, "clientConfig": {"caBundle": bundle} if bundle else {"url": "https://x"}}


def bundle_of(name):
    return {"f:webhooks": {f'k:{{"name":"{name}"}}': {"f:clientConfig": {"f:caBundle": {}}}}}


def test_a_bundle_is_ignored_where_the_manifest_has_none_or_an_injector_wrote_it():
    live = webhooks(
        hook("injected", "ca"),
        hook("ours", "ca"),
        hook("stated-and-injected", "ca"),
        hook("by-hand", "ca"),
        managed=[
            entry("gitops", bundle_of("ours"), "Apply"),
            entry("cainjector", bundle_of("stated-and-injected")),
            entry("kubectl-edit", bundle_of("by-hand")),
        ],
    )
    desired = webhooks(
        hook("injected"),
        hook("ours", "new"),
        hook("stated-and-injected", "old"),
        hook("by-hand", "new"),
    )
    assert built_in_ignores(desired, live) == (
        "/webhooks/name=injected/clientConfig/caBundle",
        "/webhooks/name=stated-and-injected/clientConfig/caBundle",
    )


def test_webhooks_of_another_group_are_not_known():
    live = webhooks(hook("a", "ca"), group="example.com")
    assert built_in_ignores(webhooks(hook("a"), group="example.com"), live) == ()


def test_the_bundles_of_a_conversion_webhook_and_of_an_aggregated_api_are_ignored():
    conversion = {"webhook": {"clientConfig": {"caBundle": "ca"}}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
    }
    live = {**crd, "spec": {"conversion": conversion}}
    assert built_in_ignores({**crd, "spec": {}}, live) == (
        "/spec/conversion/webhook/clientConfig/caBundle",
    )
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "x"},
    }
    live = {**api, "spec": {"caBundle": "ca"}}
    assert built_in_ignores({**api, "spec": {}}, live) == ("/spec/caBundle",)
    assert built_in_ignores({**api, "spec": {}}, {**api, "spec": {}}) == ()


ONE = deployment(replicas=1, paused=False)


@pytest.mark.parametrize(
    ("live", "spec"),
    [
        # We own it alone: to leave it out would delete it.
        (
            deployment(entry("gitops", REPLICAS, "Apply"), replicas=4),
            {"replicas": 4, "paused": False},
        ),
        # Somebody else owns it, too, or alone, or nobody does.
        (deployment(entry("gitops", REPLICAS, "Apply"), SCALE, replicas=4), {"paused": False}),
        (deployment(SCALE, replicas=4), {"paused": False}),
        (deployment(replicas=4), {"paused": False}),
        # It is not there.
        (deployment(), {"paused": False}),
    ],
)
def test_an_ignored_field_is_neither_reset_nor_claimed(live, spec):
    before = copy.deepcopy(ONE)
    sent = respect_ignored(ONE, live, ["/spec/replicas"])
    assert sent["spec"] == spec
    assert before == ONE


def test_a_field_of_ours_that_left_the_manifest_stays_while_it_is_ignored():
    live = deployment(entry("gitops", REPLICAS, "Apply"), replicas=4)
    sent = respect_ignored(deployment(paused=False), live, ["/spec/replicas"])
    assert sent["spec"] == {"paused": False, "replicas": 4}


def test_of_an_ignored_map_only_our_part_is_sent():
    ours = {"f:metadata": {"f:annotations": {"f:a": {}}}}
    theirs = {"f:metadata": {"f:annotations": {"f:b": {}}}}
    live = deployment(
        entry("gitops", ours, "Apply"),
        entry("kubectl-rollout", theirs),
        annotations={"a": "live", "b": "live"},
    )
    desired = deployment(annotations={"a": "new", "c": "new"})
    sent = respect_ignored(desired, live, ["/metadata/annotations"])
    assert sent["metadata"]["annotations"] == {"a": "live"}


def test_inside_an_atomic_list_of_ours_the_live_value_is_sent():
    live = deployment(entry("gitops", {"f:spec": {"f:list": {}}}, "Apply"), list=[{"a": 1, "b": 2}])
    desired = deployment(list=[{"a": 9, "b": 9}])
    sent = respect_ignored(desired, live, ["/spec/list/0/b"])
    assert sent["spec"] == {"list": [{"a": 9, "b": 2}]}


def test_items_are_ignored_wherever_they_stand():
    desired = webhooks(hook("b", "new"), hook("a", "new"), hook("c", "new"))
    live = webhooks(
        hook("a", "live"),
        hook("b", "live"),
        managed=[entry("gitops", bundle_of("a"), "Apply"), entry("cainjector", bundle_of("b"))],
    )
    sent = respect_ignored(desired, live, ["/webhooks/*/clientConfig/caBundle"])
    assert sent["webhooks"] == [
        {"name": "b", "clientConfig": {}},
        hook("a", "live"),
        {"name": "c", "clientConfig": {}},
    ]


def test_nothing_ignored_changes_nothing():
    assert respect_ignored(ONE, deployment(SCALE, replicas=4), ()) is ONE


def ports(*numbers):
    return {"spec": {"ports": [{"port": n} for n in numbers], "type": "ClusterIP"}}


def test_items_that_others_put_in_place_of_ours_can_be_taken():
    http, https = 'k:{"port":80,"protocol":"TCP"}', 'k:{"port":443,"protocol":"TCP"}'
    ours = entry("gitops", {"f:spec": {"f:type": {}}}, "Apply")
    fields = {"f:ports": {https: {".": {}}, http: {"f:name": {}}}, "f:x": {https: {}}, "f:type": {}}
    edit = entry("kubectl-edit", {"f:spec": fields})
    flux = entry("flux", {"f:spec": {"f:ports": {https: {}}}}, "Apply")
    (_, replaced) = retake_patch(deployment(edit, ours, flux), ports(80))
    left = {"f:ports": {http: {"f:name": {}}}, "f:x": {https: {}}, "f:type": {}}
    assert replaced["value"] == [
        entry("gitops", {"f:spec": {"f:type": {}, "f:ports": {https: {".": {}}}}}, "Apply"),
        entry("kubectl-edit", {"f:spec": left}),
        flux,
    ]


def test_where_nobody_put_other_items_nothing_is_retaken():
    edit = entry("kubectl-edit", {"f:spec": {"f:ports": {'k:{"port":80}': {".": {}}}, "f:x": {}}})
    assert retake_patch(deployment(entry("gitops", PAUSED, "Apply"), edit), ports(80)) is None
    assert retake_patch(deployment(edit), ports(443)) is None
