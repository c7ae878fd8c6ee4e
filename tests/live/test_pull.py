"""`pull`: the branch makes the cluster, again and again, and takes nothing that is not its own."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.bound import Bound, config_map
from tests.controlplane.cluster import ControlPlane

WRITES = (b"PATCH ", b"POST ", b"PUT ", b"DELETE ")


def deployment(namespace: str, *, replicas: int = 2, image: str = "web:1") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: {image}
        ports: [{{containerPort: 80}}]
"""


def service(namespace: str) -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec:
  selector: {{app: web}}
  ports: [{{port: 80}}]
"""


def test_a_branch_makes_an_empty_cluster(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1"), "web.yaml": deployment(space)})
    run = bound("pull")
    assert run.stdout == "configmap/a created\ndeployment.apps/web created\n"
    assert bound.live("configmap/a")["data"] == {"x": "1"}
    assert bound.live("deployment/web")["spec"]["replicas"] == 2


def test_a_second_pull_writes_nothing(bound: Bound) -> None:
    """Protocols and defaults make a dry-run necessary; a write that stores nothing never is."""
    space = bound.namespace
    bound.commit(
        {
            "a.yaml": config_map(space, "a", x="1"),
            "web.yaml": deployment(space),
            "svc.yaml": service(space),
        }
    )
    bound("pull")
    names = "configmap/a", "service/web", f"configmap/kubectl-gitops-{space}"
    before = [bound.live(name) for name in names]
    with bound.counted() as (requests, url):
        run = bound("pull", "--server", url)
    assert (run.stdout, [bound.live(name) for name in names]) == ("", before)
    writes = [line for line in requests if line.startswith(WRITES) and b"dryRun=All" not in line]
    assert [line for line in writes if b"selfsubjectreviews" not in line] == []
    assert requests


def test_a_pull_that_changes_nothing_asks_for_lists_only(bound: Bound) -> None:
    """What a dry-run has found unchanged is not asked again while it stays as it is."""
    space = bound.namespace
    bound.commit({"web.yaml": deployment(space), "svc.yaml": service(space)})
    bound("pull", "--wait")
    bound("pull")
    time.sleep(1)
    with bound.counted() as (requests, url):
        bound("status", "--server", url)
        assert [line for line in requests if line.startswith(b"PATCH ")] != []
        requests.clear()
        bound("pull", "--server", url)
        kinds = {line.split()[0] for line in requests if b"selfsubjectreviews" not in line}
        assert kinds == {b"GET"}
        bound.kubectl("set", "image", "deployment/web", "web=web:hotfix")
        assert bound("pull", "--server", url).stdout == "deployment.apps/web configured\n"


def test_drift_is_reverted_and_each_field_named_with_who_set_it(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(deployment(space) + "---\n" + config_map(space, "a", x="1"))
    bound.kubectl("set", "image", "deployment/web", "web=web:hotfix")
    patch = json.dumps({"data": {"x": "2"}})
    bound.kubectl("patch", "configmap/a", "--field-manager=rogue", "--patch", patch)
    run = bound("pull")
    assert run.stdout == "configmap/a configured\ndeployment.apps/web configured\n"
    assert run.stderr == (
        f"kubectl-gitops: configmap/{space}/a: .data.x taken back from rogue\n"
        f"kubectl-gitops: deployment/{space}/web: "
        '.spec.template.spec.containers[name="web"].image taken back from kubectl-set\n'
    )
    assert bound.live("configmap/a")["data"] == {"x": "1"}
    container = bound.live("deployment/web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "web:1"


def test_drift_can_be_reported_or_recorded_while_the_branch_is_applied(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in "ab"})
    bound("pull")
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"x": "9"}}')
    bound.commit({"b.yaml": config_map(space, "b", x="2")})
    run = bound("pull", "--on-drift=report")
    assert run.stdout == "configmap/a skipped (drifted; left as it is)\nconfigmap/b configured\n"
    assert f"configmap/{space}/a: /data/x 1 → 9 by kubectl-patch at " in run.stderr
    assert bound.live("configmap/a")["data"] == {"x": "9"}
    bound.commit({"b.yaml": config_map(space, "b", x="3")})
    bound("pull", "--on-drift=record")
    assert bound.file("a.yaml") == config_map(space, "a", x="9")
    assert bound.live("configmap/b")["data"] == {"x": "3"}
    assert bound("status").exit == 0


def edited_port(bound: Bound) -> str:
    """A Service whose port somebody changed: the key of a list item, so that ours is gone."""
    text = service(bound.namespace).replace("{port: 80}", "{name: http, port: 80}")
    bound.commit({"svc.yaml": text})
    bound("pull")
    patch = '[{"op": "replace", "path": "/spec/ports/0/port", "value": 99}]'
    bound.kubectl("patch", "service/web", "--type=json", "--patch", patch)
    return text


def test_who_waits_at_a_terminal_sees_for_what_and_why(bound: Bound) -> None:
    claim = f"""\
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {{name: data, namespace: {bound.namespace}}}
        spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
        """
    bound.commit({"data.yaml": claim})
    ours, theirs = pty.openpty()
    env = os.environ | {"KUBECONFIG": str(bound.kubeconfig), "TERM": "xterm"}
    command = [sys.executable, "-m", "kubectl_gitops", "pull", "--wait", "--timeout", "3s"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # what a terminal says at its end
        while read := os.read(ours, 4096):
            shown += read
    os.close(ours)
    assert process.wait(60) == 1
    text = shown.decode()
    assert re.search(r"waiting for 1 of 1, 0m0\ds", text), text
    assert re.search(rf"persistentvolumeclaim/{bound.namespace}/data +\S", text), text


def test_an_item_whose_key_was_edited_comes_back(bound: Bound) -> None:
    """Beside ours it would have the same name twice, which the server refuses."""
    edited_port(bound)
    (item,) = bound("status", "-o", "json", exit=1).json["items"]
    said = "somebody put other items into its lists"
    assert (item["state"], item["message"]) == ("Drifted", said)
    assert bound("pull").stdout == "service/web configured\n"
    assert [port["port"] for port in bound.live("service/web")["spec"]["ports"]] == [80]
    assert bound("status").exit == 0


def test_an_item_whose_key_was_edited_can_be_recorded(bound: Bound) -> None:
    text = edited_port(bound)
    bound("record", "service/web")
    assert bound.file("svc.yaml") == text.replace(
        "port: 80", 'port: 99, "protocol": "TCP", "targetPort": 80'
    )
    assert [port["port"] for port in bound.live("service/web")["spec"]["ports"]] == [99]
    assert bound("status").exit == 0


def test_what_was_deleted_comes_back(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1"))
    bound.kubectl("delete", "configmap/a")
    assert bound("pull").stdout == "configmap/a created\n"
    assert bound.live("configmap/a")["data"] == {"x": "1"}


def test_a_field_that_the_branch_dropped_goes(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1", y="2"))
    bound.commit({f"{bound.namespace}/configmap/a.yaml": config_map(bound.namespace, "a", x="1")})
    assert bound("pull").stdout == "configmap/a configured\n"
    assert bound.live("configmap/a")["data"] == {"x": "1"}


def test_what_others_added_stays(bound: Bound) -> None:
    """Fields that the branch does not say are nobody's drift."""
    bound.apply(config_map(bound.namespace, "a", x="1"))
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"theirs": "2"}}')
    bound.kubectl("label", "configmap/a", "team=shop")
    assert bound("pull").stdout == ""
    assert bound.live("configmap/a")["data"] == {"x": "1", "theirs": "2"}


