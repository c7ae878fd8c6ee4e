import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.ordering import (
    check_dependencies,
    depends_on_new,
    provided,
    removal_stages,
    stages,
)
from kubectl_gitops.resource import ResourceId

CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"
RBAC = "rbac.authorization.k8s.io/v1"
ADMISSION = "admissionregistration.k8s.io/v1"


def body(kind, name, wave="", needs="", **content):
    """`apps/v1/Deployment`, `shop/web` → a body with the annotations about order."""
    api_version, _, kind = kind.rpartition("/")
    namespace, _, name = name.rpartition("/")
    annotations = {
        "argocd.argoproj.io/sync-wave": wave,
        "config.kubernetes.io/depends-on": needs,
    }
    metadata = {"name": name, "annotations": {k: v for k, v in annotations.items() if v != ""}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version or "v1", "kind": kind, "metadata": metadata, **content}


def definition(name, group, kind, wave=""):
    return body(CRD, name, wave=wave, spec={"group": group, "names": {"kind": kind}})


def told(found):
    """Stages as text: `name: items`, and what is awaited after `|`."""
    return [
        f"{stage.name}: {listed(stage.items)}"
        + (f" | {listed(stage.awaited)}" if stage.barrier else "")
        for stage in found
    ]


def listed(bodies):
    return " ".join(str(ResourceId.of(one)) for one in bodies)


def applied(*bodies):
    return told(stages(bodies, lambda one: one))


def removed(*bodies):
    return told(removal_stages(bodies, lambda one: one))


SHOP = (
    body(f"{ADMISSION}/ValidatingWebhookConfiguration", "deny"),
    body(f"{ADMISSION}/MutatingWebhookConfiguration", "inject"),
    body("networking.k8s.io/v1/Ingress", "shop/web"),
    body("example.com/v1/Widget", "shop/w"),
    body("apps/v1/Deployment", "shop/web"),
    body("Pod", "shop/b"),
    body("Pod", "shop/a"),
    body("Service", "shop/web"),
    body("PersistentVolumeClaim", "shop/data"),
    body("PersistentVolume", "data"),
    body("Secret", "shop/key"),
    body("ConfigMap", "shop/conf"),
    body(f"{RBAC}/RoleBinding", "shop/r"),
    body(f"{RBAC}/Role", "shop/r"),
    body("ServiceAccount", "shop/web"),
    body("LimitRange", "shop/limits"),
    body("scheduling.k8s.io/v1/PriorityClass", "high"),
    body("Namespace", "shop"),
    definition("widgets.example.com", "example.com", "Widget"),
)

ORDERED = [
    "definitions: namespace/shop customresourcedefinition/widgets.example.com"
    " | namespace/shop customresourcedefinition/widgets.example.com",
    "classes: priorityclass/high | priorityclass/high",
    "limits: limitrange/shop/limits",
    "roles: serviceaccount/shop/web role/shop/r",
    "bindings: rolebinding/shop/r",
    "configuration: configmap/shop/conf secret/shop/key",
    "volumes: persistentvolume/data",
    "volume claims: persistentvolumeclaim/shop/data",
    "services: service/shop/web",
    "workloads: pod/shop/a pod/shop/b deployment/shop/web",
    "custom resources: widget/shop/w",
    "routes: ingress/shop/web",
    "mutating webhooks: mutatingwebhookconfiguration/inject",
    "validating webhooks: validatingwebhookconfiguration/deny",
]


def test_kinds_go_in_phases_and_ties_by_group_kind_namespace_and_name():
    assert applied(*SHOP) == ORDERED


def test_the_order_of_the_input_does_not_matter():
    assert applied(*reversed(SHOP)) == ORDERED


def test_removal_is_the_exact_reverse():
    there = stages(SHOP, lambda one: one)
    back = removal_stages(SHOP, lambda one: one)
    assert [stage.items for stage in back] == [stage.items[::-1] for stage in reversed(there)]


def test_removal_waits_for_members_of_what_goes_later_and_for_custom_resources():
    assert removed(
        definition("widgets.example.com", "example.com", "Widget"),
        body("example.com/v1/Widget", "w"),
        body("example.com/v1/Other", "o"),
        body("Namespace", "shop"),
        body("ConfigMap", "shop/inside"),
        body("ConfigMap", "elsewhere/outside"),
    ) == [
        "custom resources: widget/w other/o | widget/w other/o",
        "configuration: configmap/shop/inside configmap/elsewhere/outside | configmap/shop/inside",
        "definitions: customresourcedefinition/widgets.example.com namespace/shop",
    ]


def test_nothing_has_no_stages():
    assert applied() == []
    assert removed() == []


