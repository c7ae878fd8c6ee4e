"""Our set as others see it: kubectl's own ApplySet code, and controllers that copy labels."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kubectl_gitops.applyset import (
    PART_OF,
    ParentState,
    belongs_to_other,
    member,
    owns,
    parent_body,
    parent_name,
    parent_state,
    set_id,
    tracked_by,
)
from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster import ConnectionOptions, connect
from kubectl_gitops.cluster.server import ApiServer
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import Body

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
CONFIG_MAP = Api("", "v1", "ConfigMap", "configmaps", True)
ENDPOINTS = Api("", "v1", "Endpoints", "endpoints", True)
SERVICE = Api("", "v1", "Service", "services", True)
ALPHA = {"KUBECTL_APPLYSET": "true"}


@pytest.fixture
def cluster(kubeconfig: Path) -> ApiServer:
    return connect(ConnectionOptions())


def config_map(namespace: str, name: str = "settings") -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def test_a_parent_survives_the_api_server(cluster: ApiServer, namespace: str) -> None:
    state = ParentState(frozenset({"ConfigMap", "Deployment.apps"}), frozenset({"db"}), "c0ffee")
    live = cluster.apply(CONFIG_MAP, parent_body("shop", namespace, state, "1.0.0"))
    assert isinstance(live, dict), live
    assert parent_state(live, "shop", namespace) == state


def test_kubectl_refuses_to_touch_our_set(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    cluster.apply(CONFIG_MAP, parent_body("shop", namespace, ParentState(), "1.0.0"))
    ours = ["apply", "--prune", f"--applyset=configmaps/{parent_name('shop')}", "-n", namespace]
    manifest = json.dumps(config_map(namespace))
    answer = kubectl(*ours, "-f", "-", input=manifest, env=ALPHA, check=False)
    assert (answer.returncode, answer.stderr) == (
        1,
        'error: ApplySet parent object "configmaps./kubectl-gitops-shop" already exists and is '
        'managed by tooling "kubectl-gitops" instead of "kubectl"\n',
    )


def test_a_set_of_kubectl_is_another_set_and_its_parent_is_not_ours(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    theirs = ["apply", "--prune", f"--applyset=configmaps/{parent_name('shop')}", "-n", namespace]
    kubectl(*theirs, "-f", "-", input=json.dumps(config_map(namespace)), env=ALPHA)
    live = cluster.get(CONFIG_MAP, namespace, "settings")
    home = cluster.get(CONFIG_MAP, namespace, parent_name("shop"))
    assert isinstance(live, dict), live
    assert isinstance(home, dict), home
    # kubectl computes the same id for the same parent; only the tooling tells the two apart.
    mine = set_id(parent_name("shop"), namespace)
    assert live["metadata"]["labels"] == {PART_OF: mine}
    assert not owns(live, mine)
    assert belongs_to_other(live, set_id(parent_name("other"), namespace)) == mine
    with pytest.raises(GitopsError, match="is not ours: its tooling is kubectl/v1"):
        parent_state(home, "shop", namespace)


def test_a_label_that_a_controller_copied_makes_no_member(
    cluster: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    mine = set_id(parent_name("shop"), namespace)
    service = config_map(namespace, "web") | {"kind": "Service"}
    del service["data"]
    service["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    live = cluster.apply(SERVICE, member(service, mine))
    kubectl("wait", "endpoints/web", "--for=create", "--timeout=30s")
    copied = cluster.get(ENDPOINTS, namespace, "web")
    assert isinstance(live, dict), live
    assert isinstance(copied, dict), copied
    assert copied["metadata"]["labels"][PART_OF] == mine
    assert (owns(live, mine), owns(copied, mine)) == (True, False)
    assert tracked_by(live) is None
