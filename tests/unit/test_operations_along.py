"""What a removal takes along is removed from the branch in the same commit."""

from __future__ import annotations

import pytest

from kubectl_gitops.operations.along import goes_with
from kubectl_gitops.resource import ResourceId

SHOP = ResourceId("", "Namespace", "", "shop")
WEB = ResourceId("apps", "Deployment", "shop", "web")
CONFIG = ResourceId("", "ConfigMap", "shop", "web")
ELSEWHERE = ResourceId("apps", "Deployment", "other", "web")
ROLE = ResourceId("rbac.authorization.k8s.io", "ClusterRole", "", "shop")
VOUCHERS = ResourceId(
    "apiextensions.k8s.io", "CustomResourceDefinition", "", "vouchers.example.com"
)
VOUCHER = ResourceId("example.com", "Voucher", "other", "welcome")
OTHER_VOUCHER = ResourceId("example.org", "Voucher", "other", "welcome")

CRD = {
    "spec": {
        "group": "example.com",
        "names": {"kind": "Voucher", "plural": "vouchers"},
        "versions": [{"name": "v1", "served": True}],
    }
}
DECLARED = {
    id: {} for id in (WEB, CONFIG, SHOP, ELSEWHERE, ROLE, VOUCHERS, VOUCHER, OTHER_VOUCHER)
} | {VOUCHERS: CRD}


def test_a_namespace_takes_along_what_is_declared_in_it():
    assert goes_with([SHOP], DECLARED, {}) == [CONFIG, WEB]


def test_what_is_removed_anyway_does_not_go_along():
    assert goes_with([SHOP, WEB], DECLARED, {}) == [CONFIG]


def test_a_namespace_of_another_group_is_not_one():
    assert goes_with([ResourceId("example.com", "Namespace", "", "shop")], DECLARED, {}) == []


def test_a_definition_takes_along_every_resource_of_its_kind():
    assert goes_with([VOUCHERS], DECLARED, {}) == [VOUCHER]


def test_what_a_live_definition_says_goes_before_the_branch():
    live = {VOUCHERS: {"spec": {**CRD["spec"], "group": "example.org"}}}
    assert goes_with([VOUCHERS], DECLARED, live) == [OTHER_VOUCHER]


@pytest.mark.parametrize("crd", [{}, {"spec": None}, {"spec": {"group": "example.com"}}])
def test_a_definition_that_defines_nothing_takes_nothing_along(crd):
    assert goes_with([VOUCHERS], {**DECLARED, VOUCHERS: crd}, {}) == []


def test_a_definition_that_is_nowhere_takes_nothing_along():
    assert goes_with([VOUCHERS], {WEB: {}}, {}) == []


def test_anything_else_goes_alone():
    assert goes_with([WEB, ROLE], DECLARED, {}) == []
