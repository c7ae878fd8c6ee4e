"""The canonical path of a resource follows from its identity alone."""

from __future__ import annotations

import pytest

from kubectl_gitops.manifest import path_of
from kubectl_gitops.resource import ResourceId

LONG = "a" * 253

PATHS = {
    ("apps", "Deployment", "shop", "web"): "shop/deployment.apps/web.yaml",
    ("", "ConfigMap", "shop", "kube-root-ca.crt"): "shop/configmap/kube-root-ca.crt.yaml",
    ("", "Namespace", "", "shop"): "_cluster/namespace/shop.yaml",
    ("storage.k8s.io", "CSIDriver", "", "x"): "_cluster/csidriver.storage.k8s.io/x.yaml",
    ("rbac.authorization.k8s.io", "ClusterRole", "", "system:Foo"): (
        "_cluster/clusterrole.rbac.authorization.k8s.io/system%3a%46oo.yaml"
    ),
    ("cert-manager.io", "Issuer", "a", "b"): "a/issuer.cert-manager.io/b.yaml",
    ("monitoring.coreos.com", "ServiceMonitor", "a", "b"): (
        "a/service-monitor.monitoring.coreos.com/b.yaml"
    ),
    ("monitoring.coreos.com", "Servicemonitor", "a", "b"): (
        "a/servicemonitor.monitoring.coreos.com/b.yaml"
    ),
    ("gateway.networking.k8s.io", "HTTPRoute", "a", "b"): (
        "a/http_route.gateway.networking.k8s.io/b.yaml"
    ),
    ("gateway.networking.k8s.io", "HttpRoute", "a", "b"): (
        "a/http-route.gateway.networking.k8s.io/b.yaml"
    ),
    ("x", "EC2Instance", "a", "b"): "a/ec_2-instance.x/b.yaml",
    ("x", "VPC", "a", "b"): "a/vpc_.x/b.yaml",
    ("x", "K8SCluster", "a", "b"): "a/k8-s-cluster.x/b.yaml",
    ("x", "fooBar", "a", "b"): "a/%5ffoo-bar.x/b.yaml",
    ("x", "Foo-Bar.x", "a", "b"): "a/foo%2d-bar%2ex.x/b.yaml",
    ("apps", "Statefulset", "a", "b"): "a/%73tatefulset.apps/b.yaml",
    ("", "Configmap", "a", "b"): "a/%63onfigmap/b.yaml",
    ("x", "Con", "con", "con"): "%63on/%63on.x/%63on.yaml",
    ("x", "Com", "com1", "nul.txt"): "%63om1/com.x/%6eul.txt.yaml",
    ("x", "Foo", "_cluster", ".hidden"): "%5fcluster/foo.x/%2ehidden.yaml",
    ("x", "Foo", "a.", "b."): "a%2e/foo.x/b..yaml",
    ("x", "Foo", ".", ".."): "%2e/foo.x/%2e..yaml",
    ("x", "Foo", "a/b", "é\ud800"): "a%2fb/foo.x/%c3%a9%ed%a0%80.yaml",
    ("x", "Foo", "a", LONG): (f"a/foo.x/{'a' * 194}~32859a3ab65ac52932e16fad6060653636d6746f.yaml"),
}


@pytest.mark.parametrize("id", PATHS, ids=lambda id: "-".join(id)[:40])
def test_a_path_says_namespace_kind_group_and_name(id: tuple[str, str, str, str]) -> None:
    assert path_of(ResourceId(*id)) == PATHS[id]


def test_a_long_name_is_not_taken_for_a_shortened_one() -> None:
    name = path_of(ResourceId("", "Pod", "a", LONG)).rpartition("/")[2].removesuffix(".yaml")
    assert path_of(ResourceId("", "Pod", "a", name)) != path_of(ResourceId("", "Pod", "a", LONG))
