"""`import`: what lives in a Namespace, as people would have written it, and ours from then on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import yaml

from tests.controlplane.cluster import ControlPlane
from tests.place import Place

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: scratch, emptyDir: {}}]
      containers:
      - name: web
        image: nginx:1
        securityContext: {}
        volumeMounts: [{name: scratch, mountPath: /tmp}]
"""


def living(place: Place) -> None:
    """A Namespace as people leave one: made by several commands, with what controllers add."""
    place.kubectl("apply", "-f", "-", input=WEB)
    place.kubectl("scale", "deploy/web", "--replicas=3")
    place.kubectl("expose", "deploy/web", "--port=80")
    place.kubectl("create", "sa", "robot")
    place.kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    place.kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=x:robot")
    place.kubectl("create", "cronjob", "nightly", "--image=nginx", "--schedule=0 3 * * *")
    place.kubectl("create", "cm", "settings", "--from-literal=title=Shop")
    place.kubectl("patch", "cm", "settings", "-p", '{"data":{"colour":"red"}}')
    deadline = time.monotonic() + 30
    while place.live("deploy/web").get("status", {}).get("readyReplicas") != 3:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_whole_namespace(place: Place) -> None:
    living(place)
    names = (
        "configmap/settings",
        "service/web",
        "serviceaccount/robot",
        "deployment.apps/web",
        "cronjob.batch/nightly",
        "role.rbac.authorization.k8s.io/reader",
        "rolebinding.rbac.authorization.k8s.io/reader",
    )
    before = place.state()
    dry = place.gitops("import", "--dry-run")
    assert place.state() == before
    run = place.gitops("import", "-m", "what there is")
    assert run.stdout == "".join(f"{name} configured\n" for name in names)
    assert dry.stdout == run.stdout.replace("\n", " (server dry run)\n")
    assert run.stderr == place.committed
    at = place.namespace
    assert place.subjects()[0] == f"import {len(names)} resources in {at}: what there is"
    assert sorted(place.files()) == sorted(f"{at}/{name}.yaml" for name in names)

    items = place.gitops("status", "-o", "json").json["items"]
    assert [item["state"] for item in items] == ["InSync"] * len(names)
    after = place.state()
    place.gitops("pull")
    again = place.gitops("import")
    assert (again.stdout, again.stderr) == (
        "",
        "kubectl-gitops: nothing to import: the branch has it all\n",
    )
    assert place.state() == after
    assert place.live("deploy/web")["spec"]["replicas"] == 3
    # No Pod was made anew for it.
    assert len(place.kubectl("get", "replicasets", "-o", "name").split()) == 1


def test_fields_are_those_that_people_own(place: Place) -> None:
    living(place)
    place.gitops("import", "deploy,cm,svc")
    at = place.namespace
    files = {path: yaml.safe_load(text) for path, text in place.files().items()}
    assert set(files) == {
        f"{at}/{name}.yaml" for name in ("configmap/settings", "service/web", "deployment.apps/web")
    }
    assert files[f"{at}/configmap/settings.yaml"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": at},
        "data": {"title": "Shop", "colour": "red"},
    }
    web = files[f"{at}/deployment.apps/web.yaml"]
    assert set(web) == {"apiVersion", "kind", "metadata", "spec"}
    assert web["metadata"] == {"name": "web", "namespace": at, "labels": {"app": "web"}}
    pod = web["spec"]["template"]["spec"]
    assert web["spec"]["replicas"] == 3
    assert pod["volumes"] == [{"name": "scratch", "emptyDir": {}}]
    assert pod["containers"][0]["securityContext"] == {}
    service = files[f"{at}/service/web.yaml"]
    assert "clusterIP" not in service["spec"]
    assert service["spec"]["selector"] == {"app": "web"}


def test_the_same_is_made_from_the_branch_elsewhere(
    place: Place, second_control_plane: ControlPlane, tmp_path: Path
) -> None:
    living(place)
    place.gitops("import")
    there = ("--kubeconfig", str(second_control_plane.kubeconfig), "--repo", str(place.repo))
    second_control_plane.create_namespace(place.namespace)
    home = ("--home-namespace", place.namespace, "--adopt-store")
    place.gitops("init", *there, *home, env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    place.gitops("pull", *there)
    status = place.gitops("status", *there, "-o", "json")
    assert {item["state"] for item in status.json["items"]} == {"InSync"}
    second_control_plane.delete_namespace(place.namespace)


def test_what_is_selected_and_nothing_of_another_set(place: Place) -> None:
    for name, labels in (
        ("a", "team=shop"),
        ("b", "team=bank"),
        ("c", "team=shop,applyset.kubernetes.io/part-of=applyset-other"),
    ):
        place.kubectl("create", "cm", name)
        place.kubectl("label", "cm", name, *labels.split(","))
    assert place.gitops("import", "-l", "team=shop").stdout == "configmap/a configured\n"
    unknown = place.gitops("import", "gizmos", exit=1)
    assert unknown.stderr == (
        'error: the server doesn\'t have a resource type "gizmos"\nhint: kubectl api-resources\n'
    )
    assert place.gitops("import", "cm").stdout == "configmap/b configured\n"


def test_a_changed_manifest_after_the_import_is_no_conflict(place: Place) -> None:
    place.kubectl("apply", "-f", "-", input=WEB)
    place.gitops("import")
    run = place.apply(
        WEB.replace("nginx:1", "nginx:2").replace("        securityContext: {}\n", "")
    )
    assert run.stdout == "deployment.apps/web configured\n"
    (container,) = place.live("deploy/web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "nginx:2"
    history = place.gitops("history", "deploy/web", "-o", "json").json["items"]
    assert {
        "op": "replace",
        "path": "/spec/template/spec/containers/0/image",
        "value": "nginx:2",
    } in history[0]["patch"]


def test_a_secret_is_imported_sealed_or_not_at_all(place: Place, tmp_path: Path) -> None:
    place.kubectl("create", "secret", "generic", "db", "--from-literal=password=hunter2-hunter2")
    before = place.state()
    refused = place.gitops("import", exit=1)
    assert refused.stderr.startswith(f"error: secret/{place.namespace}/db has values to seal")
    assert place.state() == before
    place.gitops("secret", "keygen", "--out", tmp_path / "key")
    place.gitops("import", "--key-file", tmp_path / "key")
    (text,) = place.files().values()
    body = yaml.safe_load(text)
    assert body["data"]["password"].startswith("kgs1:")
    assert json.loads(place.kubectl("get", "secret", "db", "-o", "json"))["data"] == {
        "password": "aHVudGVyMi1odW50ZXIy"
    }


def test_what_was_edited_before_the_import_is_ours_alone(place: Place) -> None:
    """Or the first changed manifest would be a conflict with the hand that made it."""
    place.kubectl("create", "cm", "settings", "--from-literal=title=Shop")
    place.kubectl("patch", "cm", "settings", "-p", '{"data":{"colour":"red"}}')
    place.kubectl("label", "--field-manager=python-requests", "cm", "settings", "team=shop")
    place.gitops("import", "configmaps")
    assert [e["manager"] for e in place.live("cm/settings")["metadata"]["managedFields"]] == [
        "gitops"
    ]
    (path,) = place.files()
    changed = place.files()[path].replace("red", "blue").replace("team: shop", "team: web")
    assert place.apply(changed).stdout == "configmap/settings configured\n"
    assert place.live("cm/settings")["data"] == {"colour": "blue", "title": "Shop"}
