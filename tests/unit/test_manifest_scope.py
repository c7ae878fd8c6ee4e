"""Whether a kind lives in a Namespace is known without a cluster."""

from __future__ import annotations

import pytest

from kubectl_gitops.manifest import custom_scopes, is_namespaced
from kubectl_gitops.resource import Body


def crd(**spec: object) -> Body:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "foos.x"},
        "spec": {"group": "x", "names": {"kind": "Foo"}, "scope": "Namespaced", **spec},
    }


@pytest.mark.parametrize(
    ("group", "kind", "namespaced"),
    [
        ("", "ConfigMap", True),
        ("", "Namespace", False),
        ("apps", "Deployment", True),
        ("storage.k8s.io", "CSIStorageCapacity", True),
        ("storage.k8s.io", "CSIDriver", False),
        ("networking.k8s.io", "IngressClass", False),
        ("apps", "ConfigMap", None),
        ("x", "Foo", None),
    ],
)
def test_the_built_in_kinds_are_known(group: str, kind: str, namespaced: bool | None) -> None:
    assert is_namespaced(group, kind) is namespaced
    assert is_namespaced(group, kind, {}) is namespaced


def test_a_definition_tells_of_its_kind() -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "spec": crd()["spec"]}
    assert custom_scopes([config_map, crd()]) == {("x", "Foo"): True}
    assert custom_scopes([crd(scope="Cluster")]) == {("x", "Foo"): False}
    assert is_namespaced("x", "Foo", {("x", "Foo"): False}) is False


def test_a_definition_cannot_move_a_built_in_kind() -> None:
    assert is_namespaced("", "Secret", {("", "Secret"): False}) is True


@pytest.mark.parametrize("spec", [{"scope": None}, {"names": []}, {"group": 5}])
def test_a_definition_that_no_server_would_accept_tells_nothing(spec: Body) -> None:
    assert custom_scopes([crd(**spec)]) == {}
    assert custom_scopes([crd() | {"spec": None}]) == {}