def test_what_another_tool_applies_is_a_conflict_and_the_rest_is_done(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1") + "---\n" + config_map(space, "b", x="1"))
    bound.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=flux",
        "-f",
        "-",
        input=config_map(space, "a", x="2"),
    )
    bound.kubectl("patch", "configmap/b", "--patch", '{"data": {"x": "2"}}')
    run = bound("pull", exit=3)
    assert run.stdout == "configmap/b configured\n"
    assert f"error: configmap/{space}/a: other field managers own" in run.stderr
    assert '.data.x: conflict with "flux"' in run.stderr
    assert bound.live("configmap/a")["data"] == {"x": "2"}


def test_a_field_that_the_set_ignores_is_left_to_others(bound: Bound) -> None:
    bound.apply(deployment(bound.namespace))
    rule = '\n[[ignore]]\ngroup = "apps"\nkind = "Deployment"\npointers = ["/spec/replicas"]\n'
    bound.commit({".gitops.toml": bound.file(".gitops.toml") + rule})
    bound.kubectl("patch", "deployment/web", "--patch", '{"spec": {"replicas": 5}}')
    assert bound("pull").stdout == ""
    bound.kubectl("set", "image", "deployment/web", "web=web:2")
    assert bound("pull").stdout == "deployment.apps/web configured\n"
    spec = bound.live("deployment/web")["spec"]
    image = spec["template"]["spec"]["containers"][0]["image"]
    assert (spec["replicas"], image) == (5, "web:1")


