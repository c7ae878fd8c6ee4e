"""A resource of the history is found by the words a person has for it, without any cluster."""

from __future__ import annotations

import pytest

from kubectl_gitops.builtin import is_kind
from kubectl_gitops.operations.past import _near
from kubectl_gitops.resource import ResourceId

WEB = ResourceId("apps", "Deployment", "shop", "web")
POD = ResourceId("", "Pod", "shop", "web")
INGRESS = ResourceId("networking.k8s.io", "Ingress", "shop", "web")
SHOP = ResourceId("", "Namespace", "", "shop")
VOUCHER = ResourceId("example.com", "Voucher", "shop", "welcome")
POLICY = ResourceId("example.com", "Policy", "shop", "p")
BOX = ResourceId("example.com", "Box", "shop", "b")


@pytest.mark.parametrize(
    ("id", "word"),
    [
        (WEB, "deployment"),
        (WEB, "Deployment"),
        (WEB, "deployments"),
        (WEB, "deploy"),
        (WEB, "deployments.apps"),
        (WEB, "deploy.apps"),
        (WEB, "deployment.v1.apps"),
        (POD, "po"),
        (POD, "pods.v1"),
        (INGRESS, "ingress.networking"),
        (INGRESS, "ing"),
        (SHOP, "ns"),
        (VOUCHER, "vouchers"),
        (VOUCHER, "Voucher"),
        (VOUCHER, "voucher.example.com"),
        (VOUCHER, "vouchers.v1.example.com"),
        (POLICY, "policies"),
        (BOX, "boxes"),
    ],
)
def test_these_words_mean_the_kind(id, word):
    assert is_kind(id, word)


@pytest.mark.parametrize(
    ("id", "word"),
    [
        (WEB, "deployments.extensions"),
        (WEB, "pod"),
        (WEB, "web"),
        (VOUCHER, "voucher.example.org"),
        (VOUCHER, "voucher.notexample.com"),
        (VOUCHER, "v"),
        (POD, "pods.metrics.k8s.io"),
        (ResourceId("metrics.k8s.io", "Pod", "shop", "web"), "po"),
    ],
)
def test_these_words_mean_another_one(id, word):
    assert not is_kind(id, word)


def test_near_misses_are_commands_to_run():
    known = [WEB, SHOP, VOUCHER]
    assert _near("deployment", "wbe", known) == [
        "kubectl gitops history deployment.apps/web -n shop"
    ]
    assert _near("namespace", "shopp", known) == ["kubectl gitops history namespace/shop"]
    assert _near("configmap", "nothing-like-it", known) == []
    assert _near("deployment", "web", []) == []


def test_a_near_miss_in_two_namespaces_is_named_in_both():
    other = ResourceId("apps", "Deployment", "other", "web")
    assert _near("deployment", "webb", [WEB, other]) == [
        "kubectl gitops history deployment.apps/web -n shop",
        "kubectl gitops history deployment.apps/web -n other",
    ]
