"""`delete` on a real API server: what kubectl says, what goes along, what is kept in history."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.git import init_bare
from tests.place import Place
from tests.program import Gitops

MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {a: b}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
"""


def maps(*names: str) -> str:
    return "---\n".join(MAP.replace("NAME", name) for name in names)


def test_every_spelling_deletes_and_says_what_kubectl_says(place: Place) -> None:
    """Each command is run by kubectl on twins first."""
    for words in (
        ("configmap", "one"),
        ("cm", "one", "two"),
        ("cm/one", "cm/two"),
        ("cm/one", "sa/one"),
        ("cm,sa", "one"),
        ("cm/one", "-o", "name"),
        ("cm/one", "--ignore-not-found", "--wait=false"),
    ):
        place.kubectl("create", "-f", "-", input=maps("one", "two"))
        place.kubectl("create", "sa", "one")
        theirs = place.kubectl("delete", *words)
        place.kubectl("delete", "cm/one", "cm/two", "sa/one", "--ignore-not-found")
        place.kubectl("create", "-f", "-", input=maps("one", "two"))
        place.kubectl("create", "sa", "one")
        ours = place.gitops("delete", *words)
        assert (ours.stdout, ours.stderr) == (theirs, place.committed)
        place.kubectl("delete", "cm/one", "cm/two", "sa/one", "--ignore-not-found")
    assert place.files() == {}


def test_by_file_from_branch_and_cluster_in_one_commit(place: Place) -> None:
    text = f"{maps('one', 'two')}---\n{WEB}"
    place.apply(f"{text}---\n{maps('three')}")
    base, at = place.tip, place.namespace
    dry = place.gitops("delete", "-f", "-", "--dry-run=server", input=text)
    assert place.tip == base
    run = place.gitops("delete", "-f", "-", "-m", "spring cleaning", input=text)
    assert run.stdout == (
        f'configmap "one" deleted from {at} namespace\n'
        f'configmap "two" deleted from {at} namespace\n'
        f'deployment.apps "web" deleted from {at} namespace\n'
    )
    assert dry.stdout == run.stdout.replace(" namespace\n", " namespace (server dry run)\n")
    assert run.stderr == place.committed
    assert place.message() == (
        f"delete 3 resources in {at}: spring cleaning\n"
        "\n"
        "spring cleaning\n"
        "\n"
        "Gitops-Operation: delete\n"
        f"Gitops-Cluster: {place.plane.uid}\n"
        "Gitops-User: admin\n"
        f"Gitops-Resource: configmap/{at}/one\n"
        f"Gitops-Resource: configmap/{at}/two\n"
        f"Gitops-Resource: deployment.apps/{at}/web"
    )
    assert list(place.files()) == [f"{at}/configmap/three.yaml"]
    assert [place.live(name) for name in ("cm/one", "cm/two", "deploy/web")] == [{}, {}, {}]
    assert place.live("cm/three")["data"] == {"a": "b"}


def test_what_is_in_neither_is_not_found_and_the_others_are_left_alone(place: Place) -> None:
    place.apply(maps("one"))
    before = place.state()
    run = place.gitops("delete", "cm", "one", "nope", exit=1)
    theirs = place.plane.kubectl("delete", "cm", "nope", check=False, kubeconfig=place.kubeconfig)
    assert theirs.returncode == 1
    assert (run.stdout, run.stderr) == (
        "",
        f"{theirs.stderr}kubectl-gitops: nothing was committed and nothing was changed\n",
    )
    assert place.state() == before


def test_what_the_branch_has_and_the_cluster_lacks_leaves_the_branch(place: Place) -> None:
    place.apply(maps("one", "two"))
    place.kubectl("delete", "cm", "one")
    run = place.gitops("delete", "cm/one")
    gone = f"kubectl-gitops: configmap/{place.namespace}/one: it is gone\n"
    assert sorted(run.stderr.splitlines(keepends=True)) == sorted([gone, place.committed])
    assert list(place.files()) == [f"{place.namespace}/configmap/two.yaml"]


