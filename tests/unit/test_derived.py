"""What comes back by itself is not recorded."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.derived import is_bootstrap, is_made_again
from kubectl_gitops.resource import ResourceId

OWNER = {"kind": "ReplicaSet", "name": "web", "uid": "u0", "controller": True}


def live(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", **metadata}}


@pytest.mark.parametrize(
    ("id", "metadata", "again"),
    [
        (ResourceId("", "ConfigMap", "shop", "web"), {}, False),
        (ResourceId("", "ConfigMap", "shop", "kube-root-ca.crt"), {}, True),
        (ResourceId("", "ServiceAccount", "shop", "default"), {}, True),
        (ResourceId("", "ServiceAccount", "shop", "robot"), {}, False),
        (ResourceId("serving.knative.dev", "Service", "shop", "kubernetes"), {}, False),
        (ResourceId("", "Event", "shop", "web.1"), {}, True),
        (ResourceId("discovery.k8s.io", "EndpointSlice", "shop", "web"), {}, True),
        (ResourceId("", "Pod", "shop", "web"), {}, False),
        (ResourceId("", "Pod", "shop", "web"), {"ownerReferences": [OWNER]}, True),
        (
            ResourceId("", "ConfigMap", "shop", "web"),
            {"ownerReferences": [{**OWNER, "controller": False}]},
            False,
        ),
    ],
)
def test_what_is_made_again(id, metadata, again):
    assert is_made_again(id, live(**metadata)) is again


@pytest.mark.parametrize(
    ("metadata", "brought"),
    [
        ({}, False),
        ({"labels": None, "annotations": None}, False),
        ({"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}, True),
        ({"labels": {"applyset.kubernetes.io/id": "applyset-x-v1"}}, True),
        ({"labels": {"applyset.kubernetes.io/part-of": "applyset-x-v1"}}, False),
        ({"annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}}, True),
    ],
)
def test_what_the_api_server_brought(metadata, brought):
    assert is_bootstrap(live(**metadata)) is brought
