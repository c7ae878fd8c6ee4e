"""`delete` on a real API server: what kubectl says, what goes along, what is kept in history."""

from __future__ import annotations

import time

from tests.place import Place

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
        f"error: configmap/{place.namespace}/nope: {theirs.stderr}"
        "kubectl-gitops: nothing was committed and nothing was changed\n",
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


def test_a_finalizer_that_holds_is_told_when_the_time_is_up(place: Place) -> None:
    place.apply(maps("one").replace("{name", "{finalizers: [example.com/hold], name"))
    run = place.gitops("delete", "cm/one", "--timeout=1s", exit=4)
    assert "deletionTimestamp" in place.live("cm/one")["metadata"]
    assert (run.stdout, run.stderr) == (
        "",
        f"kubectl-gitops: configmap/{place.namespace}/one: still there: finalizers "
        f"example.com/hold\n{place.committed}"
        "error: the branch is ahead of the cluster: not everything is known to be applied\n"
        "hint: kubectl gitops pull\n",
    )
    assert place.files() == {}
    place.kubectl("patch", "cm", "one", "-p", '{"metadata":{"finalizers":null}}')
    place.gitops("pull")
    assert place.live("cm/one") == {}