def test_an_unrecorded_resource_is_recorded_as_it_was_then_removed(place: Place) -> None:
    place.kubectl("create", "-f", "-", input=maps("one"))
    base, name = place.tip, f"configmap/{place.namespace}/one"
    place.gitops("delete", "cm/one")
    deleted, recorded = place.subjects(base)
    assert deleted == f"delete {name}"
    assert recorded.startswith(f"record {name}")
    assert list(place.files("main~").values()) == [
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: one\n"
        f"  namespace: {place.namespace}\n"
        "data:\n"
        "  a: b"
    ]
    assert place.files() == {}
    shown = place.gitops("show", "cm/one", "--revision", "1").stdout
    place.apply(shown)
    assert place.live("cm/one")["data"] == {"a": "b"}


def test_an_unrecorded_secret_is_not_removed_without_a_key(place: Place) -> None:
    place.kubectl("create", "secret", "generic", "password", "--from-literal=a=hunter2hunter2")
    before = place.state()
    run = place.gitops("delete", "secret/password", exit=1)
    assert "no key" in run.stderr
    assert "hunter2" not in run.stderr
    assert place.state() == before


def test_what_a_controller_owns_is_just_deleted(place: Place) -> None:
    place.apply(WEB)
    deadline = time.monotonic() + 20
    while not (pods := place.kubectl("get", "pods", "-o", "name").split()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    tip = place.tip
    run = place.gitops("delete", pods[0])
    name = pods[0].removeprefix("pod/")
    assert run.stdout == f'pod "{name}" deleted from {place.namespace} namespace\n'
    assert place.tip == tip
    assert place.live(pods[0]) == {}


def test_a_namespace_takes_along_what_the_branch_holds_in_it(place: Place) -> None:
    at = f"{place.namespace}-goes"
    inside = maps("one", "two").replace("{name", f"{{namespace: {at}, name")
    itself = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {at}}}\n"
    place.apply(f"{itself}---\n{inside}---\n{maps('three')}")
    base = place.tip
    run = place.gitops("delete", "namespace", at)
    assert run.stdout == f'namespace "{at}" deleted\n'
    assert f"  - configmap/{at}/one\n  - configmap/{at}/two\n" in run.stderr
    assert run.stderr.endswith(place.committed)
    assert len(place.subjects(base)) == 1
    assert list(place.files()) == [f"{place.namespace}/configmap/three.yaml"]
    assert place.live(f"namespace/{at}") == {}
    assert place.gitops("status", "-o", "json").json["items"][0]["state"] == "InSync"


def test_what_lives_unrecorded_in_a_namespace_is_recorded_before_it_goes(
    place: Place, key_file: Path
) -> None:
    """Also a Secret; not what the cluster makes by itself, nor what a controller owns."""
    at = f"{place.namespace}-goes"
    place.kubectl("create", "namespace", at)
    inside = maps("recorded").replace("{name", f"{{namespace: {at}, name")
    place.apply(inside)
    place.kubectl("-n", at, "create", "configmap", "by-hand", "--from-literal=a=b")
    place.kubectl(
        "-n", at, "create", "secret", "generic", "pass", "--from-literal=p=hunter2hunter2"
    )
    place.kubectl("-n", at, "create", "deployment", "web", "--image=nginx")
    place.kubectl("-n", at, "wait", "--for=condition=Available", "deployment/web")
    base = place.tip
    run = place.gitops("delete", "namespace", at, "--key-file", str(key_file))
    assert run.stdout == f'namespace "{at}" deleted\n'
    assert run.stderr == (
        "kubectl-gitops: these 4 go along:\n"
        f"  - configmap/{at}/by-hand (recorded first)\n"
        f"  - configmap/{at}/recorded\n"
        f"  - secret/{at}/pass (recorded first)\n"
        f"  - deployment/{at}/web (recorded first)\n"
        f"{place.committed}"
    )
    assert place.subjects(base) == [
        "delete 5 resources",
        "record 4 resources: as they were before delete",
    ]
    assert place.files() == {}
    assert list(place.files("main~")) == [
        f"_cluster/namespace/{at}.yaml",
        f"{at}/configmap/by-hand.yaml",
        f"{at}/configmap/recorded.yaml",
        f"{at}/deployment.apps/web.yaml",
        f"{at}/secret/pass.yaml",
    ]
    assert "hunter2" not in place.git("log", "-p", "--all")
    place.gitops("undo", "--key-file", str(key_file), "--yes")
    back = place.kubectl("-n", at, "get", "cm/by-hand", "cm/recorded", "deploy/web", "-o", "name")
    assert back.split() == ["configmap/by-hand", "configmap/recorded", "deployment.apps/web"]
    secret = json.loads(place.kubectl("-n", at, "get", "secret/pass", "-o", "json"))
    assert base64.b64decode(secret["data"]["p"]) == b"hunter2hunter2"
    place.kubectl("delete", "namespace", at, "--wait=false")


