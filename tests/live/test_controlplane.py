"""The control plane of the tests is a real one: what it promises, seen through kubectl."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.controlplane.cluster import ControlPlane, ControlPlaneError

PROJECT = Path(__file__).parents[2]
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.test.example.com"},
    "spec": {
        "group": "test.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def test_a_deployment_of_three_becomes_available(kubectl, namespace):
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    columns = "jsonpath={.status.readyReplicas} {.status.availableReplicas}"
    assert kubectl("get", "deployment/web", "-o", columns).stdout == "3 3"


def test_the_pods_of_a_deleted_deployment_go(kubectl, namespace):
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("delete", "deployment/web", "--cascade=foreground", "--timeout=60s")
    assert kubectl("get", "pods", "-o", "name").stdout == ""


def test_a_job_completes_and_leaves_no_pod_behind_when_it_is_deleted(kubectl, namespace):
    kubectl("create", "job", "once", "--image=busybox")
    kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=60s")
    kubectl("delete", "job/once", "--cascade=foreground", "--timeout=60s")
    assert kubectl("get", "pods", "-o", "name").stdout == ""


def test_controllers_write_under_their_own_name(kubectl, namespace):
    kubectl("create", "deployment", "web", "--image=nginx")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    managers = "jsonpath={.metadata.managedFields[*].manager}"
    shown = kubectl("get", "deployment/web", "--show-managed-fields", "-o", managers).stdout
    assert sorted(shown.split()) == ["kube-controller-manager", "kubectl-create"]


def test_a_custom_resource_definition_is_established(kubectl, namespace):
    kubectl("apply", "-f", "-", input=json.dumps(WIDGETS))
    kubectl("wait", "--for=condition=Established", "crd/widgets.test.example.com", "--timeout=60s")
    widget = {"apiVersion": "test.example.com/v1", "kind": "Widget", "metadata": {"name": "one"}}
    kubectl("apply", "-f", "-", input=json.dumps(widget))
    assert kubectl("get", "widgets", "-o", "name").stdout == "widget.test.example.com/one\n"
    kubectl("delete", "crd/widgets.test.example.com", "--timeout=60s")


def test_the_deletion_of_a_namespace_completes(kubectl, namespace):
    kubectl("create", "deployment", "web", "--image=nginx")
    kubectl("delete", "namespace", namespace, "--timeout=60s")
    refused = kubectl("get", "namespace", namespace, check=False)
    assert refused.stderr == f'Error from server (NotFound): namespaces "{namespace}" not found\n'


def test_a_second_control_plane_is_another_cluster(control_plane, second_control_plane, namespace):
    assert control_plane.uid != second_control_plane.uid
    path = f"/api/v1/namespaces?fieldSelector=metadata.name={namespace}"
    assert len(control_plane.request("GET", path)["items"]) == 1
    assert second_control_plane.request("GET", path)["items"] == []


def test_alice_may_do_what_is_bound_to_her_group_and_nothing_else(
    control_plane, kubectl, namespace
):
    alice = control_plane.kubeconfig_of("alice")
    get = ("get", "configmaps", "-n", namespace, "-o", "name")
    refused = kubectl(*get, kubeconfig=alice, check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        'Error from server (Forbidden): configmaps is forbidden: User "alice" cannot list '
        f'resource "configmaps" in API group "" in the namespace "{namespace}"\n'
    )
    kubectl("create", "role", "reader", "--verb=list", "--resource=configmaps")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--group=developers")
    assert kubectl(*get, kubeconfig=alice).stdout == "configmap/kube-root-ca.crt\n"


def test_the_namespace_of_a_test_is_the_default_one(kubectl, kubeconfig, namespace):
    shown = kubectl("config", "view", "--minify", "-o", "jsonpath={..namespace}").stdout
    assert shown == namespace
    contexts = yaml.safe_load(kubeconfig.read_text())["contexts"]
    assert [context["name"] for context in contexts] == ["first"]


def test_a_paused_api_server_answers_again_afterwards(control_plane):
    with (
        control_plane.paused(),
        pytest.raises(OSError, match="timed out"),
        control_plane.http.open(f"{control_plane.url}/readyz", timeout=0.2),
    ):
        pass
    assert control_plane.request("GET", "/version")["gitVersion"].startswith("v1.")


def test_a_server_that_ends_is_named_with_the_end_of_its_log(tmp_path, control_plane):
    programs = tmp_path / "programs"
    shutil.copytree(control_plane.servers.programs, programs, symlinks=True)
    (programs / "kube-apiserver").unlink()
    (programs / "kube-apiserver").write_text("#!/bin/sh\necho no luck today\nexit 7\n")
    (programs / "kube-apiserver").chmod(0o755)
    with pytest.raises(ControlPlaneError) as caught:
        ControlPlane.start(tmp_path / "data", programs)
    assert str(caught.value) == "kube-apiserver ended with 7; its log ends:\nno luck today"


def test_no_server_outlives_a_killed_supervisor(control_plane, tmp_path):
    env = {
        "KUBECTL_GITOPS_CONTROLPLANE_CACHE": str(tmp_path),
        "KUBEBUILDER_ASSETS": str(control_plane.servers.programs),
    }
    command = [sys.executable, "-m", "tests.controlplane", "serve", "--name", "doomed"]
    with subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        kubeconfig = Path(supervisor.stdout.readline().rstrip())
        assert control_plane.kubectl("get", "nodes", kubeconfig=kubeconfig).returncode == 0
        supervisor.kill()
    address = urlsplit(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    with pytest.raises(ConnectionRefusedError):
        _connect_for_ever(address.hostname, address.port)


def _connect_for_ever(host, port):
    while True:
        socket.create_connection((host, port)).close()
        time.sleep(0.05)
