"""What the API server needs to be there before it can judge an object, seen in its dry-runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_gitops.ordering import depends_on_new, provided
from kubectl_gitops.resource import Body
from tests.controlplane.cluster import ControlPlane

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
RBAC = "rbac.authorization.k8s.io/v1"
POD_SPEC = {"containers": [{"name": "web", "image": "nginx:1"}]}


def body(api_version: str, kind: str, name: str, namespace: str = "", **content: Any) -> Body:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def pod(namespace: str, **spec: Any) -> Body:
    return body("v1", "Pod", "p", namespace, spec={**POD_SPEC, **spec})


def refused(kubectl: Kubectl, one: Body, **more: Any) -> bool:
    command = ["apply", "--server-side", "--dry-run=server", "-f", "-"]
    answer = kubectl(*command, input=json.dumps(one), check=False, **more)
    return answer.returncode != 0


def account(namespace: str) -> tuple[Body, Body]:
    return pod(namespace, serviceAccountName="web"), body("v1", "ServiceAccount", "web", namespace)


def priority(namespace: str) -> tuple[Body, Body]:
    high = body("scheduling.k8s.io/v1", "PriorityClass", f"{namespace}-high", value=1)
    return pod(namespace, priorityClassName=f"{namespace}-high"), high


def runtime(namespace: str) -> tuple[Body, Body]:
    kata = body("node.k8s.io/v1", "RuntimeClass", f"{namespace}-kata", handler="kata")
    return pod(namespace, runtimeClassName=f"{namespace}-kata"), kata


def definition(namespace: str) -> tuple[Body, Body]:
    group = f"{namespace}.example.com"
    spec = {"group": group, "names": {"kind": "Widget", "plural": "widgets"}}
    crd = body("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", spec=spec)
    return body(f"{group}/v1", "Widget", "w", namespace), crd


def member(namespace: str) -> tuple[Body, Body]:
    other = f"{namespace}-other"
    return body("v1", "ConfigMap", "c", other), body("v1", "Namespace", other)


@pytest.mark.parametrize("pair", [account, priority, runtime, definition, member])
def test_what_needs_something_new_cannot_be_judged_before(
    kubectl: Kubectl, namespace: str, pair: Callable[[str], tuple[Body, Body]]
) -> None:
    dependent, new = pair(namespace)
    assert depends_on_new(dependent, provided([new]))
    assert refused(kubectl, dependent)


def test_a_person_cannot_bind_a_role_that_is_not_there_yet(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    rules = ["--verb=get,create,patch", "--resource=rolebindings,roles", "--verb=get"]
    kubectl("create", "role", "binder", *rules)
    kubectl("create", "rolebinding", "binder", "--role=binder", "--user=alice")
    role = body(RBAC, "Role", "reader", namespace, rules=[])
    binding = body(
        RBAC,
        "RoleBinding",
        "reader",
        namespace,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
    )
    alice = control_plane.kubeconfig_of("alice")
    assert depends_on_new(binding, provided([role]))
    assert refused(kubectl, binding, kubeconfig=alice)
    kubectl("apply", "-f", "-", input=json.dumps(role))
    assert not refused(kubectl, binding, kubeconfig=alice)


def test_a_quota_can_count_any_kind(kubectl: Kubectl, namespace: str) -> None:
    quota = body("v1", "ResourceQuota", "none", namespace)
    quota["spec"] = {"hard": {"count/deployments.apps": "0"}}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": POD_SPEC}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployment = body("apps/v1", "Deployment", "web", namespace, spec=spec)
    assert depends_on_new(deployment, provided([quota]))
    assert not refused(kubectl, deployment)
    kubectl("apply", "-f", "-", input=json.dumps(quota))
    kubectl("wait", "resourcequota/none", "--for=jsonpath={.status.hard}")
    assert refused(kubectl, deployment)


def test_a_limit_range_decides_whether_a_pod_fits_a_quota(kubectl: Kubectl, namespace: str) -> None:
    quota = body("v1", "ResourceQuota", "cpu", namespace, spec={"hard": {"limits.cpu": "1"}})
    kubectl("apply", "-f", "-", input=json.dumps(quota))
    kubectl("wait", "resourcequota/cpu", "--for=jsonpath={.status.hard}")
    limits = body("v1", "LimitRange", "cpu", namespace)
    limits["spec"] = {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}
    assert depends_on_new(pod(namespace), provided([limits]))
    assert refused(kubectl, pod(namespace))
    kubectl("apply", "-f", "-", input=json.dumps(limits))
    assert not refused(kubectl, pod(namespace))


def test_a_deployment_is_judged_without_what_its_pods_will_need(
    kubectl: Kubectl, namespace: str
) -> None:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {
            **POD_SPEC,
            "serviceAccountName": "none",
            "priorityClassName": "none",
            "runtimeClassName": "none",
        },
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployment = body("apps/v1", "Deployment", "web", namespace, spec=spec)
    assert not depends_on_new(deployment, provided([account(namespace)[1]]))
    assert not refused(kubectl, deployment)