def test_the_home_of_the_set_may_go_and_come_back(place: Place) -> None:
    place.apply(maps("one"))
    run = place.gitops("delete", "namespace", place.namespace)
    assert run.stdout == f'namespace "{place.namespace}" deleted\n'
    assert place.live(f"namespace/{place.namespace}") == {}
    assert place.files() == {}
    place.gitops("undo", "--yes")
    assert place.live("cm/one")["data"] == {"a": "b"}
    assert place.live("cm/kubectl-gitops-store")
    place.gitops("pull")
    items = place.gitops("status", "-o", "json").json["items"]
    assert [item["state"] for item in items] == ["InSync", "InSync"]


def test_a_namespace_with_an_unrecorded_secret_stays_without_a_key(place: Place) -> None:
    at = f"{place.namespace}-stays"
    place.kubectl("create", "namespace", at)
    place.kubectl(
        "-n", at, "create", "secret", "generic", "pass", "--from-literal=p=hunter2hunter2"
    )
    before = place.state()
    run = place.gitops("delete", "namespace", at, exit=1)
    assert "no key" in run.stderr
    assert "hunter2" not in run.stderr
    assert place.state() == before
    assert "deletionTimestamp" not in place.live(f"namespace/{at}")["metadata"]
    place.kubectl("delete", "namespace", at, "--wait=false")


def test_a_namespace_with_resources_of_another_set_stays(
    place: Place, tmp_path: Path, gitops: Gitops
) -> None:
    at = f"{place.namespace}-shared"
    place.kubectl("create", "namespace", at)
    other = init_bare(tmp_path / "other.git")
    gitops("init", "--repo", other, "--name", "other", "--set", at, "--home-namespace", at)
    text = maps("theirs").replace("{name", f"{{namespace: {at}, name")
    gitops("apply", "-f", "-", "--target", "other", input=text)
    before = place.state()
    run = place.gitops("delete", "namespace", at, "--target", "first", exit=3)
    assert run.stdout == ""
    assert run.stderr.startswith(
        f"error: namespace/{at}: configmap/{at}/kubectl-gitops-{at} would go along, and it belongs "
        "to another apply set, applyset-"
    )
    assert place.state() == before
    assert place.live(f"namespace/{at}")["status"]["phase"] == "Active"
    place.kubectl("delete", "namespace", at, "--wait=false")


def gizmos(place: Place) -> tuple[str, str]:
    """The plural of a kind of this test's own, for definitions are the whole cluster's, and one."""
    mark = place.namespace.removeprefix("test-")
    plural = f"gizmos{mark}"
    head = f"apiVersion: example.com/v1\nkind: {kind_of(plural)}\n"
    return plural, f"{head}metadata: {{name: g}}\nspec: {{size: 3}}\n"


def kind_of(plural: str) -> str:
    return plural.replace("gizmos", "Gizmo")


def definition(plural: str) -> str:
    return f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.example.com}}