def test_items_are_whatever_the_caller_has():
    (stage,) = stages([("first", body("ConfigMap", "shop/c"))], lambda pair: pair[1])
    assert stage.items == (("first", body("ConfigMap", "shop/c")),)
    assert not stage.barrier


def test_a_kind_of_the_same_name_in_another_group_is_a_custom_resource():
    assert applied(
        body("serving.knative.dev/v1/Service", "shop/fn"), body("Service", "shop/web")
    ) == ["services: service/shop/web", "custom resources: service/shop/fn"]


def test_a_custom_class_whose_controller_comes_later_is_no_barrier():
    assert applied(
        body("karpenter.k8s.aws/v1/EC2NodeClass", "large"),
        body("apps/v1/Deployment", "k/karpenter"),
    ) == ["workloads: deployment/k/karpenter", "custom resources: ec2nodeclass/large"]


def test_waves_are_the_outer_order_and_each_is_awaited_whole():
    assert applied(
        body("ConfigMap", "shop/late", wave="1"),
        body("apps/v1/Deployment", "shop/web"),
        body("ConfigMap", "shop/early", wave="-2"),
        body("Service", "shop/web"),
    ) == [
        "configuration: configmap/shop/early | configmap/shop/early",
        "services: service/shop/web",
        "workloads: deployment/shop/web | service/shop/web deployment/shop/web",
        "configuration: configmap/shop/late",
    ]


def test_waves_are_removed_backwards():
    assert removed(
        body("ConfigMap", "shop/late", wave="1"),
        body("apps/v1/Deployment", "shop/web"),
        body("Service", "shop/web"),
    ) == [
        "configuration: configmap/shop/late | configmap/shop/late",
        "workloads: deployment/shop/web",
        "services: service/shop/web",
    ]


def test_a_definition_or_namespace_in_a_later_wave_pulls_its_own_along():
    assert applied(
        definition("widgets.example.com", "example.com", "Widget", wave="1"),
        body("example.com/v1/Widget", "w"),
        body("Namespace", "shop", wave="2"),
        body("ConfigMap", "shop/c"),
    ) == [
        "definitions: customresourcedefinition/widgets.example.com"
        " | customresourcedefinition/widgets.example.com",
        "custom resources: widget/w | customresourcedefinition/widgets.example.com widget/w",
        "definitions: namespace/shop | namespace/shop",
        "configuration: configmap/shop/c",
    ]


def test_depends_on_overrides_the_phase_and_is_awaited():
    assert applied(
        body("ConfigMap", "shop/conf", needs="batch/namespaces/shop/Job/setup"),
        body("batch/v1/Job", "shop/setup"),
        body("apps/v1/Deployment", "shop/web", needs="/namespaces/shop/ConfigMap/conf"),
        body("Service", "shop/web"),
    ) == [
        "services: service/shop/web",
        "workloads: job/shop/setup | job/shop/setup",
        "configuration: configmap/shop/conf | configmap/shop/conf",
        "workloads: deployment/shop/web",
    ]


def test_a_dependency_pushed_into_a_phase_names_the_stage_by_what_is_in_it():
    assert applied(
        body("ConfigMap", "shop/late", needs="apps/namespaces/shop/Deployment/web"),
        body("Secret", "shop/late", needs="apps/namespaces/shop/Deployment/web"),
        body("batch/v1/Job", "shop/late", needs="apps/namespaces/shop/Deployment/web"),
        body("apps/v1/Deployment", "shop/web"),
    ) == [
        "workloads: deployment/shop/web | deployment/shop/web",
        "configuration, workloads: configmap/shop/late secret/shop/late job/shop/late",
    ]


def test_removal_respects_depends_on_backwards():
    assert removed(
        body("ConfigMap", "shop/conf", needs="batch/namespaces/shop/Job/setup"),
        body("batch/v1/Job", "shop/setup"),
    ) == ["configuration: configmap/shop/conf | configmap/shop/conf", "workloads: job/shop/setup"]


def test_what_is_named_outside_of_the_items_is_not_waited_for():
    assert applied(body("ConfigMap", "shop/c", needs="/namespaces/shop/Secret/gone, junk")) == [
        "configuration: configmap/shop/c"
    ]


def test_resources_that_depend_on_each_other_are_named():
    one = body("ConfigMap", "shop/a", needs="/namespaces/shop/ConfigMap/b")
    other = body("ConfigMap", "shop/b", needs="/namespaces/shop/ConfigMap/a")
    with pytest.raises(GitopsError) as raised:
        applied(one, other)
    assert raised.value.message in (
        "resources that depend on each other: "
        "configmap/shop/a needs configmap/shop/b needs configmap/shop/a",
        "resources that depend on each other: "
        "configmap/shop/b needs configmap/shop/a needs configmap/shop/b",
    )


