from __future__ import annotations

from kubectl_gitops.builtin import builtin
from kubectl_gitops.catalog import Api


def test_a_kind_is_known_by_its_plural_its_kind_and_its_short_names():
    deployment = Api(
        group="apps",
        version="v1",
        kind="Deployment",
        plural="deployments",
        namespaced=True,
        singular="deployment",
        short_names=("deploy",),
        verbs=frozenset({"get", "list", "patch", "delete"}),
    )
    for word in ("deployments", "Deployment", "deploy", "deployments.apps", "deploy.v1.apps"):
        assert builtin().named(word) == deployment


def test_the_core_group_has_no_name_and_some_kinds_no_namespace_nor_short_name():
    pod, role = (
        builtin().find("", "Pod"),
        builtin().find("rbac.authorization.k8s.io", "ClusterRole"),
    )
    assert pod is not None
    assert (pod.api_version, pod.namespaced) == ("v1", True)
    assert role is not None
    assert (role.api_version, role.namespaced, role.short_names) == (
        "rbac.authorization.k8s.io/v1",
        False,
        (),
    )


def test_what_no_cluster_is_sure_to_serve_is_not_known():
    assert builtin().named("certificate.cert-manager.io") is None


def test_the_table_is_read_once():
    assert builtin() is builtin()