def test_what_a_manager_owns_that_the_set_ignores_is_left_to_it(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1", w="1"))
    rule = '\n[[ignore]]\nkind = "ConfigMap"\nmanagers = ["injector"]\n'
    bound.commit({".gitops.toml": bound.file(".gitops.toml") + rule})
    for manager, key in (("injector", "x"), ("rogue", "w")):
        patch = json.dumps({"data": {key: "2"}})
        bound.kubectl("patch", "configmap/a", f"--field-manager={manager}", "--patch", patch)
    assert bound("pull").stdout == "configmap/a configured\n"
    assert bound.live("configmap/a")["data"] == {"x": "2", "w": "1"}
    assert bound("pull").stdout == ""
    bound.apply(config_map(space, "a", x="1", w="3"))
    assert bound.live("configmap/a")["data"] == {"x": "2", "w": "3"}


def test_secrets_that_do_not_open_fail_alone_and_nothing_is_pruned(
    bound: Bound, key_file: Path, tmp_path: Path
) -> None:
    space, other = bound.namespace, tmp_path / "other.key"
    bound("secret", "keygen", "--out", other)
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {}}}\nstringData: {{word: open-sesame}}\n"
    )
    bound.apply("---\n".join(map(secret.format, "ab")), "--key-file", str(key_file))
    bound.apply(config_map(space, "old", x="1"))
    bound.kubectl("delete", "secret/a", "secret/b")
    bound.commit({f"{space}/configmap/old.yaml": None, "new.yaml": config_map(space, "new", x="1")})
    run = bound("pull", "--key-file", str(other), exit=1)
    assert run.stdout == "configmap/new created\n"
    for name in "ab":
        assert f"error: secret/{space}/{name}" in run.stderr
    assert "not pruned: not everything could be read" in run.stderr
    assert bound.there("configmap/old", "secret/a") == ["configmap/old"]
    assert "deleted" in bound("pull", "--key-file", str(key_file)).stdout


def test_what_an_autoscaler_scales_is_left_to_it(bound: Bound) -> None:
    hpa = f"""
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {{name: web, namespace: {bound.namespace}}}
        spec:
          minReplicas: 1
          maxReplicas: 9
          scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}
        """
    bound.commit({"web.yaml": deployment(bound.namespace), "hpa.yaml": hpa})
    bound("pull")
    scale = f"/apis/apps/v1/namespaces/{bound.namespace}/deployments/web/scale"
    body = bound.plane.request("GET", scale)
    body["spec"]["replicas"] = 7
    bound.plane.request("PUT", scale, body)
    assert bound("pull").stdout == ""
    assert bound.live("deployment/web")["spec"]["replicas"] == 7