def test_a_namespace_cannot_wait_for_its_member():
    with pytest.raises(GitopsError, match="namespace/shop needs configmap/shop/a"):
        applied(
            body("Namespace", "shop", needs="/namespaces/shop/ConfigMap/a"),
            body("ConfigMap", "shop/a"),
        )


@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        (
            [body("ConfigMap", "shop/c", wave="first")],
            "configmap/shop/c: argocd.argoproj.io/sync-wave is not a whole number: first",
        ),
        (
            [body("ConfigMap", "shop/c", needs="Secret/x")],
            "configmap/shop/c: config.kubernetes.io/depends-on cannot be read: Secret/x",
        ),
        (
            [body("ConfigMap", "shop/c", needs="/namespaces/shop/Secret/gone")],
            "configmap/shop/c depends on secret/shop/gone, which is not there",
        ),
        (
            [body("ConfigMap", "shop/c", needs="/Namespace/other")],
            "configmap/shop/c depends on namespace/other, which is not there",
        ),
    ],
)
def test_an_annotation_that_cannot_be_read_or_met_is_an_error(bodies, message):
    with pytest.raises(GitopsError) as raised:
        check_dependencies(bodies)
    assert raised.value.message == message


def test_dependencies_may_be_met_by_the_input_or_from_elsewhere():
    known = {ResourceId("", "Secret", "shop", "there")}
    check_dependencies(
        [
            body(
                "ConfigMap",
                "shop/a",
                needs="/namespaces/shop/ConfigMap/b,/namespaces/shop/Secret/there",
            ),
            body("ConfigMap", "shop/b", wave="+3"),
        ],
        known,
    )


def test_an_annotation_that_is_no_text_or_map_says_nothing():
    odd = body("ConfigMap", "shop/c", wave=3)
    check_dependencies([odd, {**odd, "metadata": {"name": "x", "annotations": None}}])
    assert applied(odd) == ["configuration: configmap/shop/c"]


POD = body("Pod", "shop/p", spec={"priorityClassName": "high", "runtimeClassName": "kata"})


@pytest.mark.parametrize(
    ("dependent", "new"),
    [
        (body("example.com/v1/Widget", "w"), definition("ws.example.com", "example.com", "Widget")),
        (body("ConfigMap", "shop/c"), body("Namespace", "shop")),
        (
            body(f"{RBAC}/RoleBinding", "shop/b", roleRef={"kind": "Role", "name": "r"}),
            body(f"{RBAC}/Role", "shop/r"),
        ),
        (
            body(f"{RBAC}/RoleBinding", "shop/b", roleRef={"kind": "ClusterRole", "name": "r"}),
            body(f"{RBAC}/ClusterRole", "r"),
        ),
        (
            body(f"{RBAC}/ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "r"}),
            body(f"{RBAC}/ClusterRole", "r"),
        ),
        (POD, body("ServiceAccount", "shop/default")),
        (
            body("Pod", "shop/p", spec={"serviceAccountName": "web"}),
            body("ServiceAccount", "shop/web"),
        ),
        (POD, body("scheduling.k8s.io/v1/PriorityClass", "high")),
        (POD, body("node.k8s.io/v1/RuntimeClass", "kata")),
        (POD, body("LimitRange", "shop/limits")),
        (body("Service", "shop/web"), body("ResourceQuota", "shop/quota")),
    ],
)
def test_what_is_still_to_come_makes_a_dry_run_meaningless(dependent, new):
    assert depends_on_new(dependent, provided([new]))
    assert not depends_on_new(dependent, provided([body("Namespace", "unrelated")]))


@pytest.mark.parametrize(
    ("independent", "new"),
    [
        (body("apps/v1/Deployment", "shop/web"), body("ServiceAccount", "shop/default")),
        (body("ConfigMap", "shop/c"), body("ConfigMap", "shop/other")),
        (body("ConfigMap", "shop/c"), body("ResourceQuota", "other/quota")),
        (body("ConfigMap", "shop/c"), body("LimitRange", "shop/limits")),
        (body("ResourceQuota", "shop/quota"), body("ResourceQuota", "shop/quota")),
        (body("LimitRange", "shop/limits"), body("ResourceQuota", "shop/quota")),
        (body("Namespace", "shop"), body("Namespace", "shop")),
        (body("Pod", "shop/p"), body("ServiceAccount", "shop/other")),
        (body(f"{RBAC}/RoleBinding", "shop/b"), body(f"{RBAC}/Role", "shop/r")),
        (body("example.com/v1/Widget", "w"), body(CRD, "broken.example.com")),
    ],
)
def test_what_the_server_does_not_look_up_can_be_checked(independent, new):
    assert not depends_on_new(independent, provided([new]))
