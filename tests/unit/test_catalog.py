"""The kinds of a cluster and how a person may spell them."""

from dataclasses import replace

import pytest

from kubectl_gitops.catalog import Api, Catalog, declared_by

POD = Api("", "v1", "Pod", "pods", True, "pod", ("po",), ("all",))
SERVICE = Api("", "v1", "Service", "services", True, "service", ("svc",), ("all",))
EVENT = Api("", "v1", "Event", "events", True, "event", ("ev",))
NAMESPACE = Api("", "v1", "Namespace", "namespaces", False, "namespace", ("ns",))
DEPLOYMENT = Api("apps", "v1", "Deployment", "deployments", True, "deployment", ("deploy",))
NEW_EVENT = Api("events.k8s.io", "v1", "Event", "events", True, "event", ("ev",))
HPA2 = Api("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True)
HPA1 = Api(
    "autoscaling",
    "v1",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    True,
    short_names=("hpa",),
    categories=("all",),
    preferred=False,
)
INGRESS = Api("networking.k8s.io", "v1", "Ingress", "ingresses", True, "ingress", ("ing",))
PO = Api("food.example.com", "v1", "Po", "po", True, "po")
KNATIVE = Api("serving.knative.dev", "v1", "Service", "services", True, "service", ("ksvc",))
APIS = (
    *(KNATIVE, POD, SERVICE, EVENT, NAMESPACE, DEPLOYMENT),
    *(NEW_EVENT, HPA1, HPA2, INGRESS, PO),
)
CATALOG = Catalog(APIS)


@pytest.mark.parametrize(
    ("word", "api"),
    [
        ("deployments", DEPLOYMENT),
        ("deployment", DEPLOYMENT),
        ("Deployment", DEPLOYMENT),
        ("deploy", DEPLOYMENT),
        ("deployments.apps", DEPLOYMENT),
        ("deployments.v1.apps", DEPLOYMENT),
        ("Deployment.v1.apps", DEPLOYMENT),
        ("deployments.v2.apps", None),
        ("deployments.batch", None),
        ("ingress.networking", INGRESS),
        ("ing.networking.k8s.io", INGRESS),
        ("pods.v1", POD),
        ("pods.v1.", POD),
        ("pods.v2.", None),
        ("hpa", HPA1),
        ("horizontalpodautoscalers", HPA2),
        ("horizontalpodautoscalers.v1.autoscaling", HPA1),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_kind_is_found_by_every_spelling_that_kubectl_knows(word: str, api: Api | None) -> None:
    assert CATALOG.named(word) == api


def test_of_two_groups_the_core_one_goes_first_and_then_the_servers_order() -> None:
    assert CATALOG.named("services") == SERVICE
    assert CATALOG.named("services.serving.knative.dev") == KNATIVE
    assert CATALOG.named("ev") == EVENT
    assert CATALOG.named("events.events.k8s.io") == NEW_EVENT


def test_a_full_name_goes_before_the_short_name_of_another_kind() -> None:
    assert CATALOG.named("po") == PO


def test_a_category_stands_for_its_kinds_in_their_preferred_version() -> None:
    assert CATALOG.expand("all") == (POD, SERVICE)
    assert CATALOG.expand("ns") == (NAMESPACE,)
    assert CATALOG.expand("nonsense") == ()


def test_a_kind_is_found_in_its_preferred_version_unless_another_is_asked_for() -> None:
    group_kind = ("autoscaling", "HorizontalPodAutoscaler")
    assert CATALOG.find(*group_kind) == HPA2
    assert CATALOG.find(*group_kind, "v1") == HPA1
    assert CATALOG.find(*group_kind, "v3") is None
    assert CATALOG.find("", "Deployment") is None


def test_where_no_version_is_preferred_the_first_one_is_taken() -> None:
    assert Catalog([HPA1]).find("autoscaling", "HorizontalPodAutoscaler") == HPA1


def test_an_api_spells_its_version_and_its_kind_with_the_group() -> None:
    assert (POD.api_version, POD.group_kind) == ("v1", "Pod")
    assert (DEPLOYMENT.api_version, DEPLOYMENT.group_kind) == ("apps/v1", "Deployment.apps")


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {
            "kind": "Widget",
            "plural": "widgets",
            "singular": "widget",
            "shortNames": ["wd"],
            "categories": ["all"],
        },
        "versions": [
            {"name": "v1alpha1", "served": False},
            {"name": "v1", "served": True},
            {"name": "v1beta1", "served": True},
        ],
    },
}
WIDGET = Api("example.com", "v1", "Widget", "widgets", True, "widget", ("wd",), ("all",))
OLD_WIDGET = replace(WIDGET, version="v1beta1", preferred=False)


def test_a_definition_declares_its_kind_in_each_version_it_serves() -> None:
    assert declared_by(CRD) == (WIDGET, OLD_WIDGET)


@pytest.mark.parametrize("spec", [None, {}, {"group": "example.com", "names": {"kind": "Widget"}}])
def test_a_definition_that_does_not_say_what_it_declares_declares_nothing(spec: object) -> None:
    assert declared_by({"spec": spec}) == ()


def test_a_catalog_takes_in_the_declared_kinds_that_the_cluster_lacks() -> None:
    assert CATALOG.including([CRD]).apis == (*APIS, WIDGET, OLD_WIDGET)
    assert CATALOG.including([CRD]).including([CRD]).apis == (*APIS, WIDGET, OLD_WIDGET)
    assert CATALOG.including([]) is CATALOG