spec:
  group: example.com
  scope: Namespaced
  names: {{plural: {plural}, kind: {kind_of(plural)}}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def test_a_definition_takes_along_the_resources_of_its_kind(place: Place) -> None:
    plural, gizmo = gizmos(place)
    place.apply(f"{definition(plural)}---\n{gizmo}---\n{maps('three')}")
    place.gitops("delete", f"crd/{plural}.example.com")
    assert list(place.files()) == [f"{place.namespace}/configmap/three.yaml"]
    assert place.live(f"crd/{plural}.example.com") == {}


def test_a_definition_that_is_not_recorded_takes_them_along_as_well(place: Place) -> None:
    plural, gizmo = gizmos(place)
    place.kubectl("apply", "-f", "-", input=definition(plural))
    place.kubectl("wait", "--for=condition=Established", f"crd/{plural}.example.com")
    place.apply(f"{gizmo}---\n{maps('three')}")
    place.gitops("delete", f"crd/{plural}.example.com")
    assert list(place.files()) == [f"{place.namespace}/configmap/three.yaml"]
    place.gitops("pull")


def test_a_definition_takes_unrecorded_resources_along_recorded_first(place: Place) -> None:
    plural, gizmo = gizmos(place)
    place.apply(definition(plural))
    place.kubectl("apply", "-f", "-", input=gizmo)
    base, kind = place.tip, kind_of(plural).lower()
    run = place.gitops("delete", f"crd/{plural}.example.com")
    assert run.stderr == (
        "kubectl-gitops: this goes along:\n"
        f"  - {kind}/{place.namespace}/g (recorded first)\n"
        f"{place.committed}"
    )
    assert len(place.subjects(base)) == 2
    assert place.files() == {}
    place.gitops("undo", "--yes")
    assert place.live(f"{plural}/g")["spec"] == {"size": 3}
    place.gitops("delete", f"crd/{plural}.example.com")


def test_the_parent_of_a_set_is_never_deleted(place: Place) -> None:
    place.apply(maps("one"))
    parent = f"configmap/{place.namespace}/kubectl-gitops-store"
    run = place.gitops("delete", "cm", "--all")
    assert f"kubectl-gitops: {parent} is left alone: it is the parent of a set\n" in run.stderr
    assert place.files() == {}
    assert place.live("cm/one") == {}
    run = place.gitops("delete", "cm/kubectl-gitops-store", exit=1)
    assert run.stderr == (
        f"error: {parent}: it is the parent of a set, which tells what the set owns\n"
        "kubectl-gitops: nothing was committed and nothing was changed\n"
    )
    assert place.live("cm/kubectl-gitops-store")


def test_a_selector_is_asked_of_the_cluster_not_of_the_branch(place: Place) -> None:
    """Labels that somebody changed in the cluster are the ones that count."""
    place.apply(maps("one", "two", "three").replace("{name", "{labels: {app: web}, name"))
    place.kubectl("label", "cm/two", "app-")
    place.kubectl("create", "cm", "four")
    place.kubectl("label", "cm/four", "app=web")
    place.kubectl("delete", "cm/three")
    run = place.gitops("delete", "configmaps", "-l", "app=web")
    assert run.stdout == (
        f'configmap "four" deleted from {place.namespace} namespace\n'
        f'configmap "one" deleted from {place.namespace} namespace\n'
    )
    at = place.namespace
    assert list(place.files()) == [f"{at}/configmap/three.yaml", f"{at}/configmap/two.yaml"]
    assert place.live("cm/two")["data"] == {"a": "b"}


def test_what_the_prompt_does_not_get_a_y_for_stays(place: Place) -> None:
    place.apply(maps("one"))
    before = place.state()
    run = place.gitops("delete", "cm/one", "-i", input="yes\n")
    assert run.stdout == (
        "You are about to delete the following 1 resource(s):\n"
        "configmap/one\n"
        "Do you want to continue? (y/N): deletion is cancelled\n"
    )
    assert place.state() == before


def test_a_finalizer_that_holds_is_told_when_the_time_is_up(place: Place) -> None:
    place.apply(maps("one", "two").replace("{name", "{finalizers: [example.com/hold], name"))
    run = place.gitops("delete", "cm", "one", "two", "--timeout=1s", exit=1)
    assert "deletionTimestamp" in place.live("cm/one")["metadata"]
    assert run.stdout == "".join(
        f'configmap "{name}" deleted from {place.namespace} namespace\n' for name in ("one", "two")
    )
    held = "".join(
        f"kubectl-gitops: configmap/{place.namespace}/{name}: still there: finalizers "
        "example.com/hold\n"
        for name in ("one", "two")
    )
    assert run.stderr == (
        f"{place.committed}{held}"
        "error: timed out waiting for the condition on configmaps/one\n"
        f"hint: kubectl get configmap/one -n {place.namespace} -o yaml   # what holds it\n"
    )
    assert place.files() == {}
    tip = place.tip
    again = place.gitops("delete", "cm", "one", "--wait=false")
    assert again.stdout == f'configmap "one" deleted from {place.namespace} namespace\n'
    assert place.tip == tip  # it was recorded and deleted before
    place.kubectl("patch", "cm", "one", "-p", '{"metadata":{"finalizers":null}}')
    place.kubectl("patch", "cm", "two", "-p", '{"metadata":{"finalizers":null}}')
    place.gitops("pull")
    assert place.live("cm/one") == {}


def test_what_holds_is_named_while_a_person_waits(place: Place) -> None:
    place.apply(maps("one").replace("{name", "{finalizers: [example.com/hold], name"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_gitops", "delete", "cm/one", "--timeout=60s"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    waiting = f"configmap/{place.namespace}/one   finalizers example.com/hold".encode()
    seen, told = b"", False
    with contextlib.suppress(OSError):  # the other end is closed
        while chunk := os.read(ours, 4096):
            seen += chunk
            if not told and waiting in seen:
                told = True
                place.kubectl("patch", "cm", "one", "-p", '{"metadata":{"finalizers":null}}')
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert told
    assert out == f'configmap "one" deleted from {place.namespace} namespace\n'
    assert process.returncode == 0


def test_nothing_is_waited_for_where_nobody_wants_to(place: Place) -> None:
    """Not even custom resources before their definition, which can do without the wait."""
    plural, gizmo = gizmos(place)
    text = f"{definition(plural)}---\n{gizmo.replace('{name', '{finalizers: [x.com/hold], name')}"
    place.apply(text)
    run = place.gitops("delete", "-f", "-", "--wait=false", input=text)
    kind = kind_of(plural).lower()
    assert run.stdout == (
        f'customresourcedefinition.apiextensions.k8s.io "{plural}.example.com" deleted\n'
        f'{kind}.example.com "g" deleted from {place.namespace} namespace\n'
    )
    assert place.files() == {}
    assert "deletionTimestamp" in place.live(f"crd/{plural}.example.com")["metadata"]
    place.kubectl("patch", plural, "g", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_what_may_not_be_listed_in_a_namespace_is_told_and_goes_unrecorded(place: Place) -> None:
    at = f"{place.namespace}-goes"
    place.kubectl("create", "namespace", at)
    place.kubectl("-n", at, "create", "configmap", "one", "--from-literal=a=b")
    role = f"{at}-deleter"
    rules = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": role},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "delete"]},
            {
                "apiGroups": [""],
                "resources": ["configmaps"],
                "verbs": ["get", "list", "create", "patch"],
            },
        ],
    }
    place.kubectl("create", "-f", "-", input=json.dumps(rules))
    place.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", "--user=alice")
    run = place.gitops("delete", "namespace", at, "--as=alice")
    warning, *rest = run.stderr.splitlines(keepends=True)
    assert warning.startswith("kubectl-gitops: warning: cronjobs, daemonsets, deployments, ")
    assert warning.endswith(
        f", statefulsets in {at} cannot be listed: that is forbidden; what there is of it goes "
        "unrecorded\n"
    )
    assert "".join(rest) == (
        "kubectl-gitops: this goes along:\n"
        f"  - configmap/{at}/one (recorded first)\n"
        f"{place.committed}"
    )
    assert f"{at}/configmap/one.yaml" in place.files("main~")
    place.kubectl("delete", "clusterrole,clusterrolebinding", role)