def test_definitions_come_before_their_resources_and_namespaces_before_their_members(
    bound: Bound,
) -> None:
    """File names say the opposite order."""
    space, inner = bound.namespace, f"{bound.namespace}-inner"
    group = f"{space}.example.com"
    crd = f"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {{name: widgets.{group}}}
        spec:
          group: {group}
          scope: Namespaced
          names: {{kind: Widget, plural: widgets, singular: widget}}
          versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema:
                type: object
                properties: {{spec: {{type: object, properties: {{size: {{type: integer}}}}}}}}
        """
    widget = f"""
        apiVersion: {group}/v1
        kind: Widget
        metadata: {{name: w, namespace: {inner}}}
        spec: {{size: 3}}
        """
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n"
    bound.commit({"1-widget.yaml": widget, "2-crd.yaml": crd, "3-namespace.yaml": namespace})
    try:
        lines = bound("pull").stdout.splitlines()
        assert sorted(lines) == [
            f"customresourcedefinition.apiextensions.k8s.io/widgets.{group} created",
            f"namespace/{inner} created",
            f"widget.{group}/w created",
        ]
        widget_now = bound.kubectl("get", f"widgets.{group}/w", "-n", inner, "-o", "json").stdout
        assert json.loads(widget_now)["spec"] == {"size": 3}
        assert bound("pull").stdout == ""
        assert bound("status").exit == 0
    finally:
        bound.kubectl("delete", f"namespace/{inner}", "--wait=false")
        bound.kubectl("delete", f"crd/widgets.{group}", "--wait=false")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(bound: Bound) -> None:
    space = bound.namespace
    bound.apply("---\n".join(config_map(space, name, x="1") for name in "abc"))
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"x": "2"}}')
    bound.kubectl("delete", "configmap/b")
    bound.commit({f"{space}/configmap/c.yaml": None})
    before = bound.live("configmap/a")
    run = bound("pull", "--dry-run")
    assert run.stdout == (
        "configmap/a configured (server dry run)\n"
        "configmap/b created (server dry run)\n"
        "configmap/c deleted (server dry run)\n"
    )
    assert bound.live("configmap/a") == before
    assert bound.there("configmap/b", "configmap/c") == ["configmap/c"]


def test_a_resource_that_is_going_is_made_anew_when_it_has_gone(bound: Bound) -> None:
    """Server-side apply of a terminating object answers 200, and is lost with it."""
    bound.apply(config_map(bound.namespace, "a", x="1"))
    finalizer = '{"metadata": {"finalizers": ["example.com/hold"]}}'
    bound.kubectl("patch", "configmap/a", "--patch", finalizer)
    bound.kubectl("delete", "configmap/a", "--wait=false")
    env = {"KUBECONFIG": str(bound.kubeconfig)}
    process = bound.program.start("pull", env=env)
    time.sleep(1.5)
    assert process.poll() is None
    drop = '[{"op": "remove", "path": "/metadata/finalizers"}]'
    bound.kubectl("patch", "configmap/a", "--type=json", "--patch", drop)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "configmap/a created\n")
    assert bound.live("configmap/a")["data"] == {"x": "1"}


WORDS = {
    "apply": ("apply", "-f", "-"),
    "delete": ("delete", "configmap/kube-root-ca.crt", "-n", "default"),
    "pull": ("pull",),
    "import": ("import",),
    "status": ("status",),
    "diff": ("diff",),
}


def test_no_verb_works_on_a_cluster_that_the_branch_does_not_name(
    bound: Bound, second_control_plane: ControlPlane
) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1"))
    tip, text = bound.tip, config_map("default", "a", x="1")
    other = bound.elsewhere(second_control_plane.kubeconfig, second_control_plane)
    runs = {verb: other(*words, exit=None, input=text) for verb, words in WORDS.items()}
    assert {run.stderr for run in runs.values()} == {
        f"error: this cluster (second, uid {other.plane.uid}) is not one that the branch may be "
        "applied to (first)\n"
        "hint: kubectl config get-contexts\n"
        f"hint: kubectl gitops init --repo {bound.repo} --adopt-store\n"
    }
    misused = {"status", "diff"}  # as kubectl diff: 1 says that there are differences
    assert {run.exit for verb, run in runs.items() if verb not in misused} == {1}
    assert {run.exit for verb, run in runs.items() if verb in misused} == {2}
    assert [run.stdout for run in runs.values()] == [""] * 6
    assert bound.tip == tip
    there = other.there("configmap/a", "configmap/kube-root-ca.crt", "-n", "default")
    assert there == ["configmap/kube-root-ca.crt"]
