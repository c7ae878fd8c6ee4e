"""`record`: the edit that somebody made in the cluster becomes a commit, and stays there."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.bound import Bound, config_map
from tests.git import git

WEB = """\
# The shop's front. Ask Ada before you scale it down.
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {space}}}
spec:
  replicas: 2   # two since the spring sale
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: "web:1"   # built by CI
        resources: {{limits: {{cpu: 1000m}}}}
        ports: [{{containerPort: 80}}]
"""


def deployed(bound: Bound) -> str:
    """A Deployment of the branch in a file of its own; the text it has there."""
    text = WEB.format(space=bound.namespace)
    bound.commit({"web.yaml": text})
    bound("pull")
    return text


def test_an_edit_becomes_a_commit_in_the_text_of_the_user(bound: Bound) -> None:
    text, before = deployed(bound), bound.tip
    bound.kubectl("set", "image", "deployment/web", "web=web:hotfix")
    bound.kubectl("scale", "deployment/web", "--replicas=5")
    run = bound("record", "deployment/web", "-m", "four were not enough")
    assert run.stdout == "deployment.apps/web recorded\n"
    edited = text.replace("replicas: 2 ", "replicas: 5 ").replace('"web:1"', '"web:hotfix"')
    assert bound.file("web.yaml") == edited
    assert git(bound.repo, "rev-list", "--count", f"{before}..main") == "1"
    message = git(bound.repo, "log", "-1", "--format=%B", "main")
    assert message.startswith(f"record deployment/{bound.namespace}/web: four were not enough\n")
    assert "Gitops-Operation: record" in message
    said = [line.partition(" by ")[0] for line in run.stderr.splitlines()]
    assert said == [
        f"kubectl-gitops: deployment/{bound.namespace}/web: /spec/replicas 2 → 5",
        f"kubectl-gitops: deployment/{bound.namespace}/web: "
        "/spec/template/spec/containers/name=web/image web:1 → web:hotfix",
        f"kubectl-gitops: committed {bound.tip[:7]} to main of {bound.repo}",
    ]
    spec = bound.live("deployment/web")["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (
        5,
        "web:hotfix",
    )
    assert bound("status").exit == 0
    assert bound("pull").stdout == ""


def test_the_next_change_of_a_recorded_field_is_no_conflict(bound: Bound) -> None:
    text = deployed(bound)
    bound.kubectl("set", "image", "deployment/web", "web=web:hotfix")
    bound.kubectl("scale", "deployment/web", "--replicas=5")
    conflict = bound.apply(text.replace("web:1", "web:2"), exit=3)
    assert 'conflict with "kubectl-set"' in conflict.stderr
    bound("record", "deployment/web")
    text = (
        bound.file("web.yaml").replace("web:hotfix", "web:2").replace("replicas: 5", "replicas: 3")
    )
    assert bound.apply(text).stdout == "deployment.apps/web configured\n"
    assert bound.live("deployment/web")["spec"]["replicas"] == 3


def test_without_names_what_drifted_is_recorded_and_only_that(bound: Bound) -> None:
    space = bound.namespace
    names = "drifted", "insync", "missing", "ahead", "added"
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in names})
    bound("pull")
    patch = ["--field-manager=rogue", "--patch", '{"data": {"x": "2", "w": "3"}}']
    bound.kubectl("patch", "configmap/drifted", *patch)
    bound.kubectl("patch", "configmap/added", "--patch", '{"data": {"w": "2"}}')
    bound.kubectl("delete", "configmap/missing")
    bound.commit({"ahead.yaml": config_map(space, "ahead", x="4")})
    run = bound("record", "--dry-run")
    assert run.stdout == "configmap/drifted recorded (server dry run)\n"
    before = bound.files()
    run = bound("record")
    assert run.stdout == "configmap/drifted recorded\n"
    assert f"configmap/{space}/ahead is ahead, not drifted: kubectl gitops pull\n" in run.stderr
    assert f"configmap/{space}/missing is missing; to take it off the branch" in run.stderr
    assert bound.files() == before | {"drifted.yaml": config_map(space, "drifted", x="2", w="3")}
    assert bound("record").stdout == ""
    run = bound("record", "configmap/added", "configmap/missing")
    assert run.stdout == "configmap/added recorded\nconfigmap/missing recorded\n"
    assert bound.file("added.yaml") == config_map(space, "added", x="1", w="2")
    assert "missing.yaml" not in bound.files()
    assert bound("pull").stdout == "configmap/ahead configured\n"


def test_what_git_changed_since_the_pull_is_refused(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    bound("pull")
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"x": "2"}}')
    tip = bound.commit({"a.yaml": config_map(space, "a", x="3")})
    run = bound("record", "configmap/a", exit=3)
    assert f"error: configmap/{space}/a was changed on the branch since the last pull" in run.stderr
    assert "hint: kubectl gitops pull\n" in run.stderr
    assert bound.tip == tip
    assert bound.live("configmap/a")["data"] == {"x": "2"}


def test_what_the_branch_lacks_is_for_import(bound: Bound) -> None:
    bound.kubectl("create", "configmap", "stray", "--from-literal=x=1")
    tip = bound.tip
    run = bound("record", "configmap/stray", exit=1)
    assert run.stderr == (
        f"error: configmap/{bound.namespace}/stray is not in the branch; record is for what is\n"
        f"hint: kubectl gitops import configmap -n {bound.namespace}\n"
    )
    assert bound.tip == tip


def test_what_an_applier_took_can_be_recorded(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    bound.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=flux", "-f", "-"),
        input=config_map(space, "a", x="2"),
    )
    bound("pull", exit=3)
    assert bound("record").stdout == "configmap/a recorded\n"
    assert bound.live("configmap/a")["data"] == {"x": "2"}
    assert bound("pull").stdout == ""


def test_a_field_that_was_removed_and_lists_without_names(bound: Bound) -> None:
    space = bound.namespace
    text = f"""\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: {space}
  annotations: {{team: shop}}   # who to ask
