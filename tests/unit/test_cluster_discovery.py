"""Discovery documents as a catalog."""

from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster.discovery import (
    aggregated,
    catalog_of,
    group_versions,
    is_aggregated,
    kinds_of,
    stale,
)

CORE = {
    "kind": "APIGroupDiscoveryList",
    "apiVersion": "apidiscovery.k8s.io/v2",
    "items": [
        {
            "metadata": {},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "pods",
                            "responseKind": {"group": "", "version": "", "kind": "Pod"},
                            "scope": "Namespaced",
                            "singularResource": "pod",
                            "verbs": ["get", "list"],
                            "shortNames": ["po"],
                            "categories": ["all"],
                            "subresources": [{"subresource": "log"}],
                        },
                        {"resource": "odd", "responseKind": None, "scope": "Cluster"},
                    ],
                }
            ],
        }
    ],
}
GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "apiVersion": "apidiscovery.k8s.io/v2",
    "items": [
        {
            "metadata": {"name": "autoscaling"},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        {
                            "resource": "hpas",
                            "responseKind": {"kind": "HPA"},
                            "scope": "Namespaced",
                            "verbs": [],
                        }
                    ],
                    "freshness": "Current",
                }
                for version in ("v2", "v1")
            ],
        },
        {
            "metadata": {"name": "metrics.k8s.io"},
            "versions": [{"version": "v1beta1", "freshness": "Stale"}],
        },
    ],
}
POD = Api("", "v1", "Pod", "pods", True, "pod", ("po",), ("all",), frozenset({"get", "list"}))
HPA2 = Api("autoscaling", "v2", "HPA", "hpas", True)
HPA1 = Api("autoscaling", "v1", "HPA", "hpas", True, preferred=False)


def test_the_aggregated_form_is_read_without_its_subresources() -> None:
    assert list(aggregated(CORE)) == [POD]


def test_the_version_that_comes_first_is_the_preferred_one() -> None:
    catalog = catalog_of([*aggregated(CORE), *aggregated(GROUPS)], stale(GROUPS))
    assert catalog.apis == (POD, HPA2, HPA1)


def test_a_group_version_without_a_server_is_named_and_hides_no_other() -> None:
    assert stale(CORE) == []
    assert stale(GROUPS) == ["metrics.k8s.io/v1beta1"]


OLD_CORE = {"kind": "APIVersions", "versions": ["v1"]}
OLD_GROUPS = {
    "kind": "APIGroupList",
    "groups": [
        {
            "name": "autoscaling",
            "versions": [
                {"groupVersion": "autoscaling/v1", "version": "v1"},
                {"groupVersion": "autoscaling/v2", "version": "v2"},
            ],
            "preferredVersion": {"groupVersion": "autoscaling/v2", "version": "v2"},
        },
        {
            "name": "apps",
            "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
        },
    ],
}


def test_the_older_form_is_told_from_the_aggregated_one() -> None:
    assert (is_aggregated(CORE), is_aggregated(OLD_CORE), is_aggregated(OLD_GROUPS)) == (
        True,
        False,
        False,
    )


def test_the_older_form_names_the_group_versions_to_read_preferred_ones_first() -> None:
    assert group_versions(OLD_CORE, OLD_GROUPS) == [
        "v1",
        "autoscaling/v2",
        "autoscaling/v1",
        "apps/v1",
    ]


def test_a_list_of_resources_is_read_without_its_subresources() -> None:
    pods = {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["get", "list"],
        "shortNames": ["po"],
        "categories": ["all"],
    }
    log = {"name": "pods/log", "namespaced": True, "kind": "Pod", "verbs": ["get"]}
    document = {"kind": "APIResourceList", "groupVersion": "v1", "resources": [pods, log]}
    assert list(kinds_of(document)) == [POD]
    classes = {"name": "classes", "namespaced": False, "kind": "Class", "verbs": None}
    assert list(kinds_of({"groupVersion": "a.example.com/v1", "resources": [classes]})) == [
        Api("a.example.com", "v1", "Class", "classes", False)
    ]


def test_empty_documents_hold_no_kinds() -> None:
    assert list(aggregated({"items": None})) == []
    assert group_versions({}, {}) == []
    assert list(kinds_of({"groupVersion": "v1", "resources": None})) == []
