"""`pull` onto what is there: made by other tools, in other versions, going, out of reach."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bound import Bound, bind, config_map
from tests.controlplane.cluster import ControlPlane
from tests.program import Gitops


def test_what_kubectl_applied_before_is_taken_over(bound: Bound) -> None:
    """Without a conflict, and a field that the branch does not have goes, as with kubectl."""
    space = bound.namespace
    bound.kubectl("apply", "-f", "-", input=config_map(space, "a", x="1", old="1"))
    bound.kubectl("apply", "--server-side", "-f", "-", input=config_map(space, "b", x="1", old="1"))
    bound.kubectl("create", "configmap", "c", "--from-literal=x=1", "--from-literal=old=1")
    bound.commit({f"{name}.yaml": config_map(space, name, x="2") for name in "abc"})
    run = bound("pull")
    assert run.stdout == "".join(f"configmap/{name} configured\n" for name in "abc")
    for name in "abc":
        live = bound.live(f"configmap/{name}")
        assert live["data"] == {"x": "2"}
        assert "annotations" not in live["metadata"]
        assert [e["manager"] for e in live["metadata"]["managedFields"]] == ["gitops"]
    assert bound("pull").stdout == ""


def test_another_version_of_the_same_resource_is_no_other_resource(bound: Bound) -> None:
    space = bound.namespace
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    old = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": space},
        "spec": {"maxReplicas": 3, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 70},
    }
    resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    new = {**old, "apiVersion": "autoscaling/v2"}
    new["spec"] = {
        "maxReplicas": 4,
        "scaleTargetRef": target,
        "metrics": [{"type": "Resource", "resource": resource}],
    }
    bound.commit({"hpa.json": json.dumps(old)})
    bound("pull")
    uid = bound.live("hpa/web")["metadata"]["uid"]
    bound.commit({"hpa.json": json.dumps(new)})
    assert bound("pull").stdout == "horizontalpodautoscaler.autoscaling/web configured\n"
    live = bound.live("hpa/web")
    assert (live["metadata"]["uid"], live["spec"]["maxReplicas"]) == (uid, 4)
    assert bound("pull").stdout == ""
    assert bound("status").exit == 0
    bound.commit({"hpa.json": json.dumps(old)})
    assert bound("pull").stdout == "horizontalpodautoscaler.autoscaling/web configured\n"
    assert bound("pull").stdout == ""
    entries = [
        e for e in bound.live("hpa/web")["metadata"]["managedFields"] if e["manager"] == "gitops"
    ]
    assert len(entries) == 1, entries


def test_a_namespace_that_is_going_is_made_anew_with_all_that_is_in_it(bound: Bound) -> None:
    inner = f"{bound.namespace}-inner"
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n"
    bound.commit({"ns.yaml": namespace, "a.yaml": config_map(inner, "a", x="1")})
    bound("pull")
    bound.kubectl("delete", "namespace", inner, "--wait=false")
    run = bound("pull")
    assert sorted(run.stdout.splitlines()) == ["configmap/a created", f"namespace/{inner} created"]
    assert bound.there("-n", inner, "configmap/a") == ["configmap/a"]
    assert bound("status").exit == 0
    bound.kubectl("delete", "namespace", inner, "--wait=false")


def definition(group: str, **properties: str) -> str:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {name: {"type": type} for name, type in properties.items()},
            }
        },
    }
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        }
    )


def widget(space: str, group: str, **spec: object) -> str:
    metadata = {"name": "w", "namespace": space}
    return json.dumps(
        {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": metadata, "spec": spec}
    )


def test_a_definition_and_a_resource_that_uses_what_it_gains(bound: Bound) -> None:
    space = bound.namespace
    group = f"{space}.example.com"
    bound.commit(
        {"crd.json": definition(group, size="integer"), "w.json": widget(space, group, size=1)}
    )
    bound("pull")
    bound.commit(
        {
            "crd.json": definition(group, size="integer", colour="string"),
            "w.json": widget(space, group, size=1, colour="red"),
        }
    )
    assert len(bound("pull").stdout.splitlines()) == 2
    assert bound.live(f"widgets.{group}/w")["spec"] == {"size": 1, "colour": "red"}
    bound.kubectl("delete", f"crd/widgets.{group}")
    run = bound("pull")
    assert sorted(line.rpartition(" ")[2] for line in run.stdout.splitlines()) == ["created"] * 2, (
        run
    )
    assert bound.live(f"widgets.{group}/w")["spec"] == {"size": 1, "colour": "red"}
    bound.commit({"w.json": None})
    assert bound("pull").stdout == f"widget.{group}/w deleted\n"
    bound.kubectl("delete", f"crd/widgets.{group}")


def test_a_kind_that_nobody_serves_is_told_and_the_rest_is_done(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"w.json": widget(space, "example.com"), "a.yaml": config_map(space, "a", x="1")})
    run = bound("pull", exit=1)
    assert run.stdout == "configmap/a created\n"
    problem = (
        f'resource mapping not found for name: "w" namespace: "{space}": no matches for kind '
        '"Widget" in version "example.com/v1"; ensure CRDs are installed first'
    )
    assert run.stderr == bound("diff", exit=2).stderr == f"error: {problem}\n"
    items = bound("status", "-o", "json", exit=1).json["items"]
    states = [(item["state"], item["message"]) for item in items]
    assert states == [("InSync", ""), ("Ahead", problem)]


def test_what_another_set_owns_is_left_to_it(bound: Bound) -> None:
    space = bound.namespace
    bound.kubectl("create", "configmap", "a", "--from-literal=x=1")
    bound.kubectl("label", "configmap/a", "applyset.kubernetes.io/part-of=applyset-other-v1")
    bound.commit({"a.yaml": config_map(space, "a", x="2"), "b.yaml": config_map(space, "b", x="1")})
    run = bound("pull", exit=3)
    assert (run.stdout, run.stderr) == (
        "configmap/b created\n",
        f"error: configmap/{space}/a: it belongs to another apply set, applyset-other-v1; two sets "
        "never share a resource\n",
    )
    assert bound.live("configmap/a")["data"] == {"x": "1"}


def test_what_stayed_is_not_forgotten(bound: Bound) -> None:
    """It is the last of its kind, and goes when nothing keeps it any more."""
    space = bound.namespace
    account = f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: web, namespace: {space}}}\n"
    bound.commit({"a.yaml": config_map(space, "a"), "web.yaml": account})
    bound("pull")
    bound.kubectl("annotate", "serviceaccount/web", "kubectl-gitops/prune=disabled")
    bound.commit({"web.yaml": None})
    assert bound("pull").stdout == bound("pull", "--prune=false").stdout == ""
    bound.kubectl("annotate", "serviceaccount/web", "kubectl-gitops/prune-")
    assert bound("pull", "--prune=false").stdout == ""
    assert bound("pull").stdout == "serviceaccount/web deleted\n"


def test_who_may_only_work_in_one_namespace_can_pull_and_prune(
    control_plane: ControlPlane, gitops: Gitops, kubeconfig: Path, namespace: str, bare_repo: Path
) -> None:
    """The cluster is known by the home Namespace then, for kube-system may not be read."""
    grant = ["--clusterrole=admin", "--user=alice"]
    control_plane.kubectl("create", "rolebinding", "alice", *grant, "-n", namespace)
    kubeconfig.write_bytes(control_plane.kubeconfig_of("alice").read_bytes())
    alice = bind(gitops, control_plane, kubeconfig, bare_repo, namespace)
    alice.commit({f"{name}.yaml": config_map(namespace, name, x="1") for name in "ab"})
    assert alice("pull").stdout == "configmap/a created\nconfigmap/b created\n"
    alice.commit({"b.yaml": None})
    assert alice("pull").stdout == "configmap/b deleted\n"
    assert alice("status").exit == 0
    assert alice("pull").stdout == ""


def test_a_secret_in_the_clear_is_applied_and_named(bound: Bound) -> None:
    """It is in the branch, whoever put it there; what is said about it does not show it."""
    space = bound.namespace
    metadata = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {space}}}\n"
    bound.commit({"s.yaml": metadata + "stringData: {p: hunter2}\n"})
    run = bound("pull")
    assert (run.stdout, run.stderr) == (
        "secret/s created\n",
        f"kubectl-gitops: warning: secret/{space}/s /stringData/p stands in the clear in the "
        "branch; apply it to seal it\n",
    )


def test_what_cannot_be_changed_is_told_and_stays(bound: Bound) -> None:
    space = bound.namespace
    text = config_map(space, "a", x="1") + "immutable: true\n"
    bound.commit({"a.yaml": text})
    bound("pull")
    bound.commit({"a.yaml": text.replace('"1"', '"2"'), "b.yaml": config_map(space, "b")})
    run = bound("pull", exit=1)
    assert (run.stdout, run.stderr) == (
        "configmap/b created\n",
        f'error: configmap/{space}/a: The ConfigMap "a" is invalid: data: Forbidden: field is '
        "immutable when `immutable` is set\n",
    )