spec:
  selector: {{app: web}}
  ports:
  - port: 80
"""
    bound.commit({"svc.yaml": text})
    bound("pull")
    patch = [
        {"op": "remove", "path": "/metadata/annotations/team"},
        {"op": "replace", "path": "/spec/selector/app", "value": "web2"},
    ]
    bound.kubectl("patch", "service/web", "--type=json", "--patch", json.dumps(patch))
    assert bound("record", "svc/web").stdout == "service/web recorded\n"
    now = bound.file("svc.yaml")
    assert "team: shop" not in now
    assert 'selector: {app: "web2"}' in now
    assert now.endswith("  ports:\n  - port: 80\n")
    assert bound("status").exit == 0


def test_an_edited_secret_is_sealed_and_its_value_said_nowhere(
    bound: Bound, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(key_file))
    bound.apply("""\
        apiVersion: v1
        kind: Secret
        metadata: {name: db}
        stringData: {user: shop, password: hunter2-hunter2}
        """)
    (path,) = (path for path in bound.files() if path.endswith("db.yaml"))
    sealed = bound.file(path)
    new = "correct-horse-battery"
    patch = json.dumps({"data": {"password": base64.b64encode(new.encode()).decode()}})
    bound.kubectl("patch", "secret/db", "--patch", patch)
    run = bound("record", "secret/db")
    assert f"secret/{bound.namespace}/db: /data/password *** (after) → *** (before)" in run.stderr
    kept = [line for line in bound.file(path).splitlines() if line in sealed.splitlines()]
    changed = [line for line in bound.file(path).splitlines() if line not in kept]
    assert [line.strip().partition(":")[0] for line in changed] == ["password"]
    everything = run.stdout + run.stderr + git(bound.repo, "log", "--all", "-p", "--format=%B")
    assert [word for word in (new, "aG9yc2U", "Y29ycmVjd") if word in everything] == []
    assert base64.b64decode(bound.live("secret/db")["data"]["password"]).decode() == new
    assert bound("status").exit == 0


def test_what_pull_is_kept_away_from_can_be_recorded_by_name(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    bound.kubectl("annotate", "configmap/a", "kubectl-gitops/reconcile=disabled")
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"x": "2"}}')
    assert bound("record").stdout == ""
    assert bound("record", "configmap/a").stdout == "configmap/a recorded\n"
    assert bound.file(f"{space}/configmap/a.yaml") == config_map(space, "a", x="2")
